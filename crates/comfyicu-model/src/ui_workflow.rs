//! The editor's own file, told from a prompt.

use crate::json::Object;

/// Whether a document is a UI workflow: it lists its nodes, where a prompt has them by id.
pub(crate) fn is_ui_workflow(object: &Object) -> bool {
    let is_list = |key| object.get(key).is_some_and(|value| value.as_array().is_some());
    is_list("nodes")
        && (is_list("links") || object.contains_key("last_node_id") || object.contains_key("version"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_called_nodes_is_not_a_ui_workflow() {
        let prompt: Object = [("nodes", Object::from_iter([("class_type", "X")]))].into_iter().collect();
        assert!(!is_ui_workflow(&prompt));
    }
}
