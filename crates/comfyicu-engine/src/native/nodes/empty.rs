//! Images of one colour.

use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Input, Int, Kind, Role};
use crate::native::image::{Image, Shape};
use crate::native::number::from_byte;
use crate::native::value::{Value, ValueType};

const SIDE: Kind = Kind::Int(Int { default: 512, min: 1, max: 16_384, step: Some(1), display: None });

pub(in crate::native) static EMPTY_IMAGE: Definition = Definition {
    class_type: "EmptyImage",
    display_name: "EmptyImage",
    description: "Makes images of one colour.",
    category: "image",
    python_module: "nodes",
    inputs: &[
        Input { name: "width", kind: SIDE, tooltip: "The width in pixels." },
        Input { name: "height", kind: SIDE, tooltip: "The height in pixels." },
        Input {
            name: "batch_size",
            kind: Kind::Int(Int { default: 1, min: 1, max: 4096, step: None, display: None }),
            tooltip: "How many images to make.",
        },
        Input {
            name: "color",
            kind: Kind::Int(Int {
                default: 0,
                min: 0,
                max: 0xff_ffff,
                step: Some(1),
                display: Some("color"),
            }),
            tooltip: "The colour as one number: 65536 × red + 256 × green + blue, each 0 to 255.",
        },
    ],
    outputs: &[ValueType::Image],
    role: Role::Inner,
    run,
};

fn run(mut call: Call) -> Result<Yield, Failure> {
    let shape = Shape {
        batch: call.size("batch_size")?,
        height: call.size("height")?,
        width: call.size("width")?,
        channels: 3,
    };
    let [.., red, green, blue] = call.size("color")?.to_be_bytes();
    let colour = [red, green, blue].map(from_byte);
    let image = Image::build(shape, |values| {
        values.as_chunks_mut().0.fill(colour);
    })?;
    Ok(Yield::values([Value::Image(image)]))
}
