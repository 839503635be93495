//! What ComfyUI would say to a run, before it is given one: it has no call that only checks.

use comfyicu_model::{Finding, ObjectInfo, RunRequest};

/// What is wrong with a run, by the node definitions. What ComfyUI runs all the same, without some of its outputs,
/// is warned of.
pub(super) fn findings(request: &RunRequest, definitions: &ObjectInfo, takes_models: bool) -> Vec<Finding> {
    let mut findings = if takes_models { Vec::new() } else { models(request) };
    findings.extend(request.readiness(definitions).into_findings());
    findings
}

/// Models cannot be uploaded: ComfyUI has no call for them.
fn models(request: &RunRequest) -> Vec<Finding> {
    let models = request.requested_files().paths().filter(|path| path.input_name().is_none());
    let finding = |path| {
        let message = format!(
            "the file {path} is a model, and the ComfyUI behind this server takes no models over the network"
        );
        let way_out = "put it into ComfyUI's own models folder and leave it out of `files`, or tell the server the folder: --comfyui URL,folder=PATH";
        Finding::new("model_files_not_supported", message).suggest(way_out)
    };
    models.map(finding).collect()
}

#[cfg(test)]
mod tests {
    use comfyicu_model::Prompt;

    use super::*;

    #[test]
    fn a_model_that_is_sent_along_is_refused_with_the_way_out() {
        let definitions = ObjectInfo::parse(br#"{
            "CheckpointLoaderSimple": {"input": {"required": {"ckpt_name": [["a.safetensors"]]}}, "output": ["MODEL"], "output_node": true}
        }"#);
        let prompt =
            br#"{"1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "b.safetensors"}}}"#;
        let request = RunRequest::new(Prompt::parse(prompt).unwrap());
        let file = ("/models/checkpoints/b.safetensors".parse().unwrap(), "http://x/b".parse().unwrap());
        let request = request.files([file].into_iter().collect());
        let findings = findings(&request, &definitions.unwrap(), false);
        assert_eq!(
            findings.iter().map(|finding| &*finding.code).collect::<Vec<_>>(),
            ["model_files_not_supported"]
        );
    }
}
