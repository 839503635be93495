//! Masks as images.

use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Input, Kind, Role};
use crate::native::image::{Image, Shape};
use crate::native::value::{Value, ValueType};

pub(in crate::native) static MASK_TO_IMAGE: Definition = Definition {
    class_type: "MaskToImage",
    display_name: "Convert Mask to Image",
    description: "Shows a mask as a grey image.",
    category: "mask",
    python_module: "comfy_extras.nodes_mask",
    inputs: &[Input { name: "mask", kind: Kind::Value(ValueType::Mask), tooltip: "The mask to show." }],
    outputs: &[ValueType::Image],
    role: Role::Inner,
    run,
};

fn run(mut call: Call) -> Result<Yield, Failure> {
    let mask = call.mask("mask")?;
    let image = Image::build(Shape { channels: 3, ..mask.shape() }, |values| {
        for (pixel, value) in values.as_chunks_mut::<3>().0.iter_mut().zip(mask.values()) {
            pixel.fill(*value);
        }
    })?;
    Ok(Yield::values([Value::Image(image)]))
}
