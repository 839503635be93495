//! The pictures of an animation, each laid on what the one before it left, with libwebp's arithmetic.

use super::container::{AnimationFrame, Container};
use super::{DecodeError, Frame, broken, still};
use crate::native::image::Shape;
use crate::native::limit::Extent;
use crate::native::work::Work;

/// Colours and opacity of a pixel.
type Rgba = [u8; 4];

pub(super) fn decode(
    container: &Container<'_>,
    extent: Extent,
    work: &Work,
) -> Result<Vec<Frame>, DecodeError> {
    let (width, height) = container.canvas;
    extent.check(Shape { batch: container.frames.len(), height, width, channels: 3 })?;
    let mut canvas = Canvas { width, height, pixels: vec![[0; 4]; width * height], before: None };
    let mut frames = Vec::with_capacity(container.frames.len());
    for frame in &container.frames {
        work.go_on()?;
        let inside = |start: usize, length: usize, side: usize| start + length <= side;
        if !inside(frame.x, frame.width, width) || !inside(frame.y, frame.height, height) {
            return Err(broken("a frame reaches out of the picture"));
        }
        let picture = still(&frame.to_file(), extent, work)?;
        if (picture.width, picture.height) != (frame.width, frame.height) {
            return Err(broken("a frame has another size than it says"));
        }
        canvas.draw(frame, &picture);
        let size = (canvas.width, canvas.height);
        frames.push(Frame::of_rgba(canvas.pixels.as_flattened(), size, container.has_alpha, work)?);
    }
    Ok(frames)
}

/// What is shown.
struct Canvas<'a> {
    width: usize,
    height: usize,
    pixels: Vec<Rgba>,
    /// The frame that was drawn last, and whether it was a key frame.
    before: Option<(AnimationFrame<'a>, bool)>,
}

impl<'a> Canvas<'a> {
    fn draw(&mut self, frame: &AnimationFrame<'a>, picture: &Frame) {
        let is_key = self.is_key(frame);
        let disposed = self.before.filter(|(before, _)| before.disposes).map(|(before, _)| before);
        if is_key {
            self.pixels.fill([0; 4]);
        } else if let Some(before) = disposed {
            for line in self.lines(&before) {
                line.fill([0; 4]);
            }
        }
        let blends = frame.blends && !is_key;
        let opaque = picture.alpha.is_none();
        let mut alphas = picture.alpha.iter().flatten();
        let mut colours = picture.rgb.as_chunks::<3>().0.iter();
        for (y, line) in (frame.y..).zip(self.lines(frame)) {
            for (x, pixel) in (frame.x..).zip(line) {
                let alpha = if opaque { Some(&u8::MAX) } else { alphas.next() };
                let (Some([red, green, blue]), Some(alpha)) = (colours.next(), alpha) else { return };
                let source = [*red, *green, *blue, *alpha];
                // What was emptied just now takes the pixel as it is, its colour where it is transparent too.
                let emptied = disposed.is_some_and(|before| covers(&before, x, y));
                *pixel = if blends && !emptied { over(source, *pixel) } else { source };
            }
        }
        self.before = Some((*frame, is_key));
    }

    /// Whether nothing of what was there before can show.
    fn is_key(&self, frame: &AnimationFrame<'_>) -> bool {
        let full = |frame: &AnimationFrame<'_>| frame.width == self.width && frame.height == self.height;
        let Some((before, before_is_key)) = &self.before else { return true };
        let replaces = full(frame) && (!frame.has_alpha() || !frame.blends);
        replaces || (before.disposes && (full(before) || *before_is_key))
    }

    fn lines(&mut self, frame: &AnimationFrame<'_>) -> impl Iterator<Item = &mut [Rgba]> {
        let columns = frame.x..frame.x + frame.width;
        let lines = self.pixels.chunks_exact_mut(self.width.max(1)).skip(frame.y).take(frame.height);
        lines.filter_map(move |line| line.get_mut(columns.clone()))
    }
}

fn covers(frame: &AnimationFrame<'_>, x: usize, y: usize) -> bool {
    (frame.x..frame.x + frame.width).contains(&x) && (frame.y..frame.y + frame.height).contains(&y)
}

/// Lays a pixel over another one, in libwebp's whole numbers.
fn over(source: Rgba, below: Rgba) -> Rgba {
    let [.., alpha] = source.map(u32::from);
    let [.., below_alpha] = below.map(u32::from);
    match alpha {
        0 => return below,
        255 => return source,
        _ => {}
    }
    let below_share = (below_alpha * (256 - alpha)) >> 8;
    let sum = alpha + below_share;
    let scale = (1 << 24) / sum;
    let [red, green, blue] = [0, 1, 2].map(|channel: usize| {
        let of = |pixel: Rgba| u64::from(pixel.get(channel).copied().unwrap_or_default());
        let blended = of(source) * u64::from(alpha) + of(below) * u64::from(below_share);
        u8::try_from((blended * u64::from(scale)) >> 24).unwrap_or(u8::MAX)
    });
    [red, green, blue, u8::try_from(sum).unwrap_or(u8::MAX)]
}
