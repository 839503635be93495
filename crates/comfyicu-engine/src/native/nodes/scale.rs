//! Resizing.

use crate::native::call::{Call, Failure, Yield};
use crate::native::definition::{Definition, Float, Form, Input, Int, Output};
use crate::native::image::{Image, Shape};
use crate::native::number::{floor, round, to_f64};
use crate::native::resize::{Crop, Method, ResizeError, Size, Target, resize, resize_to};
use crate::native::value::Value;

const SIDE: Int = Int::new(512, 0, 16_384).step(1);
const IMAGES: Input = Input::image("image", "The images to resize.");
const METHOD_TOOLTIP: &str =
    "How new pixels come from old ones. area suits making smaller, lanczos and bicubic larger.";
const METHOD: Input = Input::choice("upscale_method", &Method::NAMES, METHOD_TOOLTIP);

pub(in crate::native) static IMAGE_SCALE: Definition = Definition {
    class_type: "ImageScale",
    display_name: Some("Upscale Image"),
    description: "Resizes images to a width and a height.",
    category: "image/upscaling",
    inputs: &[
        IMAGES,
        METHOD,
        Input::int("width", SIDE, "The new width in pixels; 0 keeps the proportions to the height."),
        Input::int("height", SIDE, "The new height in pixels; 0 keeps the proportions to the width."),
        Input::choice(
            "crop",
            &Crop::NAMES,
            "center cuts off what does not fit the new proportions, disabled stretches.",
        ),
    ],
    outputs: &[Output::IMAGE],
    size: |given| {
        let shape = given.image("image")?;
        let size = Target { width: given.size("width")?, height: given.size("height")? }.of(shape);
        Some(size.map_or(shape, |size| Shape { height: size.height, width: size.width, ..shape }))
    },
    run: scale,
    ..Definition::BASE
};

pub(in crate::native) static IMAGE_SCALE_BY: Definition = Definition {
    class_type: "ImageScaleBy",
    display_name: Some("Upscale Image By"),
    description: "Resizes images by a factor.",
    category: "image/upscaling",
    inputs: &[
        IMAGES,
        METHOD,
        Input::float("scale_by", Float::new(1.0, 0.01, 8.0, 0.01), "The factor for both sides."),
    ],
    outputs: &[Output::IMAGE],
    size: |given| {
        let (shape, factor) = (given.image("image")?, given.number("scale_by")?);
        let side = |side: usize| round(to_f64(side) * factor).max(1);
        Some(Shape { height: side(shape.height), width: side(shape.width), ..shape })
    },
    run: scale_by,
    ..Definition::BASE
};

pub(in crate::native) static IMAGE_SCALE_TO_TOTAL_PIXELS: Definition = Definition {
    class_type: "ImageScaleToTotalPixels",
    description: "Resizes images to a number of pixels, and keeps their proportions.",
    category: "image/upscaling",
    python_module: "comfy_extras.nodes_post_processing",
    form: Form::Schema,
    inputs: &[
        IMAGES,
        METHOD,
        Input::float(
            "megapixels",
            Float::new(1.0, 0.01, 16.0, 0.01),
            "How many pixels the result has, in units of 1024 × 1024.",
        ),
    ],
    outputs: &[Output::IMAGE],
    run: scale_to_total_pixels,
    ..Definition::BASE
};

pub(in crate::native) static IMAGE_SCALE_TO_MAX_DIMENSION: Definition = Definition {
    class_type: "ImageScaleToMaxDimension",
    description: "Resizes images so that their longer side has a length, and keeps their proportions.",
    category: "image/upscaling",
    python_module: "comfy_extras.nodes_images",
    inputs: &[
        IMAGES,
        Input::choice(
            "upscale_method",
            &["area", "lanczos", "bilinear", "nearest-exact", "bilinear", "bicubic"],
            METHOD_TOOLTIP,
        ),
        Input::int("largest_size", SIDE, "The longer side in pixels."),
    ],
    outputs: &[Output::IMAGE],
    run: scale_to_max_dimension,
    ..Definition::BASE
};

pub(in crate::native) static FLUX_KONTEXT_IMAGE_SCALE: Definition = Definition {
    class_type: "FluxKontextImageScale",
    description: "Resizes images to the size that the model FLUX.1 Kontext was made for and that is nearest to their proportions.",
    category: "advanced/conditioning/flux",
    python_module: "comfy_extras.nodes_flux",
    form: Form::Schema,
    inputs: &[Input::image("image", "The images to resize.")],
    outputs: &[Output::IMAGE],
    run: scale_for_kontext,
    ..Definition::BASE
};

/// The sizes that FLUX.1 Kontext was made for: a side, and the other one.
const KONTEXT_SIZES: [(usize, usize); 17] = [
    (672, 1568),
    (688, 1504),
    (720, 1456),
    (752, 1392),
    (800, 1328),
    (832, 1248),
    (880, 1184),
    (944, 1104),
    (1024, 1024),
    (1104, 944),
    (1184, 880),
    (1248, 832),
    (1328, 800),
    (1392, 752),
    (1456, 720),
    (1504, 688),
    (1568, 672),
];

fn scale_for_kontext(mut call: Call) -> Result<Yield, Failure> {
    let image = call.image("image")?;
    let aspect = |width: usize, height: usize| to_f64(width) / to_f64(height);
    let wanted = aspect(image.shape().width, image.shape().height);
    let distance = |(width, height): (usize, usize)| (wanted - aspect(width, height)).abs();
    let nearest = KONTEXT_SIZES.into_iter().min_by(|a, b| distance(*a).total_cmp(&distance(*b)));
    let (width, height) = nearest.unwrap_or_default();
    let size = Size { width, height };
    let resized = resize_to(&image, Method::Lanczos, size, Crop::Center, &call.context.work)?;
    Ok(Yield::values([Value::Image(resized)]))
}

fn scale(mut call: Call) -> Result<Yield, Failure> {
    let image = call.image("image")?;
    let target = Target { width: call.size("width")?, height: call.size("height")? };
    let method = call.choice("upscale_method", Method::parse)?;
    let crop = call.choice("crop", Crop::parse)?;
    let resized = resize(&image, method, target, crop, &call.context.work)?;
    Ok(Yield::values([Value::Image(resized)]))
}

fn scale_by(mut call: Call) -> Result<Yield, Failure> {
    let image = call.image("image")?;
    let method = call.choice("upscale_method", Method::parse)?;
    let factor = call.float("scale_by")?;
    scale_by_factor(&call, &image, method, factor)
}

fn scale_to_total_pixels(mut call: Call) -> Result<Yield, Failure> {
    let image = call.image("image")?;
    let method = call.choice("upscale_method", Method::parse)?;
    let total = to_f64(floor(call.float("megapixels")? * 1024.0 * 1024.0));
    let shape = image.shape();
    scale_by_factor(&call, &image, method, (total / to_f64(shape.width * shape.height)).sqrt())
}

fn scale_by_factor(call: &Call, image: &Image, method: Method, factor: f64) -> Result<Yield, Failure> {
    let shape = image.shape();
    let side = |side: usize| round(to_f64(side) * factor);
    let size = Size { width: side(shape.width), height: side(shape.height) };
    let resized = resize_to(image, method, size, Crop::Disabled, &call.context.work)?;
    Ok(Yield::values([Value::Image(resized)]))
}

fn scale_to_max_dimension(mut call: Call) -> Result<Yield, Failure> {
    let image = call.image("image")?;
    let method = call.choice("upscale_method", Method::parse)?;
    let largest = call.size("largest_size")?;
    let shape = image.shape();
    let shorter = |shorter: usize, longer: usize| round(to_f64(shorter) / to_f64(longer) * to_f64(largest));
    let size = if shape.height > shape.width {
        Size { width: shorter(shape.width, shape.height), height: largest }
    } else {
        Size { width: largest, height: shorter(shape.height, shape.width) }
    };
    let resized = resize_to(&image, method, size, Crop::Disabled, &call.context.work)?;
    Ok(Yield::values([Value::Image(resized)]))
}

impl From<ResizeError> for Failure {
    fn from(error: ResizeError) -> Self {
        match error {
            ResizeError::Build(error) => error.into(),
            // PyTorch makes an area of nothing, which only cannot be saved; Pillow refuses a side of 0 itself.
            ResizeError::ToNothing { method: Method::Area | Method::Lanczos, .. } => {
                Self::new("ValueError", error.to_string())
            }
            ResizeError::NothingLeft { .. } | ResizeError::ToNothing { .. } => {
                Self::new("RuntimeError", error.to_string())
            }
        }
    }
}
