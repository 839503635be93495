//! Preparing images for a dataset: sizes, parts, brightness, grids.
//!
//! Where ComfyUI goes through Pillow, images become bytes, and a batch of several cannot be one.

use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Effort, Float, Form, Input, Int, Output};
use crate::native::image::{Image, Shape};
use crate::native::number::{floor, from_byte, from_f64, to_byte, to_f64};
use crate::native::resize::{Crop, Method, Size, resize_to};
use crate::native::value::Value;

const BASE: Definition = Definition {
    category: "dataset/image",
    python_module: "comfy_extras.nodes_dataset",
    form: Form::Schema,
    experimental: true,
    outputs: &[Output::IMAGE.named("images")],
    ..Definition::BASE
};

const IMAGE: Input = Input::image("images", "The image; of several, make a list of single ones.");
const IMAGES: Input = Input::image("images", "The images, in their order.");
const SIDE: Int = Int::new(512, 1, 8192);

pub(in crate::native) static RESIZE_IMAGES_BY_SHORTER_EDGE: Definition = Definition {
    class_type: "ResizeImagesByShorterEdge",
    display_name: Some("Resize Images by Shorter Edge"),
    description: "Resizes an image so that its shorter side has a length, and keeps its proportions.",
    inputs: &[IMAGE, Input::int("shorter_edge", SIDE, "The length of the shorter side in pixels.")],
    run: |call| resize_by(call, "shorter_edge", |shape| shape.width < shape.height),
    ..BASE
};

pub(in crate::native) static RESIZE_IMAGES_BY_LONGER_EDGE: Definition = Definition {
    class_type: "ResizeImagesByLongerEdge",
    display_name: Some("Resize Images by Longer Edge"),
    description: "Resizes an image so that its longer side has a length, and keeps its proportions.",
    inputs: &[
        IMAGE,
        Input::int("longer_edge", Int::new(1024, 1, 8192), "The length of the longer side in pixels."),
    ],
    run: |call| resize_by(call, "longer_edge", |shape| shape.width > shape.height),
    ..BASE
};

pub(in crate::native) static CENTER_CROP_IMAGES: Definition = Definition {
    class_type: "CenterCropImages",
    display_name: Some("Center Crop Images"),
    description: "Cuts the middle out of an image, as far as it is that large.",
    inputs: &[
        IMAGE,
        Input::int("width", SIDE, "The part's width in pixels."),
        Input::int("height", SIDE, "The part's height in pixels."),
    ],
    run: crop,
    ..BASE
};

pub(in crate::native) static NORMALIZE_IMAGES: Definition = Definition {
    class_type: "NormalizeImages",
    display_name: Some("Normalize Images"),
    description: "Takes a mean away from all values, and divides them by a spread.",
    inputs: &[
        Input::image("images", "The images to change."),
        Input::float("mean", Float::stepless(0.5, 0.0, 1.0), "What becomes 0."),
        Input::float("std", Float::stepless(0.5, 0.001, 1.0), "What the difference from it is divided by."),
    ],
    size: |given| given.image("images"),
    effort: Effort::Little,
    run: normalize,
    ..BASE
};

pub(in crate::native) static ADJUST_BRIGHTNESS: Definition = Definition {
    class_type: "AdjustBrightness",
    display_name: Some("Adjust Brightness"),
    description: "Makes images brighter or darker.",
    inputs: &[
        Input::image("images", "The images to change."),
        Input::float("factor", FACTOR, "What values are multiplied by: below 1 they become darker."),
    ],
    size: |given| given.image("images"),
    effort: Effort::Little,
    run: brighten,
    ..BASE
};

pub(in crate::native) static ADJUST_CONTRAST: Definition = Definition {
    class_type: "AdjustContrast",
    display_name: Some("Adjust Contrast"),
    description: "Makes what is bright and what is dark differ more, or less.",
    inputs: &[
        Input::image("images", "The images to change."),
        Input::float(
            "factor",
            FACTOR,
            "What distances from the middle grey are multiplied by: below 1 values differ less.",
        ),
    ],
    size: |given| given.image("images"),
    effort: Effort::Little,
    run: contrast,
    ..BASE
};

const FACTOR: Float = Float::stepless(1.0, 0.0, 2.0);

pub(in crate::native) static IMAGE_GRID: Definition = Definition {
    class_type: "ImageGrid",
    display_name: Some("Image Grid"),
    description: "Lays a list of images out in rows of cells of one size.",
    inputs: &[
        IMAGES,
        Input::int("columns", Int::new(4, 1, 20), "How many cells make a row."),
        Input::int("cell_width", CELL, "The width of a cell in pixels; images are stretched to it."),
        Input::int("cell_height", CELL, "The height of a cell in pixels."),
        Input::int("padding", Int::new(4, 0, 50), "How many black pixels lie between cells."),
    ],
    takes_lists: true,
    run: grid,
    ..BASE
};

const CELL: Int = Int::new(256, 32, 2048);

pub(in crate::native) static MERGE_IMAGE_LISTS: Definition = Definition {
    class_type: "MergeImageLists",
    display_name: Some("Merge Image Lists"),
    description: "Makes one list of all images that it gets.",
    inputs: &[IMAGES],
    outputs: &[Output::IMAGE.named("images").list()],
    takes_lists: true,
    run: merge,
    ..BASE
};

/// Fails for what Pillow cannot take for one picture.
fn single(image: Image) -> Result<Image, Failure> {
    let Shape { batch, channels, .. } = image.shape();
    if batch == 1 && matches!(channels, 3 | 4) {
        return Ok(image);
    }
    let message = format!(
        "{batch} images of {channels} channels are given as one: make a list of single ones with RebatchImages"
    );
    Err(Failure::new("TypeError", message))
}

/// Gives one side a length, the width where `is_width` says so; the other follows.
fn resize_by(mut call: Call, edge: &str, is_width: fn(Shape) -> bool) -> Result<Yield, Failure> {
    let image = single(call.image("images")?)?;
    let (edge, shape) = (call.size(edge)?, image.shape());
    let other = |own: usize, other: usize| floor(to_f64(other) * (to_f64(edge) / to_f64(own)));
    let size = if is_width(shape) {
        Size { width: edge, height: other(shape.width, shape.height) }
    } else {
        Size { width: other(shape.height, shape.width), height: edge }
    };
    if size.width == 0 || size.height == 0 {
        let message = format!("an image of {}×{} pixels cannot be made", size.width, size.height);
        return Err(Failure::new("ValueError", message));
    }
    let resized = resize_to(&image, Method::Lanczos, size, Crop::Disabled, &call.context.work)?;
    Ok(Yield::values([Value::Image(resized)]))
}

fn crop(mut call: Call) -> Result<Yield, Failure> {
    let image = single(call.image("images")?)?;
    let shape = image.shape();
    let (width, height) = (call.size("width")?, call.size("height")?);
    let (x, y) = (shape.width.saturating_sub(width) / 2, shape.height.saturating_sub(height) / 2);
    let part = Shape { width: width.min(shape.width), height: height.min(shape.height), ..shape };
    let part = Image::by_rows(part, &call.context.work, |_, row, target| {
        let source = image.row(0, y + row).get(x * shape.channels..).unwrap_or_default();
        target.iter_mut().zip(source).for_each(|(target, value)| *target = from_byte(to_byte(*value)));
    })?;
    Ok(Yield::values([Value::Image(part)]))
}

fn normalize(mut call: Call) -> Result<Yield, Failure> {
    let images = call.image("images")?;
    let (mean, spread) = (from_f64(call.float("mean")?), from_f64(call.float("std")?));
    let images = images.map(&call.context.work, |value| (value - mean) / spread)?;
    Ok(Yield::values([Value::Image(images)]))
}

fn brighten(mut call: Call) -> Result<Yield, Failure> {
    let images = call.image("images")?;
    let factor = from_f64(call.float("factor")?);
    let images = images.map(&call.context.work, |value| (value * factor).clamp(0.0, 1.0))?;
    Ok(Yield::values([Value::Image(images)]))
}

fn contrast(mut call: Call) -> Result<Yield, Failure> {
    let images = call.image("images")?;
    let factor = from_f64(call.float("factor")?);
    let images = images.map(&call.context.work, |value| ((value - 0.5) * factor + 0.5).clamp(0.0, 1.0))?;
    Ok(Yield::values([Value::Image(images)]))
}

fn grid(mut call: Call) -> Result<Yield, Failure> {
    let images = call.images("images")?;
    let [columns, width, height, padding] =
        ["columns", "cell_width", "cell_height", "padding"].map(|name| call.size(name));
    let (columns, cell, padding) = (columns?, Size { width: width?, height: height? }, padding?);
    if images.is_empty() || columns == 0 {
        return Err(Failure::new("ValueError", "a grid needs an image and a column"));
    }
    let work = &call.context.work.clone();
    let cells = images
        .into_iter()
        .map(|image| Ok(resize_to(&single(image)?, Method::Lanczos, cell, Crop::Disabled, work)?));
    let cells: Vec<Image> = cells.collect::<Result<_, Failure>>()?;
    let side = |cells: usize, side: usize| (cells * (side + padding)).saturating_sub(padding);
    let (width, height) = (side(columns, cell.width), side(cells.len().div_ceil(columns), cell.height));
    let grid = Image::by_rows(Shape { batch: 1, height, width, channels: 3 }, work, |_, y, row| {
        let (line, y) = (y / (cell.height + padding), y % (cell.height + padding));
        let cells = cells.iter().skip(line * columns);
        for (cell_row, cell_image) in row.chunks_mut(3 * (cell.width + padding)).zip(cells) {
            let pixels = cell_image.row(0, y).chunks_exact(cell_image.shape().channels);
            // Between the lines of cells there is no such row, and no pixel.
            for (target, pixel) in cell_row.as_chunks_mut::<3>().0.iter_mut().zip(pixels) {
                target.iter_mut().zip(pixel).for_each(|(target, value)| *target = *value);
            }
        }
    })?;
    Ok(Yield::values([Value::Image(grid)]))
}

fn merge(mut call: Call) -> Result<Yield, Failure> {
    let images = call.images("images")?;
    Ok(Yield::list(images.into_iter().map(Value::Image).collect()))
}
