"""A client over requests, in the way the service's users write them: run, poll, files, webhook, accelerator."""

import os
import time

import requests

HOST = os.environ["HOST"]
WORKFLOW_ID = os.environ["WORKFLOW_ID"]
HEADERS = {
    "accept": "application/json",
    "authorization": "Bearer " + os.environ["COMFYICU_API_KEY"],
}


def create_run(body):
    url = f"{HOST}/api/v1/workflows/{WORKFLOW_ID}/runs"
    response = requests.post(url, headers=HEADERS, json=body, timeout=45)
    response.raise_for_status()
    return response.json()


def get_run(run_id):
    url = f"{HOST}/api/v1/workflows/{WORKFLOW_ID}/runs/{run_id}"
    response = requests.get(url, headers=HEADERS, timeout=45)
    response.raise_for_status()
    return response.json()


def wait_for(run_id, attempts=300, delay=0.2):
    for _ in range(attempts):
        run = get_run(run_id)
        print(run["status"])
        if run["status"] in ("COMPLETED", "ERROR"):
            return run
        time.sleep(delay)
    raise TimeoutError(run_id)


prompt = {
    "45": {
        "_meta": {"title": "Load Image"},
        "inputs": {"image": "image1.jpg", "upload": "image"},
        "class_type": "LoadImage",
    },
    "46": {"class_type": "ImageInvert", "inputs": {"image": ["45", 0]}},
    "47": {"class_type": "SaveImage", "inputs": {"images": ["46", 0], "filename_prefix": "python/negative"}},
}

created = create_run(
    {
        "workflow_id": WORKFLOW_ID,
        "prompt": prompt,
        "files": {"/input/image1.jpg": os.environ["FILES"] + "/image1.jpg"},
        "webhook": os.environ["WEBHOOK"],
        "accelerator": "A100_40GB",
    }
)
print(created["id"])

run = wait_for(created["id"])
assert run["status"] == "COMPLETED", run

(output,) = run["output"]
assert output["filename"] == f"/workflows/{WORKFLOW_ID}/output/{run['id']}/python/negative_00001_.png", output
image = requests.get(output["url"], timeout=45)
image.raise_for_status()
assert image.content.startswith(b"\x89PNG"), image.content[:16]

listed = requests.get(f"{HOST}/api/v1/workflows/{WORKFLOW_ID}/runs", headers=HEADERS, timeout=45).json()
assert [entry["id"] for entry in listed] == [run["id"]], listed

unknown = {"45": {"class_type": "LoadImagee", "inputs": {}}}
refused = requests.post(
    f"{HOST}/api/v1/workflows/{WORKFLOW_ID}/runs", headers=HEADERS, json={"prompt": unknown}, timeout=45
)
assert refused.status_code == 422, refused.status_code
assert "LoadImagee" in refused.json()["error"]["message"], refused.text
print("the last line")
