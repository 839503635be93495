//! Under which name, and whether at all, a browser saves a file (`content-disposition`, RFC 6266).

use std::fmt::Write as _;

use http::HeaderValue;

/// What a browser may show in place; it is in a sandbox all the same.
const SHOWN: [&str; 5] = ["image/", "video/", "audio/", "text/plain", "application/json"];

/// The header for a file of this name and type. A picture with scripts in it (SVG) is saved, not shown.
pub(super) fn header(name: &str, content_type: &str) -> Option<HeaderValue> {
    let is_shown =
        SHOWN.iter().any(|shown| content_type.starts_with(shown)) && content_type != "image/svg+xml";
    let mut value = String::from(if is_shown { "inline" } else { "attachment" });
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    // Writing to a string does not fail.
    let _infallible = write!(value, "; filename=\"{plain}\"");
    if plain != name {
        value.push_str("; filename*=UTF-8''");
        for byte in name.bytes() {
            let _infallible = match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    write!(value, "{}", char::from(byte))
                }
                other => write!(value, "%{other:02X}"),
            };
        }
    }
    HeaderValue::try_from(value).ok()
}

/// What every program reads the same way between quotes; a `%` is decoded by some.
fn is_plain(c: char) -> bool {
    matches!(c, ' '..='~') && !matches!(c, '"' | '\\' | '%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_so_that_every_program_reads_them() {
        for (name, content_type, expected) in [
            ("a b.png", "image/png", "inline; filename=\"a b.png\""),
            ("a.html", "text/html", "attachment; filename=\"a.html\""),
            ("a.svg", "image/svg+xml", "attachment; filename=\"a.svg\""),
            ("ü_1.png", "image/png", "inline; filename=\"__1.png\"; filename*=UTF-8''%C3%BC_1.png"),
            (
                "a\"; x=.png",
                "image/png",
                "inline; filename=\"a_; x=.png\"; filename*=UTF-8''a%22%3B%20x%3D.png",
            ),
            ("100%.txt", "text/plain", "inline; filename=\"100_.txt\"; filename*=UTF-8''100%25.txt"),
        ] {
            assert_eq!(header(name, content_type).unwrap(), expected, "{name}");
        }
    }
}
