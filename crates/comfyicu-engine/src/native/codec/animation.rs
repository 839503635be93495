//! Animated PNG: each frame is drawn on what the one before it left.

use png::{BlendOp, DisposeOp, FrameControl};

use super::Frame;
use super::part::Part;

/// The picture that frames are drawn on.
#[derive(Debug)]
pub(super) struct Canvas {
    picture: Frame,
    /// What becomes of the last frame before the next is drawn.
    dispose: Dispose,
}

#[derive(Debug)]
enum Dispose {
    Keep,
    Clear(Part),
    Restore(Part, Box<Frame>),
}

/// The part of the picture that a frame covers.
fn part_of(control: &FrameControl) -> Part {
    let side = |side: u32| usize::try_from(side).unwrap_or(usize::MAX);
    Part {
        x: side(control.x_offset),
        y: side(control.y_offset),
        width: side(control.width),
        height: side(control.height),
    }
}

impl Canvas {
    /// Starts with the first image of the file; it has no control when it is not part of the animation.
    pub(super) fn new(first: &Frame, control: Option<&FrameControl>) -> Self {
        let dispose = match control.map(|control| (control.dispose_op, part_of(control))) {
            // There is nothing before the first frame to go back to.
            Some((DisposeOp::Background | DisposeOp::Previous, part)) => Dispose::Clear(part),
            Some((DisposeOp::None, _)) | None => Dispose::Keep,
        };
        Self { picture: first.clone(), dispose }
    }

    /// Draws the next frame and gives the whole picture back.
    pub(super) fn draw(&mut self, frame: &Frame, control: &FrameControl) -> Frame {
        let picture = &mut self.picture;
        match std::mem::replace(&mut self.dispose, Dispose::Keep) {
            Dispose::Keep => {}
            Dispose::Clear(part) => clear(picture, part),
            Dispose::Restore(part, before) => copy(picture, &before, part),
        }
        let part = part_of(control);
        self.dispose = match (control.dispose_op, control.blend_op) {
            (DisposeOp::Background, _) => Dispose::Clear(part),
            (DisposeOp::Previous, BlendOp::Source) => Dispose::Restore(part, Box::new(picture.clone())),
            // Pillow blends into the very picture that it would go back to, so nothing is undone.
            (DisposeOp::Previous, BlendOp::Over) | (DisposeOp::None, _) => Dispose::Keep,
        };
        let opacity = match control.blend_op {
            BlendOp::Source => None,
            BlendOp::Over => frame.alpha.as_deref(),
        };
        blend(&mut picture.rgb, &frame.rgb, opacity, (picture.width, 3), part);
        if let (Some(target), Some(source)) = (&mut picture.alpha, &frame.alpha) {
            blend(target, source, opacity, (picture.width, 1), part);
        }
        picture.clone()
    }
}

fn clear(picture: &mut Frame, part: Part) {
    part.lines(&mut picture.rgb, picture.width, 3).for_each(|line| line.fill(0));
    if let Some(alpha) = &mut picture.alpha {
        part.lines(alpha, picture.width, 1).for_each(|line| line.fill(0));
    }
}

/// Copies a part of an equally large picture.
fn copy(picture: &mut Frame, before: &Frame, part: Part) {
    let mut before = before.clone();
    let width = picture.width;
    let copy_lines = |target: &mut [u8], source: &mut [u8], channels| {
        for (target, source) in part.lines(target, width, channels).zip(part.lines(source, width, channels)) {
            target.copy_from_slice(source);
        }
    };
    copy_lines(&mut picture.rgb, &mut before.rgb, 3);
    if let (Some(target), Some(source)) = (&mut picture.alpha, &mut before.alpha) {
        copy_lines(target, source, 1);
    }
}

/// Lays `source` over a part of `target`. Where there is an opacity, all bytes, the alpha among them, are
/// mixed by it, as Pillow's `paste` does.
fn blend(
    target: &mut [u8],
    source: &[u8],
    opacity: Option<&[u8]>,
    (width, channels): (usize, usize),
    part: Part,
) {
    let sources = source.chunks_exact((part.width * channels).max(1));
    let mut opacities = opacity.unwrap_or_default().chunks_exact(part.width.max(1));
    for (target, source) in part.lines(target, width, channels).zip(sources) {
        let Some(opacities) = opacities.next() else {
            target.iter_mut().zip(source).for_each(|(target, source)| *target = *source);
            continue;
        };
        let pixels = target.chunks_exact_mut(channels).zip(source.chunks_exact(channels));
        for ((target, source), opacity) in pixels.zip(opacities) {
            target.iter_mut().zip(source).for_each(|(target, source)| mix(target, *source, *opacity));
        }
    }
}

fn mix(target: &mut u8, source: u8, opacity: u8) {
    let opacity = u32::from(opacity);
    let sum = u32::from(source) * opacity + u32::from(*target) * (255 - opacity) + 128;
    *target = u8::try_from(((sum >> 8) + sum) >> 8).unwrap_or(u8::MAX);
}
