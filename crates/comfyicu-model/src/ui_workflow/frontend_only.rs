//! Widgets that no class declares: the editor's own code adds them to certain classes.

use super::widgets::{Builder, Export, Extra};
use crate::json::{Object, Value};
use crate::object_info::{InputDefinition, NodeDefinition};

/// The buttons before the view of a 3D model: their values are their names.
pub(super) const LOAD_3D_BUTTONS: [&str; 3] = ["upload3dmodel", "uploadExtraResources", "clear"];

/// The widgets that come after a class's required inputs.
pub(super) fn after_required(definition: NodeDefinition<'_>, inputs: &[InputDefinition<'_>]) -> Vec<Extra> {
    let mut extras = Vec::new();
    if matches!(definition.class_type(), "SaveGLB" | "Preview3D" | "Preview3DAnimation") {
        extras.push(Extra::Exported("image", ""));
    }
    let settings = || inputs.iter().filter_map(InputDefinition::settings);
    let uploads = |kinds: &[&str]| {
        let is_set =
            |settings: &Object, kind: &str| settings.get(kind).and_then(Value::as_bool) == Some(true);
        settings().any(|settings| kinds.iter().any(|kind| is_set(settings, kind)))
    };
    if uploads(&["audio_upload"]) {
        extras.extend([Extra::Silent("audioUI"), Extra::Silent("upload")]);
    }
    if uploads(&["image_upload", "animated_image_upload", "video_upload"]) {
        extras.push(Extra::Silent("upload"));
    }
    extras
}

/// The widgets that come last.
pub(super) fn finish(
    definition: NodeDefinition<'_>,
    inputs: &[InputDefinition<'_>],
    builder: &mut Builder<'_>,
) {
    if definition.class_type() == "CustomCombo" {
        custom_combo(builder);
    }
    let refreshes = |input: &InputDefinition<'_>| {
        let remote = input.setting("remote").and_then(Value::as_object);
        remote.is_some_and(|remote| remote.contains_key("refresh_button"))
    };
    if inputs.iter().any(refreshes) {
        builder.widget("refresh", "refresh".into(), Export::Plain);
    }
}

/// A combo whose choices are widgets of the node itself, one empty one at the end.
fn custom_combo(builder: &mut Builder<'_>) {
    let index = builder.take("index").cloned().unwrap_or_else(|| 0_u64.into());
    builder.widget("index", index, Export::Plain);
    for at in 1.. {
        let name = format!("option{at}");
        let Some(value) = builder.take(&name).cloned() else { break };
        builder.widget(name, value, Export::Plain);
    }
}
