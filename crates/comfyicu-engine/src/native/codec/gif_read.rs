//! GIF, read as Pillow does: each picture as it is shown, laid on what the one before it left.

use std::num::NonZeroU64;

use gif::{DecodeOptions, Decoder, DecodingError, DisposalMethod, MemoryLimit};
use weezl::{BitOrder, LzwStatus};

use super::part::Part;
use super::{DecodeError, Frame};
use crate::native::image::Shape;
use crate::native::limit::{self, Extent, MAX_PIXELS};
use crate::native::work::{Cancelled, STRETCH, Work};

/// Colours and opacity of a pixel.
type Rgba = [u8; 4];

pub(super) fn decode(bytes: &[u8], extent: Extent, work: &Work) -> Result<Vec<Frame>, DecodeError> {
    let mut options = DecodeOptions::new();
    // Unpacked here, so that what is cut short can be shown as far as it goes.
    options.skip_frame_decoding(true);
    let limit = u64::try_from(MAX_PIXELS).ok().and_then(NonZeroU64::new);
    options.set_memory_limit(limit.map_or(MemoryLimit::Unlimited, MemoryLimit::Bytes));
    let mut decoder = options.read_info(bytes).map_err(|error| broken(&error))?;
    let size = (usize::from(decoder.width()), usize::from(decoder.height()));
    let global = decoder.global_palette().and_then(Palette::of);
    let background = decoder.bg_color().and_then(|index| u8::try_from(index).ok()).unwrap_or_default();
    let mut screen = Screen::new(size, global, background);
    let mut frames: Vec<Frame> = Vec::new();
    while let Some(picture) = next(&mut decoder, frames.len(), work)? {
        work.go_on()?;
        let (width, height) = screen.size_with(&picture);
        extent.check(Shape { batch: frames.len() + 1, height, width, channels: 3 })?;
        screen.draw(&picture);
        frames.push(screen.to_frame(work)?);
        if extent.first_only {
            break;
        }
    }
    if frames.is_empty() {
        return Err(DecodeError::Broken { format: "GIF", reason: "it holds no picture".to_owned() });
    }
    Ok(frames)
}

fn broken(error: &DecodingError) -> DecodeError {
    DecodeError::Broken { format: "GIF", reason: error.to_string() }
}

/// A picture of the file: which colours stand where, and how it goes away.
struct Picture {
    part: Part,
    indices: Vec<u8>,
    colours: Colours,
    transparent: Option<u8>,
    dispose: DisposalMethod,
}

/// Where a picture has its colours from.
#[derive(Clone, Debug)]
enum Colours {
    /// From the palette of the whole file.
    OfFile,
    /// From its own; a palette of all greys in their order is none.
    Own(Option<Palette>),
}

/// Reads the next picture. A file that ends without saying so ends all the same, once there was a picture.
fn next(decoder: &mut Decoder<&[u8]>, done: usize, work: &Work) -> Result<Option<Picture>, DecodeError> {
    let info = match decoder.read_next_frame() {
        Ok(info) => info,
        Err(_) if done > 0 => return Ok(None),
        Err(error) => return Err(broken(&error)),
    };
    let Some(info) = info else { return Ok(None) };
    let picture = Picture {
        part: Part {
            x: info.left.into(),
            y: info.top.into(),
            width: info.width.into(),
            height: info.height.into(),
        },
        indices: Vec::new(),
        colours: info
            .palette
            .as_deref()
            .map_or(Colours::OfFile, |palette| Colours::Own(Palette::of(palette))),
        transparent: info.transparent,
        dispose: info.dispose,
    };
    let Part { width, height, .. } = picture.part;
    limit::check(Shape { batch: 1, height: height.max(1), width: width.max(1), channels: 1 })?;
    let indices = unpacked(&info.buffer, (width, height), info.interlaced, work)?;
    Ok(Some(Picture { indices, ..picture }))
}

/// Unpacks indices, row by row; what the data does not say is 0.
fn unpacked(
    packed: &[u8],
    (width, height): (usize, usize),
    interlaced: bool,
    work: &Work,
) -> Result<Vec<u8>, Cancelled> {
    let mut indices = vec![0; width * height];
    let Some((code_size, data)) = packed.split_first() else { return Ok(indices) };
    if !(1..=8).contains(code_size) {
        return Ok(indices);
    }
    let mut decoder = weezl::decode::Decoder::new(BitOrder::Lsb, *code_size);
    let (mut read, mut written) = (0, 0);
    while let (Some(data), Some(rest)) = (data.get(read..), indices.get_mut(written..)) {
        work.go_on()?;
        let all = rest.len();
        let room = rest.get_mut(..STRETCH.min(all)).unwrap_or_default();
        let step = decoder.decode_bytes(data, room);
        read += step.consumed_in;
        written += step.consumed_out;
        let stands = step.consumed_in == 0 && step.consumed_out == 0;
        if stands || all == step.consumed_out || !matches!(step.status, Ok(LzwStatus::Ok)) {
            break;
        }
    }
    Ok(if interlaced { in_order(&indices, width, height) } else { indices })
}

/// Puts rows in order that come in four passes, each finer than the one before.
fn in_order(indices: &[u8], width: usize, height: usize) -> Vec<u8> {
    let passes = [(0, 8), (4, 8), (2, 4), (1, 2)];
    let places = passes.into_iter().flat_map(|(first, step)| (first..height).step_by(step));
    let mut rows = vec![0; indices.len()];
    for (y, row) in places.zip(indices.chunks_exact(width.max(1))) {
        if let Some(target) = rows.get_mut(y * width..(y + 1) * width) {
            target.copy_from_slice(row);
        }
    }
    rows
}

/// The colours of indices.
#[derive(Clone, Debug)]
struct Palette(Vec<[u8; 3]>);

impl Palette {
    /// `None` where each index is its own grey.
    fn of(bytes: &[u8]) -> Option<Self> {
        let colours = bytes.as_chunks::<3>().0;
        let is_own_grey = |(index, colour): (u8, &[u8; 3])| *colour == [index; 3];
        if (0..=u8::MAX).zip(colours).all(is_own_grey) { None } else { Some(Self(colours.to_vec())) }
    }

    fn get(&self, index: u8) -> Option<[u8; 3]> {
        self.0.get(usize::from(index)).copied()
    }
}

/// The colour of an index; one beyond the palette is black.
fn colour(palette: Option<&Palette>, index: u8) -> [u8; 3] {
    palette.map_or([index; 3], |palette| palette.get(index).unwrap_or_default())
}

/// What a place is filled with; there an index beyond the palette is its first colour.
fn fill_colour(palette: Option<&Palette>, index: u8) -> [u8; 3] {
    palette.map_or([index; 3], |palette| palette.get(index).or_else(|| palette.get(0)).unwrap_or_default())
}

const fn with_opacity([red, green, blue]: [u8; 3], opacity: u8) -> Rgba {
    [red, green, blue, opacity]
}

/// What is done to a part before the next picture is drawn.
enum Dispose {
    Fill(Part, Rgba),
    Restore(Part, Vec<Rgba>),
}

/// What is shown.
struct Screen {
    size: (usize, usize),
    pixels: Vec<Rgba>,
    global: Option<Palette>,
    background: u8,
    /// Of the first picture: whether it has no colours, and its transparent index. Both decide about all.
    first: Option<(bool, Option<u8>)>,
    method: DisposalMethod,
    dispose: Option<Dispose>,
}

impl Screen {
    const fn new(size: (usize, usize), global: Option<Palette>, background: u8) -> Self {
        Self {
            size,
            pixels: Vec::new(),
            global,
            background,
            first: None,
            method: DisposalMethod::Any,
            dispose: None,
        }
    }

    /// How large the screen is when a picture has been drawn: one that reaches out makes it larger.
    fn size_with(&self, picture: &Picture) -> (usize, usize) {
        let Part { x, y, width, height } = picture.part;
        (self.size.0.max(x + width), self.size.1.max(y + height))
    }

    fn draw(&mut self, picture: &Picture) {
        if picture.dispose != DisposalMethod::Any {
            // A picture that does not say how it goes away goes as the one before it.
            self.method = picture.dispose;
        }
        let palette = match &picture.colours {
            Colours::OfFile => self.global.clone(),
            Colours::Own(palette) => palette.clone(),
        };
        match self.first {
            None => self.draw_first(picture, palette.as_ref()),
            Some((grey, transparent)) => {
                match self.dispose.take() {
                    Some(Dispose::Fill(part, pixel)) => self.lines(part).for_each(|line| line.fill(pixel)),
                    Some(Dispose::Restore(part, pixels)) => self.restore(part, &pixels),
                    None => {}
                }
                self.grow(self.size_with(picture));
                let palette = palette.as_ref().filter(|_| !grey);
                let key = if grey { transparent.or(picture.transparent) } else { picture.transparent };
                self.dispose = self.dispose_later(picture.part, palette, key, grey);
                self.lay(picture, palette, picture.transparent);
            }
        }
    }

    /// Draws the first picture: around it is its transparent colour, or the first one.
    fn draw_first(&mut self, picture: &Picture, palette: Option<&Palette>) {
        let opacity = |index: u8| if Some(index) == picture.transparent { 0 } else { u8::MAX };
        let pixel = |index: u8| with_opacity(colour(palette, index), opacity(index));
        self.size = self.size_with(picture);
        let around = picture.transparent.unwrap_or_default();
        self.pixels = vec![pixel(around); self.size.0 * self.size.1];
        self.first = Some((palette.is_none(), picture.transparent));
        for (line, indices) in
            self.lines(picture.part).zip(picture.indices.chunks_exact(picture.part.width.max(1)))
        {
            line.iter_mut().zip(indices).for_each(|(target, index)| *target = pixel(*index));
        }
        self.dispose = match self.method {
            DisposalMethod::Background => {
                let index = picture.transparent.unwrap_or(self.background);
                Some(Dispose::Fill(picture.part, pixel(index)))
            }
            // There is nothing before the first picture but what is transparent.
            DisposalMethod::Previous => {
                picture.transparent.map(|index| Dispose::Fill(picture.part, pixel(index)))
            }
            DisposalMethod::Any | DisposalMethod::Keep => None,
        };
    }

    /// What becomes of a part behind a later picture, which is not drawn yet.
    fn dispose_later(
        &mut self,
        part: Part,
        palette: Option<&Palette>,
        key: Option<u8>,
        grey: bool,
    ) -> Option<Dispose> {
        match self.method {
            DisposalMethod::Background => {
                let opacity = if key.is_some() && !grey { 0 } else { u8::MAX };
                let index = key.unwrap_or(self.background);
                Some(Dispose::Fill(part, with_opacity(fill_colour(palette, index), opacity)))
            }
            DisposalMethod::Previous => {
                Some(Dispose::Restore(part, self.lines(part).flat_map(|line| line.to_vec()).collect()))
            }
            DisposalMethod::Any | DisposalMethod::Keep => None,
        }
    }

    /// Lays a picture on the screen; what is transparent in it leaves what is there.
    fn lay(&mut self, picture: &Picture, palette: Option<&Palette>, transparent: Option<u8>) {
        let rows = picture.indices.chunks_exact(picture.part.width.max(1));
        for (line, indices) in self.lines(picture.part).zip(rows) {
            for (target, index) in line.iter_mut().zip(indices) {
                if Some(*index) != transparent {
                    *target = with_opacity(colour(palette, *index), u8::MAX);
                }
            }
        }
    }

    fn restore(&mut self, part: Part, pixels: &[Rgba]) {
        for (line, before) in self.lines(part).zip(pixels.chunks_exact(part.width.max(1))) {
            line.copy_from_slice(before);
        }
    }

    /// Makes room at the right and below; nothing is there.
    fn grow(&mut self, size: (usize, usize)) {
        if size == self.size {
            return;
        }
        let mut pixels = Vec::with_capacity(size.0 * size.1);
        for line in self.pixels.chunks_exact(self.size.0.max(1)) {
            pixels.extend_from_slice(line);
            pixels.resize(pixels.len() + size.0 - self.size.0, [0; 4]);
        }
        pixels.resize(size.0 * size.1, [0; 4]);
        (self.size, self.pixels) = (size, pixels);
    }

    fn lines(&mut self, part: Part) -> impl Iterator<Item = &mut [Rgba]> {
        part.lines(&mut self.pixels, self.size.0, 1)
    }

    fn to_frame(&self, work: &Work) -> Result<Frame, Cancelled> {
        let keyed = self.first.is_some_and(|(_, transparent)| transparent.is_some());
        let grey = self.first.is_some_and(|(grey, _)| grey);
        let key = self.first.and_then(|(grey, transparent)| transparent.filter(|_| grey));
        let frame = Frame::of_rgba(self.pixels.as_flattened(), self.size, keyed && !grey, work)?;
        Ok(Frame { key: key.map(|index| [index; 3]), ..frame })
    }
}
