//! The converter of comfy-cli, in a Python of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Reads the files named after the definitions, and writes for each how many seconds the best of ten conversions
/// took, from bytes to bytes, or that it failed.
const SCRIPT: &str = "
import json, sys, time, logging
from comfy_cli.workflow_to_api import convert_ui_to_api
logging.disable(logging.CRITICAL)
object_info = json.load(open(sys.argv[1], 'rb'))
for path in sys.argv[2:]:
    text = open(path, 'rb').read().decode('utf-8-sig')
    best = None
    try:
        for _ in range(10):
            start = time.perf_counter()
            json.dumps(convert_ui_to_api(json.loads(text), object_info))
            took = time.perf_counter() - start
            best = took if best is None else min(best, took)
        print(best)
    except Exception:
        print('failed')
";

/// The time for each file, `None` for one that it does not convert; nothing where `COMFY_CLI_PYTHON` names no
/// Python.
#[expect(clippy::disallowed_methods, reason = "criterion has the arguments of a benchmark for itself")]
pub(crate) fn times(definitions: &Path, files: &[PathBuf]) -> Option<Vec<Option<Duration>>> {
    let python = std::env::var_os("COMFY_CLI_PYTHON")?;
    let output = Command::new(&python).args(["-c", SCRIPT]).arg(definitions).args(files).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", python.display()));
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {words}", python.display());
    let lines = String::from_utf8_lossy(&output.stdout);
    let time = |line: &str| line.parse().ok().map(Duration::from_secs_f64);
    Some(lines.lines().map(time).collect())
}
