//! What to try next: command lines to be copied, each below a comment that says what it does.

use std::fmt;
use std::path::Path;

use crate::cargo::Programs;
use crate::process::quoted;
use crate::quickstart::WORKFLOW;
use crate::quickstart::place::Place;

/// The commands, with the paths of this machine in them.
#[derive(Debug)]
pub(crate) struct NextSteps<'a> {
    pub(crate) programs: &'a Programs,
    pub(crate) place: &'a Place,
    pub(crate) base_url: &'a str,
    pub(crate) run_id: &'a str,
}

impl NextSteps<'_> {
    /// The commands in order: what each does, and its line.
    fn commands(&self) -> Vec<(&'static str, String)> {
        let Self { programs, place, base_url, run_id } = self;
        let address = base_url.trim_start_matches("http://").trim_end_matches('/');
        let cli = format!("COMFYICU_BASE_URL={} {}", quoted(base_url), path(&programs.cli));
        let (prompt, photo) = (path(&place.prompt()), quoted(&place.photo_entry()));
        let images = |name: &str| path(&place.images().join(name));
        vec![
            (
                "Start the server again, on the same data. It stays in the foreground: go on in another shell.",
                format!(
                    "{} serve --listen {address} --data-dir {} --no-auth",
                    path(&programs.server),
                    path(&place.data())
                ),
            ),
            (
                "The same prompt at another size: any input of any node can be set. The photo is not sent again.",
                format!(
                    "{cli} run {prompt} --file {photo} --set 2.width=960 --set 2.height=320 -o {}",
                    images("wide")
                ),
            ),
            ("A run as the server keeps it.", format!("{cli} runs get -w {WORKFLOW} {run_id}")),
            (
                "Its images once more, into another folder.",
                format!("{cli} runs download -w {WORKFLOW} {run_id} -o {}", images("again")),
            ),
            (
                "All runs, over the API itself: the one that every ComfyICU client speaks.",
                format!("curl -sS --noproxy 127.0.0.1 {base_url}/api/v1/workflows/{WORKFLOW}/runs"),
            ),
            (
                "Your own ComfyUI: save a workflow there with Workflow → Export (API), over this file, and run it.\n  \
                 # This version runs the nodes in docs/src/reference/nodes.md by itself; others are refused by\n  \
                 # name, with the nearest ones that it has.",
                format!("{cli} run {} --file {photo} -o {}", path(&place.own_prompt()), images("own")),
            ),
        ]
    }
}

impl fmt::Display for NextSteps<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "What to try next:")?;
        for (comment, command) in self.commands() {
            write!(f, "\n  # {comment}\n  {command}\n")?;
        }
        Ok(())
    }
}

fn path(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}
