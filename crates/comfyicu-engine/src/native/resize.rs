//! Resizing with ComfyUI's own results, bit for bit.
//!
//! ComfyUI hands this work to two libraries, and the arithmetic here is theirs: `PyTorch`'s
//! `interpolate` on floats for all methods but Lanczos, Pillow's fixed-point resampling on bytes for that.
//! The order of additions and the places where two roundings become one follow `PyTorch`'s CPU kernels for
//! AVX2 and AVX-512 with more than one thread, because `SaveImage` cuts values
//! instead of rounding them: a last bit decides whether a pixel is 127 or 128.

mod area;
mod axis;
mod cubic;
mod lanczos;
mod linear;
mod nearest;
mod pillow;
mod target;
mod view;

#[cfg(test)]
mod tests;

pub(crate) use target::{Size, Target};

use super::image::{BuildError, Image, Shape};
use super::work::Work;
use view::View;

/// How the pixels of the new size are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// The nearest pixel.
    NearestExact,
    /// A weighted mean of the four nearest pixels.
    Bilinear,
    /// The mean of the pixels that a new one covers.
    Area,
    /// A cubic through the sixteen nearest pixels; it overshoots at edges.
    Bicubic,
    /// Pillow's Lanczos filter, on bytes.
    Lanczos,
}

impl Method {
    /// The names that ComfyUI has for the methods, in its order.
    pub(crate) const NAMES: [&str; 5] = ["nearest-exact", "bilinear", "area", "bicubic", "lanczos"];

    /// The method of a name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "nearest-exact" => Self::NearestExact,
            "bilinear" => Self::Bilinear,
            "area" => Self::Area,
            "bicubic" => Self::Bicubic,
            "lanczos" => Self::Lanczos,
            _ => return None,
        })
    }
}

/// Which part of the image is resized.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crop {
    /// All of it.
    Disabled,
    /// The largest part in the middle that has the proportions of the new size.
    Center,
}

impl Crop {
    /// The names that ComfyUI has for the crops, in its order.
    pub(crate) const NAMES: [&str; 2] = ["disabled", "center"];

    /// The crop of a name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "disabled" => Some(Self::Disabled),
            "center" => Some(Self::Center),
            _ => None,
        }
    }
}

/// Why an image cannot be resized.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ResizeError {
    /// The margins of the crop leave nothing of the image.
    #[error(
        "cropping {width}×{height} pixels to the proportions of {target_width}×{target_height} leaves \
         nothing of them"
    )]
    NothingLeft {
        /// The image's width.
        width: usize,
        /// The image's height.
        height: usize,
        /// The new width.
        target_width: usize,
        /// The new height.
        target_height: usize,
    },
    /// The result would have no pixel.
    #[error("an image of {width}×{height} pixels cannot be made: choose a larger size")]
    ToNothing {
        /// How it would be made.
        method: Method,
        /// The new width.
        width: usize,
        /// The new height.
        height: usize,
    },
    /// The result may not be made.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// Resizes an image; a width or height of 0 in `target` follows from the proportions, two leave it as it is.
///
/// # Errors
/// When the crop leaves nothing, or the result would be too large.
pub(super) fn resize(
    image: &Image,
    method: Method,
    target: Target,
    crop: Crop,
    work: &Work,
) -> Result<Image, ResizeError> {
    match target.of(image.shape()) {
        Some(size) => resize_to(image, method, size, crop, work),
        None => Ok(image.clone()),
    }
}

/// Resizes an image to a size, as it stands. Of its own size it shares its pixels, except by Lanczos, which goes through
/// bytes.
///
/// # Errors
/// When the crop leaves nothing, or the result would have no pixels or too many.
pub(super) fn resize_to(
    image: &Image,
    method: Method,
    size: Size,
    crop: Crop,
    work: &Work,
) -> Result<Image, ResizeError> {
    if size.width == 0 || size.height == 0 {
        return Err(ResizeError::ToNothing { method, width: size.width, height: size.height });
    }
    let shape = Shape { height: size.height, width: size.width, ..image.shape() };
    let window = match target::window(image.shape(), size, crop) {
        Ok(window) => window,
        // Pillow makes black of nothing, where PyTorch fails.
        Err(ResizeError::NothingLeft { .. }) if method == Method::Lanczos => {
            return Ok(Image::build(shape, work, |_| {})?);
        }
        Err(error) => return Err(error),
    };
    let is_whole = (window.width, window.height) == (image.shape().width, image.shape().height);
    if method != Method::Lanczos && is_whole && shape == image.shape() {
        // Each pixel would be itself, as far as all are finite: the others count nothing.
        return Ok(image.clone());
    }
    let views: Vec<View<'_>> = image.frames().map(|frame| View::new(frame, image.shape(), window)).collect();
    let plan = (method == Method::Lanczos)
        .then(|| pillow::Plan::new(Size { width: window.width, height: window.height }, size));
    let result = Image::by_bands(shape, band(shape), work, |frame, first, band| {
        let Some(view) = views.get(frame) else { return };
        match (method, &plan) {
            (Method::NearestExact, _) => nearest::resize(view, size, first, band),
            (Method::Bilinear, _) => linear::resize(view, size, first, band),
            (Method::Bicubic, _) => cubic::resize(view, size, first, band),
            (_, Some(plan)) => lanczos::resize(view, plan, (size.width, first), band, work),
            (Method::Area | Method::Lanczos, None) => area::resize(view, size, first, band, work),
        }
    })?;
    Ok(result)
}

/// How many rows of the result are made together, at most: kernels that share work between neighbours lose little.
const BAND: usize = 32;

/// How many values of the result are made together, at most, where that is more than a row.
const BAND_VALUES: usize = 1 << 20;

/// How many rows of each image of a result are made together, so that all processors have some: one band each, since
/// bands that lie side by side do some of the work twice.
fn band(shape: Shape) -> usize {
    let most = (BAND_VALUES / shape.row().max(1)).clamp(1, BAND);
    shape.height.div_ceil(rayon::current_num_threads().max(1)).clamp(1, most)
}
