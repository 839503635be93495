//! How large the result is, and which part of the image goes into it.

use super::{Crop, ResizeError};
use crate::native::image::Shape;
use crate::native::number;

/// A size as a person gives it: 0 is “whatever keeps the proportions”.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// The new width, or 0.
    pub(crate) width: usize,
    /// The new height, or 0.
    pub(crate) height: usize,
}

/// A size in pixels, at least 1×1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    /// The width.
    pub(crate) width: usize,
    /// The height.
    pub(crate) height: usize,
}

/// A part of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Target {
    /// The size that is meant for an image of this shape; `None` leaves the image as it is.
    pub(crate) fn of(self, source: Shape) -> Option<Size> {
        let Self { width, height } = self;
        let follow = |other: usize, own: usize, wanted: usize| {
            number::round(number::to_f64(own * wanted) / number::to_f64(other)).max(1)
        };
        match (width, height) {
            (0, 0) => None,
            (0, height) => Some(Size { width: follow(source.height, source.width, height), height }),
            (width, 0) => Some(Size { width, height: follow(source.width, source.height, width) }),
            (width, height) => Some(Size { width, height }),
        }
    }
}

/// The part of an image that is resized.
pub(super) fn window(source: Shape, size: Size, crop: Crop) -> Result<Window, ResizeError> {
    let (width, height) = (source.width, source.height);
    let (x, y) = match crop {
        Crop::Disabled => (0, 0),
        Crop::Center => margins((width, height), (size.width, size.height)),
    };
    let left = |side: usize, margin: usize| side.checked_sub(2 * margin).filter(|left| *left > 0);
    match (left(width, x), left(height, y)) {
        (Some(width), Some(height)) => Ok(Window { x, y, width, height }),
        _ => Err(ResizeError::NothingLeft {
            width,
            height,
            target_width: size.width,
            target_height: size.height,
        }),
    }
}

/// What is cut off at the left and right, or at the top and bottom, in ComfyUI's own order of operations.
fn margins(old: (usize, usize), new: (usize, usize)) -> (usize, usize) {
    let aspect = |(width, height)| number::to_f64(width) / number::to_f64(height);
    let (old_aspect, new_aspect) = (aspect(old), aspect(new));
    let cut = |side: usize, kept: f64| {
        let side = number::to_f64(side);
        number::round((side - side * kept) / 2.0)
    };
    if old_aspect > new_aspect {
        (cut(old.0, new_aspect / old_aspect), 0)
    } else if old_aspect < new_aspect {
        (0, cut(old.1, old_aspect / new_aspect))
    } else {
        (0, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(width: usize, height: usize) -> Shape {
        Shape { batch: 1, height, width, channels: 3 }
    }

    #[test]
    fn zero_keeps_the_proportions() {
        let size = |width, height| Target { width, height }.of(shape(64, 48)).map(|s| (s.width, s.height));
        assert_eq!(size(0, 0), None);
        assert_eq!(size(33, 0), Some((33, 25)));
        assert_eq!(size(0, 100), Some((133, 100)));
        assert_eq!(size(1, 0), Some((1, 1)));
        let halves = |width| Target { width, height: 0 }.of(shape(2, 1)).map(|s| s.height);
        assert_eq!([1, 3, 5].map(halves), [Some(1), Some(2), Some(2)], "halves go to the even neighbour");
    }

    #[test]
    fn the_crop_is_in_the_middle_and_never_empty() {
        let part = |old: (usize, usize), new: (usize, usize)| {
            let size = Size { width: new.0, height: new.1 };
            window(shape(old.0, old.1), size, Crop::Center).map(|w| (w.x, w.y, w.width, w.height))
        };
        assert_eq!(part((64, 48), (90, 30)), Ok((0, 13, 64, 22)));
        assert_eq!(part((100, 100), (50, 100)), Ok((25, 0, 50, 100)));
        assert!(matches!(part((50, 1), (90, 320)), Err(ResizeError::NothingLeft { .. })));
    }
}
