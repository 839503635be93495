//! Workflows as text, for people.

use std::fmt::Write as _;

use comfyicu_model::WorkflowInfo;

use super::prompt::printable;

/// What is above the rows of a list.
pub(crate) const COLUMNS: [&str; 4] = ["WORKFLOW", "UPDATED", "VISIBILITY", "NAME"];

/// What a list says of a workflow.
pub(crate) fn row(workflow: &WorkflowInfo) -> Vec<String> {
    vec![
        workflow.id().to_string(),
        workflow.updated_at().map(|moment| moment.to_string()).unwrap_or_default(),
        printable(workflow.visibility().unwrap_or_default()).into_owned(),
        printable(workflow.name().unwrap_or_default()).into_owned(),
    ]
}

/// Shows a workflow, a line a fact; what is not known is left out.
pub(crate) fn workflow(workflow: &WorkflowInfo) -> String {
    let tags: Vec<&str> = workflow.tags().collect();
    let facts = [
        ("workflow", Some(workflow.id().to_string())),
        ("name", workflow.name().map(str::to_owned)),
        ("description", workflow.description().map(str::to_owned)),
        ("accelerator", workflow.accelerator().map(|name| name.to_string())),
        ("visibility", workflow.visibility().map(str::to_owned)),
        ("tags", (!tags.is_empty()).then(|| tags.join(", "))),
        ("created", workflow.created_at().map(|moment| moment.to_string())),
        ("updated", workflow.updated_at().map(|moment| moment.to_string())),
    ];
    let mut text = String::new();
    for (name, value) in facts {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            // Writing to a string does not fail.
            let _infallible = writeln!(text, "{name:<12} {}", printable(&value));
        }
    }
    text
}
