//! The lines: for each command one that works, one that fails, and the schema of its JSON.
//!
//! `$RUN` is a run that has ended, `$LOCKED` a server that wants `$KEY`, `$HOOK` a receiver of webhooks.

/// A prompt that any server of ours runs at once.
pub(super) const SMALL: &str = r#"{
  "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 255}},
  "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "small"}, "_meta": {"title": "Keep it"}}
}
"#;

/// A prompt with a link that leads nowhere.
pub(super) const BROKEN: &str = r#"{"9": {"class_type": "SaveImage", "inputs": {"images": ["8", 0]}}}"#;

/// The editor's own form of a prompt like [`SMALL`].
pub(super) const UI_WORKFLOW: &str = r#"{"version": 0.4, "nodes": [
  {"id": 1, "type": "EmptyImage", "mode": 0, "inputs": [], "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}], "widgets_values": [8, 8, 1, 255]},
  {"id": 2, "type": "SaveImage", "mode": 0, "inputs": [{"name": "images", "type": "IMAGE", "link": 1}], "outputs": [], "widgets_values": ["small"]}
], "links": [[1, 1, 0, 2, 0, "IMAGE"]]}"#;

/// A command.
pub(super) struct Case {
    /// Its name, behind `comfyicu`.
    pub(super) command: &'static str,
    /// A line that works, and what it writes to stdout.
    pub(super) works: (&'static str, &'static str),
    /// A line that fails, with which code, and what it says on stderr.
    pub(super) fails: (&'static str, i32, &'static str),
    /// What `--json` writes.
    pub(super) json: Json,
}

/// What `--json` writes.
pub(super) enum Json {
    /// With the line that works, what fits this schema.
    Fits(&'static str),
    /// And with these lines, what fits these.
    Also(&'static str, &'static [(&'static str, &'static str)]),
    /// Nothing of its own, for this reason.
    Not(&'static str),
}

use Json::{Also, Fits, Not};

const fn case(
    command: &'static str,
    works: (&'static str, &'static str),
    fails: (&'static str, i32, &'static str),
    json: Json,
) -> Case {
    Case { command, works, fails, json }
}

pub(super) const CASES: &[Case] = &[
    case(
        "run",
        ("comfyicu run small.json -o out", "out/small_00001_.png"),
        ("comfyicu run broken.json", 7, "nothing was sent"),
        Also(
            "run-result",
            &[("comfyicu run small.json --detach", "submitted"), ("comfyicu run broken.json", "findings")],
        ),
    ),
    case(
        "batch",
        ("comfyicu batch small.json --vary 1.width=8,16 -o sizes", "sizes/2-1.width=16/small_00001_.png"),
        ("comfyicu batch small.json", 2, "nothing varies"),
        Also("batch-item", &[("comfyicu batch small.json --vary 1.width=8,16 --dry-run", "batch-plan")]),
    ),
    case(
        "runs list",
        ("comfyicu runs list --status COMPLETED --since 1h", "COMPLETED"),
        ("comfyicu runs list --status COMPLETE", 7, "COMPLETE is none of QUEUED"),
        Fits("runs"),
    ),
    case(
        "runs get",
        ("comfyicu runs get $RUN", "COMPLETED"),
        ("comfyicu runs get nope", 8, "there is no run nope"),
        Also("run", &[("comfyicu runs get --limit 2", "run")]),
    ),
    case(
        "runs wait",
        ("comfyicu runs wait $RUN", "COMPLETED"),
        ("comfyicu runs wait nope --timeout 5s", 8, "there is no run nope"),
        Fits("run"),
    ),
    case(
        "runs watch",
        ("comfyicu runs watch $RUN", "COMPLETED"),
        ("comfyicu runs watch nope", 8, "there is no run nope"),
        Fits("event"),
    ),
    case(
        "runs download",
        ("comfyicu runs download $RUN -o again", "again/small_00001_.png"),
        ("comfyicu runs download nope", 8, "there is no run nope"),
        Fits("run-result"),
    ),
    case(
        "runs cancel",
        ("comfyicu runs cancel $RUN", "COMPLETED"),
        ("comfyicu runs cancel", 2, "no run is named"),
        Fits("run"),
    ),
    case(
        "runs retry",
        ("comfyicu runs retry $RUN", "\n"),
        ("comfyicu runs retry nope", 8, "there is no run nope"),
        Fits("submitted"),
    ),
    case(
        "runs find",
        ("comfyicu runs find $(comfyicu runs get $RUN --jq .data.extra_data.comfyicu_submit)", "COMPLETED"),
        ("comfyicu runs find $MARKER", 8, "has this marker"),
        Fits("run"),
    ),
    case(
        "workflows list",
        ("comfyicu workflows list", "default\t"),
        ("comfyicu workflows list --base-url http://127.0.0.1:1", 6, "cannot be reached"),
        Fits("workflows"),
    ),
    case(
        "workflows get",
        ("comfyicu workflows get default", "workflow     default"),
        ("comfyicu workflows get defualt", 8, "there is no workflow defualt"),
        Fits("workflow"),
    ),
    case(
        "prompt show",
        ("comfyicu prompt show small.json", "2 SaveImage “Keep it”"),
        ("comfyicu prompt show missing.json", 2, "`missing.json` cannot be read"),
        Fits("prompt"),
    ),
    case(
        "prompt check",
        ("comfyicu prompt check small.json", "no problems found"),
        ("comfyicu prompt check broken.json", 7, "`broken.json` has 1 error"),
        Also("findings", &[("comfyicu prompt check broken.json", "findings")]),
    ),
    case(
        "prompt convert",
        ("comfyicu prompt convert workflow.json", "\"class_type\": \"EmptyImage\""),
        ("comfyicu prompt convert other.json", 2, "`other.json` holds no prompt"),
        Fits("prompt"),
    ),
    case(
        "prompt get",
        ("comfyicu prompt get small.json '@Keep it.filename_prefix'", "small\n"),
        ("comfyicu prompt get small.json 1.widht", 2, "did you mean `width`?"),
        Fits("input"),
    ),
    case(
        "prompt set",
        ("comfyicu prompt set small.json SaveImage.filename_prefix=red", "\"filename_prefix\": \"red\""),
        ("comfyicu prompt set small.json SaveImagee.filename_prefix=red", 2, "did you mean `SaveImage`?"),
        Fits("prompt"),
    ),
    case(
        "prompt diff",
        ("comfyicu prompt set small.json 1.width=9 | comfyicu prompt diff small.json -", "width: 8 → 9"),
        ("comfyicu prompt diff - -", 2, "only one of the two prompts can be stdin"),
        Also("diff", &[("comfyicu prompt diff small.json negative.json", "diff")]),
    ),
    case(
        "prompt extract",
        ("comfyicu prompt extract fox.png", "SaveImage"),
        ("comfyicu prompt extract photo.jpg", 2, "`photo.jpg` carries no prompt"),
        Fits("prompt"),
    ),
    case(
        "prompt strip",
        ("comfyicu prompt strip fox.png -o clean.png", ""),
        ("comfyicu prompt strip small.json -o clean.png", 2, "`small.json` cannot be stripped"),
        Fits("stripped"),
    ),
    case(
        "prompt graph",
        ("comfyicu prompt graph small.json", "images ← 1 EmptyImage"),
        ("comfyicu prompt graph small.json --format svgg", 2, "a similar value exists: 'svg'"),
        Fits("graph"),
    ),
    case(
        "prompt nodes",
        ("comfyicu prompt nodes fox.png", "2\tSaveImage\tKeep it"),
        ("comfyicu prompt nodes other.json", 2, "`other.json` holds no prompt"),
        Fits("nodes"),
    ),
    case(
        "prompt hash",
        ("comfyicu prompt hash small.json", "\n"),
        ("comfyicu prompt hash broken.toml", 2, "`broken.toml` holds no prompt"),
        Fits("hash"),
    ),
    case(
        "webhooks listen",
        (
            "comfyicu webhooks listen --once --forward-to $HOOK & \
             while kill -0 $! 2>/dev/null; do comfyicu run small.json -q -o heard >/dev/null; done; wait $!",
            "→ 200 OK in",
        ),
        ("comfyicu webhooks listen --forward-to localhost:3000", 2, "it is not an http or https URL"),
        Also(
            "delivery",
            &[(
                "comfyicu webhooks listen --once --events completed & \
                 while kill -0 $! 2>/dev/null; do comfyicu run small.json -q -o heard >/dev/null; done; wait $!",
                "run",
            )],
        ),
    ),
    case(
        "webhooks trigger",
        ("comfyicu webhooks trigger completed --to $HOOK --secret $SECRET --run $RUN", "→ 200 OK in"),
        ("comfyicu webhooks trigger started --to http://127.0.0.1:1/hook", 6, "the receiver did not answer"),
        Fits("delivery"),
    ),
    case(
        "webhooks verify",
        (
            // By hand, as any receiver may do it: the signature is that of the id, the time and the body.
            "id=msg_1; time=$(date +%s); printf '{}' > body.json; \
             mac=$(printf '%s.%s.{}' $id $time | openssl dgst -sha256 -mac HMAC -binary \
             -macopt hexkey:$(printf %s ${SECRET#whsec_} | base64 -d | od -An -tx1 | tr -d ' \\n') | base64); \
             comfyicu webhooks verify --secret $SECRET -H webhook-id:$id -H webhook-timestamp:$time \
             -H webhook-signature:v1,$mac body.json",
            "the signature of msg_1 fits",
        ),
        (
            "comfyicu webhooks verify --secret $SECRET -H webhook-id:a -H webhook-timestamp:1 \
             -H webhook-signature:v1,AAAA small.json",
            7,
            "error: ",
        ),
        Fits("verified"),
    ),
    case(
        "auth login",
        ("echo $KEY | comfyicu auth login --base-url $LOCKED --profile mine", "takes the key"),
        ("echo wrong | comfyicu auth login --base-url $LOCKED", 4, "refused the API key"),
        Fits("login"),
    ),
    case(
        "auth status",
        ("comfyicu auth status --base-url $LOCKED --api-key $KEY", "takes the key (command line)"),
        ("comfyicu auth status --base-url $LOCKED", 4, "wants an API key"),
        Also("auth-status", &[("comfyicu auth status --base-url $LOCKED", "auth-status")]),
    ),
    case(
        "auth logout",
        ("comfyicu auth logout", "the profile default"),
        ("COMFYICU_CONFIG=broken.toml comfyicu auth logout", 2, "is not valid TOML"),
        Fits("logout"),
    ),
    case(
        "config get",
        ("comfyicu config get base_url", "http://127.0.0.1:"),
        ("comfyicu config get accelerator", 8, "`accelerator` is not set"),
        Fits("setting"),
    ),
    case(
        "config set",
        ("comfyicu config set workflow foxes --profile mine", ""),
        ("comfyicu config set workflow 'no such id'", 2, "this cannot be the workflow"),
        Fits("setting"),
    ),
    case(
        "config unset",
        ("comfyicu config unset workflow", ""),
        ("comfyicu config unset workflwo", 2, "a similar value exists: 'workflow'"),
        Fits("setting"),
    ),
    case(
        "config list",
        ("comfyicu config list", "COMFYICU_BASE_URL"),
        ("comfyicu config list --profile nope", 2, "there is no profile `nope`"),
        Fits("settings"),
    ),
    case(
        "config path",
        ("comfyicu config path", "/home/.config/comfyicu/config.toml"),
        ("COMFYICU_CONFIG=broken.toml comfyicu config path", 2, "is not valid TOML"),
        Fits("path"),
    ),
    case(
        "doctor",
        ("comfyicu doctor", "✓ service"),
        ("comfyicu doctor --base-url http://127.0.0.1:1", 6, ""),
        Fits("checks"),
    ),
    case(
        "api",
        ("comfyicu api get workflows", "\"id\""),
        ("comfyicu api get workflows/defualt", 8, "the service answered 404"),
        Not("the answer of the service is written as it came"),
    ),
    case(
        "completions",
        ("comfyicu completions bash", "complete "),
        ("comfyicu completions bsh", 2, "a similar value exists: 'bash'"),
        Not("what is written is a script"),
    ),
];
