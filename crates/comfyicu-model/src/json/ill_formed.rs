//! Text that no Rust string can hold: with half of a surrogate pair in it.

use std::fmt;

/// Text with half of a surrogate pair in it, such as `"\ud83d"`.
///
/// Python and JavaScript cut texts between the two halves of an emoji, and write what is left as an escape.
/// No Rust string can hold that, so it is kept as UTF-16 code units, and written back as it was.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IllFormedText(Box<[u16]>);

impl IllFormedText {
    /// The text as UTF-16 code units.
    pub fn code_units(&self) -> &[u16] {
        &self.0
    }

    /// The text with U+FFFD in place of each half.
    pub fn to_string_lossy(&self) -> String {
        String::from_utf16_lossy(&self.0)
    }

    /// Reads what stands between the quotes of a JSON string. The string is known to be valid, but for its
    /// halves of surrogate pairs.
    pub(super) fn decode(inner: &str) -> Self {
        let mut units = Vec::with_capacity(inner.len());
        let mut rest = inner.chars();
        while let Some(char) = rest.next() {
            let char = match char {
                '\\' => match rest.next() {
                    Some('b') => '\u{8}',
                    Some('f') => '\u{c}',
                    Some('n') => '\n',
                    Some('r') => '\r',
                    Some('t') => '\t',
                    Some('u') => {
                        units.extend(hex(&mut rest));
                        continue;
                    }
                    Some(escaped) => escaped,
                    None => break,
                },
                char => char,
            };
            units.extend_from_slice(char.encode_utf16(&mut [0; 2]));
        }
        Self(units.into())
    }

    /// Writes the text as a JSON string.
    pub(super) fn write(&self, out: &mut impl fmt::Write) -> fmt::Result {
        out.write_char('"')?;
        for decoded in char::decode_utf16(self.0.iter().copied()) {
            match decoded {
                Ok('"') => out.write_str("\\\"")?,
                Ok('\\') => out.write_str("\\\\")?,
                Ok(control @ '\0'..='\u{1f}') => write!(out, "\\u{:04x}", u32::from(control))?,
                Ok(char) => out.write_char(char)?,
                Err(half) => write!(out, "\\u{:04x}", half.unpaired_surrogate())?,
            }
        }
        out.write_char('"')
    }
}

fn hex(rest: &mut std::str::Chars<'_>) -> Option<u16> {
    let digits: String = rest.by_ref().take(4).collect();
    u16::from_str_radix(&digits, 16).ok()
}

impl fmt::Debug for IllFormedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f)
    }
}

/// A copy of a JSON string, its quotes included, in which U+FFFD stands for each half of a surrogate pair.
/// It has the same length, so that an error in it is at the same place.
pub(super) fn repaired(token: &[u8]) -> Vec<u8> {
    let mut out = token.to_vec();
    let mut at = 0;
    while let Some(rest) = token.get(at..) {
        match rest {
            [] => break,
            [b'\\', b'u', ..] => {
                let (len, half) = match (unit(rest), rest.get(6..).and_then(unit)) {
                    (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => (12, false),
                    (Some(0xD800..=0xDFFF), _) => (6, true),
                    _ => (2, false),
                };
                if let (true, Some(escape)) = (half, out.get_mut(at..at + 6)) {
                    escape.copy_from_slice(b"\\ufffd");
                }
                at += len;
            }
            [b'\\', ..] => at += 2,
            _ => at += 1,
        }
    }
    out
}

/// The code unit of the escape that `text` begins with.
fn unit(text: &[u8]) -> Option<u16> {
    let [b'\\', b'u', digits @ ..] = text.get(..6)? else { return None };
    // `+1ff` would be a number to Rust.
    let digits = digits.iter().all(u8::is_ascii_hexdigit).then_some(digits)?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
