// The loop of the service's documentation, over node-fetch: 30 looks, 10 s apart. Arguments: address, number of runs.
const fetch = require("node-fetch");

const [base, runs] = [process.argv[2], Number(process.argv[3])];
const prompt = { 1: { class_type: "SaveImage", inputs: {} } };

async function getRunStatus(runId) {
  const resp = await fetch(`${base}/api/v1/workflows/w/runs/${runId}`, {
    headers: { accept: "application/json" },
  });
  return await resp.json();
}

async function pollRunStatus(runId, maxAttempts = 30, delay = 10000) {
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    const status = await getRunStatus(runId);
    if (status.status === "COMPLETED" || status.status === "ERROR") {
      return status;
    }
    await new Promise((resolve) => setTimeout(resolve, delay));
  }
  throw new Error("Max polling attempts reached");
}

async function one() {
  const resp = await fetch(`${base}/api/v1/workflows/w/runs`, {
    method: "POST",
    headers: { accept: "application/json", "content-type": "application/json" },
    body: JSON.stringify({ workflow_id: "w", prompt }),
  });
  const run = await resp.json();
  await pollRunStatus(run.id);
  console.log(run.id);
}

Promise.all(Array.from({ length: runs }, one)).catch(() => process.exit(1));
