//! Images side by side.

use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Effort, Input, Int, Output};
use crate::native::image::{Image, Shape};
use crate::native::number::{floor, to_f64};
use crate::native::resize::{Crop, Method, Size, resize_to};
use crate::native::value::Value;
use crate::native::work::Work;

const DIRECTIONS: [&str; 4] = ["right", "down", "left", "up"];
const COLOURS: [&str; 5] = ["white", "black", "red", "green", "blue"];

pub(in crate::native) static IMAGE_STITCH: Definition = Definition {
    class_type: "ImageStitch",
    display_name: Some("Image Stitch"),
    description: "Joins two images into one, side by side.",
    category: "image/transform",
    python_module: "comfy_extras.nodes_images",
    inputs: &[
        Input::image("image1", "The first image; alone, it is the result."),
        Input::choice_from("direction", &DIRECTIONS, "right", "On which side of the first the second lies."),
        Input::boolean(
            "match_image_size",
            true,
            "Whether the second is resized to the first's height or width; else white or black fills up what is missing.",
        ),
        Input::int(
            "spacing_width",
            Int::new(0, 0, 1024).step(2),
            "How many pixels lie between them; an odd number becomes the next even one.",
        ),
        Input::choice_from("spacing_color", &COLOURS, "white", "The colour between them."),
        Input::image("image2", "The second image.").optional(),
    ],
    outputs: &[Output::IMAGE],
    effort: Effort::Little,
    run,
    ..Definition::BASE
};

fn run(mut call: Call) -> Result<Yield, Failure> {
    let first = call.image("image1")?;
    let Some(second) = call.optional_image("image2")? else {
        return Ok(Yield::values([Value::Image(first)]));
    };
    let direction = call.text("direction")?;
    let beside = direction == "right" || direction == "left";
    let second = if call.boolean("match_image_size")? {
        matched(&second, first.shape(), beside, &call.context.work)?
    } else {
        second
    };
    let (width, colour) = (call.size("spacing_width")?, call.text("spacing_color")?);
    let gap = Part::Gap { length: width + width % 2, colour: colour_of(&colour) };
    let channels = first.shape().channels.max(second.shape().channels);
    let margin = if colour == "white" { 1.0 } else { 0.0 };
    let [first, second] =
        [first, second].map(|image| Part::image(image, channels, margin, &call.context.work));
    let parts = match &*direction {
        "left" | "up" => [second?, gap, first?],
        _ => [first?, gap, second?],
    };
    let stitched = Strip { beside, parts }.stitched(&call)?;
    Ok(Yield::values([Value::Image(stitched)]))
}

/// The second image in the height, or the width, of the first.
fn matched(second: &Image, first: Shape, beside: bool, work: &Work) -> Result<Image, Failure> {
    let Shape { width, height, .. } = second.shape();
    let aspect = to_f64(width) / to_f64(height);
    let size = if beside {
        Size { width: floor(to_f64(first.height) * aspect), height: first.height }
    } else {
        Size { width: first.width, height: floor(to_f64(first.width) / aspect) }
    };
    Ok(resize_to(second, Method::Lanczos, size, Crop::Disabled, work)?)
}

fn colour_of(name: &str) -> [f32; 4] {
    match name {
        "white" => [1.0; 4],
        "red" => [1.0, 0.0, 0.0, 1.0],
        "green" => [0.0, 1.0, 0.0, 1.0],
        "blue" => [0.0, 0.0, 1.0, 1.0],
        _ => [0.0, 0.0, 0.0, 1.0],
    }
}

/// What lies side by side, or one below the other.
struct Strip {
    beside: bool,
    parts: [Part; 3],
}

enum Part {
    /// An image, and a pixel of the margin around it where the strip is higher or wider.
    Image {
        image: Image,
        margin: Vec<f32>,
    },
    Gap {
        length: usize,
        colour: [f32; 4],
    },
}

impl Part {
    /// The margin has one value in the image's own channels, and is opaque in those that it lacks.
    fn image(image: Image, channels: usize, margin: f32, work: &Work) -> Result<Self, Failure> {
        let mut margin = vec![margin; image.shape().channels];
        margin.resize(channels, 1.0);
        Ok(Self::Image { image: image.opaque(channels, work)?, margin })
    }

    const fn shape(&self, beside: bool) -> Shape {
        match self {
            Self::Image { image, .. } => image.shape(),
            Self::Gap { length, .. } if beside => Shape { batch: 1, height: 0, width: *length, channels: 0 },
            Self::Gap { length, .. } => Shape { batch: 1, height: *length, width: 0, channels: 0 },
        }
    }

    /// Fills a row of the part, which is `height` rows high in the strip: an image stands in the middle.
    fn fill(&self, (frame, y, height): (usize, usize, usize), channels: usize, row: &mut [f32]) {
        match self {
            Self::Gap { colour, .. } => {
                for pixel in row.chunks_exact_mut(channels) {
                    pixel.iter_mut().zip(colour).for_each(|(value, colour)| *value = *colour);
                }
            }
            Self::Image { image, margin } => {
                let shape = image.shape();
                let above = (height - shape.height) / 2;
                let left = (row.len() / channels - shape.width) / 2;
                // A shorter batch repeats its last image.
                let source = y.checked_sub(above).filter(|y| *y < shape.height);
                let source = source.map_or(&[][..], |y| image.row(frame.min(shape.batch - 1), y));
                let (before, rest) = row.split_at_mut(left * channels);
                let (target, behind) = rest.split_at_mut(source.len());
                target.copy_from_slice(source);
                for pixel in before.chunks_exact_mut(channels).chain(behind.chunks_exact_mut(channels)) {
                    pixel.copy_from_slice(margin);
                }
            }
        }
    }
}

impl Strip {
    fn shape(&self) -> Shape {
        let shapes = self.parts.iter().map(|part| part.shape(self.beside));
        let join = |all: Shape, next: Shape| Shape {
            batch: all.batch.max(next.batch),
            width: if self.beside { all.width.saturating_add(next.width) } else { all.width.max(next.width) },
            height: if self.beside {
                all.height.max(next.height)
            } else {
                all.height.saturating_add(next.height)
            },
            channels: all.channels.max(next.channels),
        };
        shapes.fold(Shape { batch: 0, height: 0, width: 0, channels: 0 }, join)
    }

    fn stitched(&self, call: &Call) -> Result<Image, Failure> {
        let shape = self.shape();
        let channels = shape.channels;
        let stitched = Image::by_rows(shape, &call.context.work, |frame, y, row| {
            let (mut rest, mut y) = (row, y);
            for part in &self.parts {
                let own = part.shape(self.beside);
                if self.beside {
                    let (row, behind) = rest.split_at_mut(own.width * channels);
                    part.fill((frame, y, shape.height), channels, row);
                    rest = behind;
                } else if y < own.height {
                    return part.fill((frame, y, own.height), channels, rest);
                } else {
                    y -= own.height;
                }
            }
        })?;
        Ok(stitched)
    }
}
