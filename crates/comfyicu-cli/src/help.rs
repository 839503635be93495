//! What `--help` says below the options.

use crate::exit::ExitStatus;

/// Below the help of the program.
pub(crate) fn program() -> String {
    let codes = ExitStatus::ALL.map(|(status, meaning)| format!("  {:<4} {meaning}\n", status.code()));
    format!("{PROGRAM}\n\nExit codes:\n{}", codes.concat().trim_end())
}

const PROGRAM: &str = "\
Examples:
  Run a prompt on the hosted service, and save its images here:
    comfyicu auth login
    comfyicu run prompt.json -w 46AnCzsekAoAXLZqVQUXH
  Run it on a server of your own, with another seed:
    export COMFYICU_BASE_URL=http://127.0.0.1:8288
    comfyicu run prompt.json --set 3.seed=42 -o images
  Submit it now, look at it later:
    run=$(comfyicu run prompt.json --detach)
    comfyicu runs wait \"$run\" && comfyicu runs download \"$run\"

Environment, before what `comfyicu config` keeps:
  COMFYICU_API_KEY      the API key; the hosted service needs one
  COMFYICU_BASE_URL     where the service is; without it, https://comfy.icu
  COMFYICU_WORKFLOW     the workflow that runs belong to, where -w does not name one
  COMFYICU_ACCELERATOR  what to run on, where --accelerator does not say
  COMFYICU_PROFILE      the profile of the config file
  COMFYICU_CONFIG       the config file itself";

/// Below the help of `run`.
pub(crate) const RUN: &str = "\
The paths of the saved files go to stdout, one a line, and nothing else does. With --detach,
stdout is the run's id. With --json, it is one object, for a run that failed too:
  {\"run\": {…the run as the service answered it…}, \"downloaded\": [\"path\", …]}
or, with --detach, {\"id\": …, \"workflow_id\": …}.

A file that is there already is never overwritten: one with the same bytes is kept as it is,
beside another one the new file gets a number, such as fox_00001_ (2).png.

Examples:
  comfyicu run prompt.json -w 46AnCzsekAoAXLZqVQUXH
  comfyicu run prompt.json --set '6.text=a red fox' --set 3.seed=42 -o images
  comfyicu run prompt.json --file /input/photo.jpg=https://example.com/photo.jpg
  comfyicu run prompt.json --file /input/photo.jpg=photo.jpg      (self-hosted server only)
  comfyicu run prompt.json --accelerator A10 --webhook https://example.com/hook --detach
  jq '.[\"3\"].inputs.steps = 8' prompt.json | comfyicu run -";

/// Below the help of `runs`.
pub(crate) const RUNS: &str = "\
Without an id, the newest run of the workflow is meant; --status, --since and --limit name others.
With several runs, --json writes a line for each.

Examples:
  comfyicu runs list --status ERROR --since 2h
  comfyicu runs watch
  comfyicu runs cancel --status QUEUED
  comfyicu runs get APCmAT2lf8O6sAgk2Svf2 --jq '.output[].url'
  comfyicu runs wait APCmAT2lf8O6sAgk2Svf2 --timeout 10m
  comfyicu runs download APCmAT2lf8O6sAgk2Svf2 -o images";

/// Below the help of `batch`.
pub(crate) const BATCH: &str = "\
The outputs of each run go into a folder of its own, such as 03-3.seed=3; their paths go to stdout,
one a line. With --json, each run is a line:
  {\"index\": 2, \"item\": \"3.seed=3\", \"run\": {…}, \"downloaded\": [\"path\", …]}

Examples:
  comfyicu batch prompt.json --vary 3.seed=1..8 -j 4 -o images
  comfyicu batch prompt.json --vary 3.cfg=5.5,7,8.5 --vary 3.steps=10..30:10 --dry-run
  comfyicu batch prompt.json --vary 6.text=@texts.txt --vary 3.seed=1..20 --zip
  comfyicu batch prompt.json --csv runs.csv --manifest runs.jsonl --resume";

/// Below the help of `webhooks`.
pub(crate) const WEBHOOKS: &str = "\
listen needs no public address: it looks at the runs of the workflow, and delivers what changes.
A message is sent up to five times, until its receiver answers with a status from 200 to 299.

Examples:
  comfyicu webhooks listen --forward-to http://localhost:3000/hook --secret @secret.txt
  comfyicu webhooks listen --once --events completed,error
  comfyicu webhooks trigger completed --to http://localhost:3000/hook --set output[0].url=https://…
  comfyicu webhooks verify --secret @secret.txt -H webhook-id:… -H webhook-timestamp:… \\
      -H webhook-signature:… body.json";

/// Below the help of `api`.
pub(crate) const API: &str = "\
A status that is no success ends with the code that fits it: 404 with 8, 401 with 4, 5xx with 6.

Examples:
  comfyicu api get workflows
  comfyicu api get 'workflows/default/runs?limit=3' --jq '.[].id'
  comfyicu api post workflows/default/runs -d @request.json";

/// Below the help of `completions`.
pub(crate) const COMPLETIONS: &str = "\
Commands and flags are completed, and what stands behind them: the nodes and inputs of the prompt on
the line, files, profiles, and what the service has: accelerators, workflows, runs.

Examples:
  comfyicu completions bash > ~/.local/share/bash-completion/completions/comfyicu
  comfyicu completions zsh > ~/.zfunc/_comfyicu
  comfyicu completions fish > ~/.config/fish/completions/comfyicu.fish";

/// Below the help of `auth`.
pub(crate) const AUTH: &str = "\
The key goes into the config file, which only you can read, and is sent to no other service than the
one that it was given for.

Examples:
  comfyicu auth login
  comfyicu auth login --base-url https://gpu.example.com --profile team
  pass show comfyicu | comfyicu auth login";

/// Below the help of `config`.
pub(crate) const CONFIG: &str = "\
A flag wins over its variable, a variable over the profile, the profile over the default.

Examples:
  comfyicu config set workflow 46AnCzsekAoAXLZqVQUXH
  comfyicu config set base_url http://127.0.0.1:8288 --profile home
  comfyicu run prompt.json --profile home
  comfyicu config list";

/// Below the help of `prompt`.
pub(crate) const PROMPT: &str = "\
FILE is a prompt in ComfyUI's API format, alone or inside a run or another document that carries
one, or an image that ComfyUI saved; - is stdin. What is asked for goes to stdout, remarks on the
file go to stderr.

NODE.INPUT names an input: the node by its id, by @ and its title, or by its class where that is
there once; [n] behind it goes into a list.

Examples:
  comfyicu prompt show fox.png
  comfyicu prompt check prompt.json --object-info http://127.0.0.1:8188
  comfyicu prompt get prompt.json '@Positive prompt.text'
  comfyicu prompt set prompt.json KSampler.seed=42 '6.text=a red fox' -i
  comfyicu prompt diff before.json after.json
  comfyicu prompt convert workflow.json --object-info http://127.0.0.1:8188 > prompt.json
  comfyicu prompt graph fox.png --format svg > graph.svg
  comfyicu prompt extract fox.png > prompt.json
  comfyicu prompt strip fox.png -o clean.png";

#[cfg(test)]
mod tests;
