"""The loop of the service's documentation, over requests: 30 looks, 10 s apart. Arguments: address, number of runs."""

import sys
import threading
import time

import requests

BASE, RUNS = sys.argv[1], int(sys.argv[2])
PROMPT = {"1": {"class_type": "SaveImage", "inputs": {}}}


def get_run_status(run_id):
    url = f"{BASE}/api/v1/workflows/w/runs/{run_id}"
    return requests.get(url, headers={"accept": "application/json"}).json()


def poll_run_status(run_id, max_attempts=30, delay=10):
    for _ in range(max_attempts):
        status = get_run_status(run_id)
        if status["status"] in ("COMPLETED", "ERROR"):
            return status
        time.sleep(delay)
    raise RuntimeError("Max polling attempts reached")


def one():
    run = requests.post(f"{BASE}/api/v1/workflows/w/runs", json={"workflow_id": "w", "prompt": PROMPT}).json()
    poll_run_status(run["id"])
    # One write, so that lines of threads that end at the same time stay whole.
    sys.stdout.write(run["id"] + "\n")
    sys.stdout.flush()


threads = [threading.Thread(target=one) for _ in range(RUNS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
