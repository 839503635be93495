//! Many runs over two ComfyUIs, one of which dies on the way.

use serde_json::json;

use super::proxy::Way;
use super::{Bench, assert_colour, colour, ended, fresh, options, outputs};
use crate::wait::eventually;

/// How many runs.
const RUNS: u32 = 200;

/// The second ComfyUI is the first one by another way, which is cut: whoever looks at it from the server sees one
/// that dies.
pub(super) fn one_dies(bench: &Bench) -> String {
    let way = Way::to(&bench.comfyui);
    let server = options(bench.programs, &[&bench.comfyui, &way.url()]).start();
    let first = fresh() & 0x00ff_0000;
    let ids: Vec<String> =
        (0..RUNS).map(|number| server.submit(&json!({"prompt": colour(first | number, "many")}))).collect();
    let ended_now = || ids.iter().filter(|id| server.run(id)["status"] == "COMPLETED").count();
    eventually("a quarter of the runs", || (ended_now() >= RUNS as usize / 4).then_some(()));
    way.cut();
    let mut again = 0;
    for (number, id) in (0..RUNS).zip(&ids) {
        let run = ended(&server, id);
        let outputs = outputs(&run);
        assert_eq!(outputs.len(), 1, "{id}: {outputs:?}");
        assert_eq!(outputs[0].0, "many_00001_.png");
        assert_colour(&outputs[0].1, first | number);
        again += run["retry_count"].as_u64().unwrap_or(0);
    }
    format!("{RUNS} runs ended once, with the right pixels; {again} were begun again by the queue")
}
