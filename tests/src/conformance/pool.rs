//! Many runs over two ComfyUIs, one of which dies on the way.

use serde_json::json;

use super::own::Process;
use super::proxy::Way;
use super::{Bench, assert_colour, colour, ended, fresh, outputs, served};
use crate::wait::eventually;

/// How many runs.
const RUNS: u32 = 200;

/// What dies.
enum Second {
    /// A ComfyUI in a process of its own.
    Process(Process),
    /// The first one by another way, which is cut: whoever looks at it from the server sees one that dies.
    Way(Way),
}

impl Second {
    fn url(&self) -> String {
        match self {
            Self::Process(process) => process.url().to_owned(),
            Self::Way(way) => way.url(),
        }
    }

    fn die(self) -> &'static str {
        match self {
            Self::Process(process) => {
                process.kill();
                "its process was killed"
            }
            Self::Way(way) => {
                way.cut();
                "the way to it was cut"
            }
        }
    }
}

pub(super) fn one_dies(bench: &Bench) -> String {
    let folder = bench.options.folder.as_ref();
    let second = folder
        .map_or_else(|| Second::Way(Way::to(&bench.comfyui)), |comfy| Second::Process(Process::start(comfy)));
    let server = served(bench.programs, &bench.options, &[&bench.comfyui, &second.url()]).start();
    let first = fresh() & 0x00ff_0000;
    let ids: Vec<String> =
        (0..RUNS).map(|number| server.submit(&json!({"prompt": colour(first | number, "many")}))).collect();
    let ended_now = || ids.iter().filter(|id| server.run(id)["status"] == "COMPLETED").count();
    eventually("a quarter of the runs", || (ended_now() >= RUNS as usize / 4).then_some(()));
    let how = second.die();
    let mut again = 0;
    for (number, id) in (0..RUNS).zip(&ids) {
        let run = ended(&server, id);
        let outputs = outputs(&run);
        assert_eq!(outputs.len(), 1, "{id}: {outputs:?}");
        assert_eq!(outputs[0].0, "many_00001_.png");
        assert_colour(&outputs[0].1, first | number);
        again += run["retry_count"].as_u64().unwrap_or(0);
    }
    format!("{RUNS} runs ended once, with the right pixels; {how}; {again} were begun again by the queue")
}
