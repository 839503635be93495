//! Loading files.

use crate::native::call::{Call, Failure, Yield};
use crate::native::codec::{DecodeError, Frame, decode, decode_plain};
use crate::native::definition::{Definition, Input, Output};
use crate::native::image::{BuildError, Image, Mask, Shape};
use crate::native::limit::Extent;
use crate::native::memory::Lease;
use crate::native::number::from_byte;
use crate::native::value::Value;
use crate::native::work::Work;

const FILE: Input =
    Input::input_image("image", "The file's name among the run's files: photo.png is /input/photo.png.");

pub(in crate::native) static LOAD_IMAGE: Definition = Definition {
    class_type: super::LOAD_IMAGE,
    display_name: Some("Load Image"),
    description: "Loads an image from the input files, and what is transparent in it as a mask.",
    category: "image",
    inputs: &[FILE],
    outputs: &[Output::IMAGE, Output::MASK],
    run,
    ..Definition::BASE
};

pub(in crate::native) static LOAD_IMAGE_MASK: Definition = Definition {
    class_type: super::LOAD_IMAGE_MASK,
    display_name: Some("Load Image (as Mask)"),
    description: "Loads one channel of an image from the input files as a mask.",
    category: "mask",
    inputs: &[
        FILE,
        Input::choice(
            "channel",
            &["alpha", "red", "green", "blue"],
            "The channel. alpha gives a mask that is 1 where the image is transparent.",
        ),
    ],
    outputs: &[Output::MASK],
    run: load_mask,
    ..Definition::BASE
};

/// The side of the mask that stands for “nothing is transparent”.
const EMPTY_MASK_SIDE: usize = 64;

fn run(mut call: Call) -> Result<Yield, Failure> {
    let (name, bytes) = file(&mut call)?;
    let work = &call.context.work;
    if let Some(image) = decode_plain(&bytes, work)? {
        return Ok(Yield::values([Value::Image(image), Value::Mask(empty_mask(1, work)?)]));
    }
    let (frames, _lease) = decoded(&name, &bytes, work)?;
    let image = to_image(&frames, work)?;
    let mask = to_mask(&frames, work)?;
    Ok(Yield::values([Value::Image(image), Value::Mask(mask)]))
}

fn load_mask(mut call: Call) -> Result<Yield, Failure> {
    let channel = call.text("channel")?;
    let (name, bytes) = file(&mut call)?;
    let (frames, _lease) = decoded(&name, &bytes, &call.context.work)?;
    let Some(Frame { width, height, rgb, alpha, key }) = frames.first() else {
        return Err(Failure::new("ValueError", "the file holds no image"));
    };
    let channel = ["red", "green", "blue"].iter().position(|name| *name == channel);
    let colours = rgb.as_chunks::<3>().0;
    let is_transparent = |pixel: &[u8; 3]| f32::from(u8::from(Some(pixel) == key.as_ref()));
    let shape = Shape { batch: 1, height: *height, width: *width, channels: 1 };
    let mask = Image::by_rows(shape, &call.context.work, |_, y, row| {
        let colours = row.iter_mut().zip(colours.get(y * width..).unwrap_or_default());
        match (channel, alpha) {
            (Some(channel), _) => colours.for_each(|(value, pixel)| {
                *value = from_byte(pixel.get(channel).copied().unwrap_or_default());
            }),
            (None, Some(alpha)) => transparency(alpha.get(y * width..), row),
            (None, None) => colours.for_each(|(value, pixel)| *value = is_transparent(pixel)),
        }
    })?;
    Ok(Yield::values([Value::Mask(Mask::of(mask))]))
}

/// The name of the file, and its bytes.
fn file(call: &mut Call) -> Result<(String, Vec<u8>), Failure> {
    let name = call.text("image")?;
    let bytes = call.context.read_input(&name)?;
    Ok((name, bytes))
}

/// The pictures of a file, and the memory that is leased for them.
fn decoded(name: &str, bytes: &[u8], work: &Work) -> Result<(Vec<Frame>, Lease), Failure> {
    let decoded = decode(bytes, Extent::ALL, work);
    work.go_on()?;
    let mut frames = decoded.map_err(|error| failure(name, &error))?;
    // Pages of another size than the first do not fit into its batch.
    if let Some((width, height)) = frames.first().map(|first| (first.width, first.height)) {
        frames.retain(|frame| (frame.width, frame.height) == (width, height));
    }
    let lease = work.memory().lease(frames.iter().map(Frame::bytes).sum()).map_err(BuildError::from)?;
    Ok((frames, lease))
}

fn failure(name: &str, error: &DecodeError) -> Failure {
    let exception_type = match error {
        DecodeError::Unknown | DecodeError::Unsupported { .. } | DecodeError::Header { .. } => {
            "PIL.UnidentifiedImageError"
        }
        DecodeError::TooLarge(_) => "PIL.Image.DecompressionBombError",
        DecodeError::Cancelled(_) => "InterruptProcessingException",
        DecodeError::Broken { .. } => "OSError",
        DecodeError::TooShort { .. } => "ValueError",
    };
    Failure::new(exception_type, format!("{name} cannot be loaded: {error}"))
}

/// All frames have one size.
fn to_image(frames: &[Frame], work: &Work) -> Result<Image, Failure> {
    let (height, width) = frames.first().map_or((0, 0), |frame| (frame.height, frame.width));
    let shape = Shape { batch: frames.len(), height, width, channels: 3 };
    let image = Image::by_rows(shape, work, |frame, y, row| {
        let bytes = frames.get(frame).and_then(|frame| frame.rgb.get(y * shape.row()..)).unwrap_or_default();
        row.iter_mut().zip(bytes).for_each(|(value, byte)| *value = from_byte(*byte));
    })?;
    Ok(image)
}

/// A mask is 1 where the image is transparent.
fn to_mask(frames: &[Frame], work: &Work) -> Result<Mask, Failure> {
    let opacities: Option<Vec<&Vec<u8>>> = frames.iter().map(|frame| frame.alpha.as_ref()).collect();
    if let (Some(opacities), Some(Frame { width, height, .. })) = (opacities, frames.first()) {
        let shape = Shape { batch: frames.len(), height: *height, width: *width, channels: 1 };
        let mask = Image::by_rows(shape, work, |frame, y, row| {
            transparency(opacities.get(frame).and_then(|alpha| alpha.get(y * width..)), row);
        });
        return Ok(Mask::of(mask?));
    }
    empty_mask(frames.len(), work)
}

/// The masks of so many images that are opaque.
fn empty_mask(batch: usize, work: &Work) -> Result<Mask, Failure> {
    let (height, width) = (EMPTY_MASK_SIDE, EMPTY_MASK_SIDE);
    Ok(Mask::of(Image::build(Shape { batch, height, width, channels: 1 }, work, |_| {})?))
}

/// Fills a row of a mask: 1 where nothing is opaque.
fn transparency(opacities: Option<&[u8]>, row: &mut [f32]) {
    let opacities = opacities.unwrap_or_default();
    row.iter_mut().zip(opacities).for_each(|(value, opacity)| *value = 1.0 - from_byte(*opacity));
}
