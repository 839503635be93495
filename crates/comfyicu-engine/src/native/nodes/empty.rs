//! Images of one colour.

use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Effort, Input, Int, Output};
use crate::native::image::{Image, Shape};
use crate::native::number::from_byte;
use crate::native::value::Value;

const SIDE: Int = Int::new(512, 1, 16_384).step(1);
const COLOUR: Int = Int::new(0, 0, 0xff_ffff).step(1).shown_as("color");

pub(in crate::native) static EMPTY_IMAGE: Definition = Definition {
    class_type: "EmptyImage",
    description: "Makes images of one colour.",
    category: "image",
    inputs: &[
        Input::int("width", SIDE, "The width in pixels."),
        Input::int("height", SIDE, "The height in pixels."),
        Input::int("batch_size", Int::new(1, 1, 4096), "How many images to make."),
        Input::int(
            "color",
            COLOUR,
            "The colour as one number: 65536 × red + 256 × green + blue, each 0 to 255.",
        ),
    ],
    outputs: &[Output::IMAGE],
    size: |given| {
        let (height, width) = (given.size("height")?, given.size("width")?);
        Some(Shape { batch: given.size("batch_size")?, height, width, channels: 3 })
    },
    effort: Effort::Little,
    run,
    ..Definition::BASE
};

fn run(mut call: Call) -> Result<Yield, Failure> {
    let batch = call.size("batch_size")?;
    let shape = Shape { batch: 1, height: call.size("height")?, width: call.size("width")?, channels: 3 };
    let [.., red, green, blue] = call.size("color")?.to_be_bytes();
    let colour = [red, green, blue].map(from_byte);
    let work = &call.context.work;
    let image = Image::by_rows(shape, work, |_, _, row| row.as_chunks_mut().0.fill(colour))?;
    Ok(Yield::values([Value::Image(Image::joined(&vec![image; batch], work)?)]))
}
