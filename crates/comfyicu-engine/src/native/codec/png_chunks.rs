//! The chunks of PNG files.

/// The chunks of pixels.
pub(super) const PIXELS: &[u8] = b"IDAT";
/// The chunk that ends a file.
pub(super) const END: &[u8] = b"IEND";

/// The chunks of a file, the last of which may be cut short.
#[derive(Clone, Debug)]
pub(super) struct Chunks<'f> {
    rest: &'f [u8],
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk<'f> {
    pub(super) id: &'f [u8],
    pub(super) data: &'f [u8],
    /// Whether data is missing.
    pub(super) is_cut: bool,
    /// All of it, with its length and its checksum, if all of it is there.
    pub(super) whole: Option<&'f [u8]>,
}

impl<'f> Chunks<'f> {
    /// Where the first one begins.
    pub(super) const START: usize = 8;

    pub(super) fn of(bytes: &'f [u8]) -> Self {
        Self { rest: bytes.get(Self::START..).unwrap_or_default() }
    }
}

impl<'f> Iterator for Chunks<'f> {
    type Item = Chunk<'f>;

    fn next(&mut self) -> Option<Chunk<'f>> {
        let (length, body) = self.rest.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let (id, data) = body.split_at(body.len().min(4));
        let whole = self.rest.get(..length.saturating_add(12));
        self.rest = self.rest.get(length.saturating_add(12)..).unwrap_or_default();
        Some(Chunk { id, data: data.get(..length).unwrap_or(data), is_cut: data.len() < length, whole })
    }
}

/// The chunks from the first one with pixels on.
pub(super) fn pixels(bytes: &[u8]) -> impl Iterator<Item = Chunk<'_>> {
    Chunks::of(bytes).skip_while(|chunk| chunk.id != PIXELS)
}
