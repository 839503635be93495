//! Any bytes as a UI workflow: no panic, an end, and a prompt that is read again the same.
//!
//! It is converted with real definitions of some sixty classes, and without any, so that both ways are gone.

#![no_main]

use std::sync::LazyLock;

use comfyicu_model::{ConvertOptions, LocalTime, ObjectInfo, Prompt, UiWorkflow};
use libfuzzer_sys::fuzz_target;

static DEFINITIONS: LazyLock<ObjectInfo> = LazyLock::new(|| {
    ObjectInfo::parse(include_bytes!("../../data/ui_workflows/object_info.json")).expect("definitions")
});

static NONE: LazyLock<ObjectInfo> = LazyLock::new(ObjectInfo::default);

const NOW: LocalTime = LocalTime { year: 2026, month: 1, day: 2, hour: 3, minute: 4, second: 5 };

fuzz_target!(|bytes: &[u8]| {
    let Ok(workflow) = UiWorkflow::parse(bytes) else { return };
    let again = UiWorkflow::parse(workflow.to_json().as_bytes()).expect("what was written is a UI workflow");
    assert_eq!(again, workflow, "a UI workflow is kept");
    for object_info in [&*DEFINITIONS, &*NONE] {
        for options in [ConvertOptions::new(), ConvertOptions::new().choose_alternatives(7).fill_in_names(NOW)] {
            convert(&workflow, object_info, &options);
        }
    }
});

fn convert(workflow: &UiWorkflow, object_info: &ObjectInfo, options: &ConvertOptions) {
    let conversion = match workflow.to_prompt(object_info, options) {
        Ok(conversion) => conversion,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    for finding in &conversion.findings {
        assert!(!finding.is_error() && !finding.to_string().is_empty());
    }
    let prompt = conversion.prompt;
    // A prompt without nodes cannot be sent, and is none when it is read.
    if prompt.nodes().next().is_none() {
        return;
    }
    let again = Prompt::parse(prompt.to_json().as_bytes()).expect("what was written is a prompt");
    assert_eq!(again, prompt);
    let drawn = UiWorkflow::from_prompt(&prompt, object_info).expect("it can be drawn");
    let back = drawn.to_prompt(object_info, &ConvertOptions::new()).expect("it can be converted").prompt;
    assert_eq!(back, prompt, "a prompt comes back from the UI workflow that is drawn of it");
}
