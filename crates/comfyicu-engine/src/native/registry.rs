//! The nodes that the executor knows: one line each.

use std::sync::{Arc, LazyLock};

use comfyicu_model::ObjectInfo;
use comfyicu_model::json::Object;

use super::definition::Definition;
use super::nodes::{
    alpha, batch, blend, blur, canny, composite, dataset, empty, invert, load, mask, morphology, noise, pad,
    porter_duff, primitive, quantize, save, scale, show, stitch, switch, text, transform, yuv,
};

static DEFINITIONS: &[&Definition] = &[
    &dataset::ADJUST_BRIGHTNESS,
    &dataset::ADJUST_CONTRAST,
    &canny::CANNY,
    &text::CASE_CONVERTER,
    &dataset::CENTER_CROP_IMAGES,
    &switch::COMFY_SWITCH_NODE,
    &mask::CROP_MASK,
    &empty::EMPTY_IMAGE,
    &mask::FEATHER_MASK,
    &scale::FLUX_KONTEXT_IMAGE_SCALE,
    &show::GET_IMAGE_SIZE,
    &mask::GROW_MASK,
    &noise::IMAGE_ADD_NOISE,
    &batch::IMAGE_BATCH,
    &blend::IMAGE_BLEND,
    &blur::IMAGE_BLUR,
    &mask::IMAGE_COLOR_TO_MASK,
    &composite::IMAGE_COMPOSITE_MASKED,
    &transform::IMAGE_CROP,
    &transform::IMAGE_FLIP,
    &batch::IMAGE_FROM_BATCH,
    &dataset::IMAGE_GRID,
    &invert::IMAGE_INVERT,
    &pad::IMAGE_PAD_FOR_OUTPAINT,
    &quantize::IMAGE_QUANTIZE,
    &yuv::IMAGE_RGB_TO_YUV,
    &transform::IMAGE_ROTATE,
    &scale::IMAGE_SCALE,
    &scale::IMAGE_SCALE_BY,
    &scale::IMAGE_SCALE_TO_MAX_DIMENSION,
    &scale::IMAGE_SCALE_TO_TOTAL_PIXELS,
    &blur::IMAGE_SHARPEN,
    &stitch::IMAGE_STITCH,
    &mask::IMAGE_TO_MASK,
    &yuv::IMAGE_YUV_TO_RGB,
    &mask::INVERT_MASK,
    &alpha::JOIN_IMAGE_WITH_ALPHA,
    &load::LOAD_IMAGE,
    &load::LOAD_IMAGE_MASK,
    &mask::MASK_COMPOSITE,
    &save::MASK_PREVIEW,
    &mask::MASK_TO_IMAGE,
    &dataset::MERGE_IMAGE_LISTS,
    &morphology::MORPHOLOGY,
    &dataset::NORMALIZE_IMAGES,
    &porter_duff::PORTER_DUFF_IMAGE_COMPOSITE,
    &show::PREVIEW_ANY,
    &save::PREVIEW_IMAGE,
    &primitive::PRIMITIVE_BOOLEAN,
    &primitive::PRIMITIVE_FLOAT,
    &primitive::PRIMITIVE_INT,
    &primitive::PRIMITIVE_STRING,
    &primitive::PRIMITIVE_STRING_MULTILINE,
    &batch::REBATCH_IMAGES,
    &text::REGEX_EXTRACT,
    &text::REGEX_MATCH,
    &text::REGEX_REPLACE,
    &batch::REPEAT_IMAGE_BATCH,
    &pad::RESIZE_AND_PAD_IMAGE,
    &dataset::RESIZE_IMAGES_BY_LONGER_EDGE,
    &dataset::RESIZE_IMAGES_BY_SHORTER_EDGE,
    &save::SAVE_ANIMATED_PNG,
    &save::SAVE_ANIMATED_WEBP,
    &save::SAVE_IMAGE,
    &mask::SOLID_MASK,
    &alpha::SPLIT_IMAGE_WITH_ALPHA,
    &text::STRING_COMPARE,
    &text::STRING_CONCATENATE,
    &text::STRING_CONTAINS,
    &text::STRING_LENGTH,
    &text::STRING_REPLACE,
    &text::STRING_SUBSTRING,
    &text::STRING_TRIM,
    &mask::THRESHOLD_MASK,
];

/// The definition of a class.
pub(super) fn find(class_type: &str) -> Option<&'static Definition> {
    DEFINITIONS.iter().copied().find(|definition| definition.class_type == class_type)
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
            assert!(find(definition.class_type).is_some_and(|found| std::ptr::eq(found, *definition)));
        }
    }
}
