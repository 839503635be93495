//! Which encoding a text has: UTF-8 is read, the others are named.

/// What a text is encoded in, where it is not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Foreign {
    Utf16Le,
    Utf16Be,
    Utf32,
}

impl Foreign {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Utf16Le => "UTF-16 (little-endian)",
            Self::Utf16Be => "UTF-16 (big-endian)",
            Self::Utf32 => "UTF-32",
        }
    }
}

/// How many bytes of a UTF-8 text are its byte order mark: 3, or 0.
pub(crate) fn mark_len(bytes: &[u8]) -> usize {
    if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 }
}

/// Tells UTF-16 and UTF-32 from UTF-8, with a byte order mark or without: JSON begins with ASCII, which has
/// zero bytes in both, and holds no zero byte in UTF-8.
pub(super) fn foreign(bytes: &[u8]) -> Option<Foreign> {
    match bytes {
        [0xFF, 0xFE, 0, 0, ..]
        | [0, 0, 0xFE, 0xFF, ..]
        | [0, 0, 0, 1..=0xFF, ..]
        | [1..=0xFF, 0, 0, 0, ..] => Some(Foreign::Utf32),
        [0xFF, 0xFE, ..] | [1..=0x7F, 0, ..] => Some(Foreign::Utf16Le),
        [0xFE, 0xFF, ..] | [0, 1..=0x7F, ..] => Some(Foreign::Utf16Be),
        _ => None,
    }
}
