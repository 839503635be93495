//! Whether a prompt can run as it is sent, and which of its outputs will.

use std::collections::HashSet;

use super::check_request_with;
use crate::files::DestPath;
use crate::finding::{Finding, Severity};
use crate::ids::NodeId;
use crate::object_info::ObjectInfo;
use crate::prompt::{Node, Prompt};

/// What whoever runs a prompt should know before: which outputs will run, and all that is wrong.
///
/// ComfyUI runs the good outputs of a prompt without the others ([`Verdict`](crate::Verdict)), so an error is
/// only what keeps the prompt from running, or would make it fail: what is wrong at an output that does not
/// run, or before it, is a warning.
///
/// ```
/// use comfyicu_model::{ObjectInfo, Prompt};
///
/// let object_info = ObjectInfo::parse(br#"{
///     "EmptyImage": {"input": {"required": {"width": ["INT", {"min": 1}]}}, "output": ["IMAGE"]},
///     "SaveImage": {"input": {"required": {"images": ["IMAGE"]}}, "output": [], "output_node": true}
/// }"#)?;
/// let prompt = Prompt::parse(br#"{
///     "1": {"class_type": "EmptyImage", "inputs": {"width": 64}},
///     "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}},
///     "3": {"class_type": "SaveImage", "inputs": {}}
/// }"#)?;
/// let readiness = prompt.readiness(&object_info, &[]);
/// assert!(readiness.is_ready());
/// assert_eq!(readiness.outputs(), ["2".into()]);
/// assert_eq!(readiness.findings()[0].to_string(), "node 3 (SaveImage), input `images`: the required input \
///     is missing, so the outputs that need the node do not run (link it to an output that gives IMAGE)");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    outputs: Vec<NodeId>,
    findings: Vec<Finding>,
}

impl Readiness {
    /// Whether the prompt can run: an output runs, and no finding is an error.
    pub fn is_ready(&self) -> bool {
        !self.outputs.is_empty() && !self.findings.iter().any(Finding::is_error)
    }

    /// The output nodes that will run, in the order of the prompt; none when the prompt would be refused.
    pub fn outputs(&self) -> &[NodeId] {
        &self.outputs
    }

    /// All that is wrong, in the order of the prompt.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// All that is wrong, as [`findings`](Self::findings).
    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
    }
}

impl Prompt {
    /// Whether the prompt can run where these are the node definitions, with these files in place beside
    /// those that the definitions list.
    pub fn readiness(&self, object_info: &ObjectInfo, files: &[&DestPath]) -> Readiness {
        let outputs = self.verdict_with_files(object_info, files).outputs().to_vec();
        let mut findings = check_request_with(self, files, object_info);
        if !outputs.is_empty() {
            let graph = self.graph();
            let needed = graph.needed(outputs.iter().map(NodeId::as_str));
            let runs: HashSet<&str> = needed.iter().map(Node::id).collect();
            for finding in &mut findings {
                soften(finding, &runs);
            }
        }
        Readiness { outputs, findings }
    }
}

/// What does not keep the outputs that run from running well is no error.
fn soften(finding: &mut Finding, runs: &HashSet<&str>) {
    if !finding.is_error() {
        return;
    }
    match &finding.node_id {
        // It has been sent, and Python calculates with it.
        _ if finding.code == "non_finite_number" => finding.severity = Severity::Warning,
        Some(node_id) if runs.contains(node_id.as_str()) => {}
        Some(_) => {
            finding.severity = Severity::Warning;
            finding.message.push_str(", so the outputs that need the node do not run");
        }
        // Of the many that are not shown nothing is known, but that ComfyUI would run the prompt.
        None => finding.severity = Severity::Warning,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object_info() -> ObjectInfo {
        ObjectInfo::parse(
            br#"{
            "Load": {"input": {"required": {"image": [[], {"image_upload": true}]}}, "output": ["IMAGE"]},
            "Shade": {"input": {"required": {"by": ["FLOAT"]}}, "output": ["IMAGE"]},
            "Save": {"input": {"required": {"images": ["IMAGE"], "filename_prefix": ["STRING"]}},
                "output": [], "output_node": true}
        }"#,
        )
        .unwrap()
    }

    fn readiness(json: &str, files: &[&str]) -> Readiness {
        let files: Vec<DestPath> = files.iter().map(|path| path.parse().unwrap()).collect();
        Prompt::parse(json.as_bytes()).unwrap().readiness(&object_info(), &files.iter().collect::<Vec<_>>())
    }

    fn lines(readiness: &Readiness) -> String {
        let line = |finding: &Finding| format!("{} {}: {finding}\n", finding.severity, finding.code);
        readiness.findings().iter().map(line).collect()
    }

    #[test]
    fn files_must_be_there_and_have_a_place_to_go() {
        let json = r#"{
            "1": {"class_type": "Load", "inputs": {"image": "photo.png"}},
            "2": {"class_type": "Save", "inputs": {"images": ["1", 0], "filename_prefix": "PREFIX"}}
        }"#;
        let good = readiness(&json.replace("PREFIX", "a/b"), &["/input/photo.png"]);
        assert!(good.is_ready() && good.findings().is_empty(), "{good:?}");
        let unused = readiness(&json.replace("PREFIX", "x"), &["/input/photo.png", "/input/other.png"]);
        assert!(unused.is_ready());
        insta::assert_snapshot!(lines(&unused), @"warning unused_file: no node uses the file /input/other.png (take it out, or name it in the prompt)");
        let bad = readiness(&json.replace("PREFIX", "../x"), &[]);
        assert!(!bad.is_ready());
        insta::assert_snapshot!(lines(&bad), @r#"
        error custom_validation_failed: node 1 (Load), input `image`: the server has no file "photo.png" (send it among the `files` of the run, as /input/photo.png)
        error output_outside_folder: node 2 (Save), input `filename_prefix`: "../x" leads out of the output folder (begin it with the name of a file or of a folder)
        "#);
    }

    #[test]
    fn a_file_that_no_destination_can_be_is_not_asked_for() {
        let json = r#"{"1": {"class_type": "Load", "inputs": {"image": "../../etc/passwd"}},
            "2": {"class_type": "Save", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}}"#;
        insta::assert_snapshot!(lines(&readiness(json, &[])), @r#"error custom_validation_failed: node 1 (Load), input `image`: the server has no file "../../etc/passwd""#);
    }

    #[test]
    fn one_output_that_is_good_runs_alone() {
        let json = r#"{
            "1": {"class_type": "Shade", "inputs": {"by": NaN}},
            "2": {"class_type": "Load", "inputs": {"image": "gone.png"}},
            "3": {"class_type": "Save", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
            "4": {"class_type": "Save", "inputs": {"images": ["2", 0], "filename_prefix": "/etc/x"}}
        }"#;
        let found = readiness(json, &[]);
        assert!(found.is_ready());
        assert_eq!(found.outputs(), ["3".into()]);
        insta::assert_snapshot!(lines(&found), @r#"
        warning non_finite_number: node 1 (Shade), input `by`: NaN is no number that can be sent (JSON has no such number: put another in its place)
        warning custom_validation_failed: node 2 (Load), input `image`: the server has no file "gone.png", so the outputs that need the node do not run (send it among the `files` of the run, as /input/gone.png)
        warning output_outside_folder: node 4 (Save), input `filename_prefix`: "/etc/x" leads out of the output folder, so the outputs that need the node do not run (begin it with the name of a file or of a folder)
        "#);
    }

    #[test]
    fn what_would_fail_when_it_runs_is_an_error() {
        let json = r#"{
            "1": {"class_type": "Shade", "inputs": {"by": 1}},
            "3": {"class_type": "Save", "inputs": {"images": 5, "filename_prefix": "x"}},
            "4": {"class_type": "Save", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}
        }"#;
        let found = readiness(json, &[]);
        assert!(!found.is_ready(), "node 3 runs, and fails");
        assert_eq!(found.outputs(), ["3".into(), "4".into()]);
    }
}
