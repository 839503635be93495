//! The nodes that the executor knows: one line each.

use std::sync::{Arc, LazyLock};

use comfyicu_model::ObjectInfo;
use comfyicu_model::json::Object;

use super::definition::Definition;
use super::nodes::{empty, invert, load, mask, save, scale};

static DEFINITIONS: [&Definition; 7] = [
    &empty::EMPTY_IMAGE,
    &invert::IMAGE_INVERT,
    &scale::IMAGE_SCALE,
    &load::LOAD_IMAGE,
    &mask::MASK_TO_IMAGE,
    &save::PREVIEW_IMAGE,
    &save::SAVE_IMAGE,
];

/// The definition of a class.
pub(super) fn find(class_type: &str) -> Option<&'static Definition> {
    DEFINITIONS.into_iter().find(|definition| definition.class_type == class_type)
}

/// All definitions, in ComfyUI's form.
pub(super) fn object_info() -> Arc<ObjectInfo> {
    static OBJECT_INFO: LazyLock<Arc<ObjectInfo>> = LazyLock::new(|| {
        let definitions: Object =
            DEFINITIONS.iter().map(|definition| (definition.class_type, definition.to_object())).collect();
        Arc::new(ObjectInfo::new(definitions))
    });
    Arc::clone(&OBJECT_INFO)
}

#[cfg(test)]
mod tests {
    use comfyicu_model::json::Value;

    use super::*;

    #[test]
    fn definitions_have_the_form_of_comfyui() {
        let info = object_info();
        let json = |class_type| Value::from(info.get(class_type).unwrap().clone()).to_json();
        insta::assert_snapshot!(json("ImageInvert"), @r#"{"input":{"required":{"image":["IMAGE",{"tooltip":"The images to invert."}]}},"input_order":{"required":["image"]},"output":["IMAGE"],"output_is_list":[false],"output_name":["IMAGE"],"name":"ImageInvert","display_name":"Invert Image","description":"Turns each colour into its opposite.","python_module":"nodes","category":"image","output_node":false}"#);
        insta::assert_snapshot!(json("PreviewImage"), @r#"{"input":{"required":{"images":["IMAGE",{"tooltip":"The images to look at."}]},"hidden":{"prompt":"PROMPT","extra_pnginfo":"EXTRA_PNGINFO"}},"input_order":{"required":["images"],"hidden":["prompt","extra_pnginfo"]},"output":[],"output_is_list":[],"output_name":[],"name":"PreviewImage","display_name":"Preview Image","description":"Saves images as temporary PNG files, to be looked at while a run goes on.","python_module":"nodes","category":"image","output_node":true}"#);
    }

    #[test]
    fn names_are_in_order_and_stand_once() {
        assert!(DEFINITIONS.is_sorted_by(|a, b| a.class_type < b.class_type));
        for definition in DEFINITIONS {
            assert!(find(definition.class_type).is_some_and(|found| std::ptr::eq(found, definition)));
        }
    }
}
