//! Where the files of nodes that save would go.

use super::live_inputs::unwrapped;
use super::problem::Problem;
use crate::json::Value;

/// The input of all nodes that save: what the names of their files begin with.
pub(super) const INPUT: &str = "filename_prefix";

/// A prefix that leads out of the output folder makes the node fail when it runs.
pub(super) fn judge(value: &Value) -> Result<(), Problem<'_>> {
    match unwrapped(value) {
        Value::String(prefix) if leaves_folder(prefix) => Err(Problem::LeavesFolder { prefix }),
        _ => Ok(()),
    }
}

/// Whether the folder of a prefix, which is all but its last part, is outside of the output folder. One that
/// begins at the root of the server's disk could by chance be inside, but nobody who sends a prompt knows.
fn leaves_folder(prefix: &str) -> bool {
    if prefix.starts_with('/') {
        return true;
    }
    let (mut depth, mut above) = (0_usize, 0_usize);
    for part in prefix.split('/') {
        match part {
            "" | "." => {}
            ".." if depth > 0 => depth -= 1,
            ".." => above += 1,
            _ => depth += 1,
        }
    }
    above > 0 && above + depth > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_leads_out_is_found() {
        for inside in ["", "x", "a/b/c", "./a//b/../c", "a/..", "..", "...", "a..b/x", "a/../x", "%date%/x"] {
            assert!(!leaves_folder(inside), "{inside}");
        }
        for outside in ["/x", "/tmp/x", "../x", "a/../../x", "../..", "a/b/../../../c/x", "./../x"] {
            assert!(leaves_folder(outside), "{outside}");
        }
        assert!(judge(&Value::from_argument("5")).is_ok());
        assert!(judge(&Value::from_argument(r#"{"__value__": "../x"}"#)).is_err());
    }
}
