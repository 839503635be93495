//! EXIF data of texts alone, as ComfyUI keeps the prompt in WebP files.

use super::TextChunk;

/// The tag that the first text stands at, the prompt: a camera's model.
const FIRST_TAG: u16 = 0x0110;
/// The type of a text that ends with a zero byte.
const ASCII: u16 = 2;
const ENTRY_BYTES: usize = 12;

/// The texts as EXIF data, from the TIFF header on: each as `keyword:text`, the next one at the tag below.
pub(super) fn metadata(texts: &[TextChunk]) -> Vec<u8> {
    let value = |text: &TextChunk| {
        let text = format!("{}:{}", text.keyword, text.text);
        let ascii = text.chars().map(|character| u8::try_from(character).ok().filter(u8::is_ascii));
        ascii.map(|byte| byte.unwrap_or(b'?')).chain([0]).collect::<Vec<u8>>()
    };
    // Tags stand in rising order, so the last text comes first.
    let tags = (0..texts.len()).map(|at| FIRST_TAG.saturating_sub(u16::try_from(at).unwrap_or(u16::MAX)));
    let mut entries: Vec<(u16, Vec<u8>)> = tags.zip(texts.iter().map(value)).collect();
    entries.reverse();

    let mut data = b"MM\0*\0\0\0\x08".to_vec();
    data.extend(u16::try_from(entries.len()).unwrap_or(u16::MAX).to_be_bytes());
    let mut place = data.len() + ENTRY_BYTES * entries.len() + 4;
    for (tag, text) in &entries {
        data.extend(tag.to_be_bytes());
        data.extend(ASCII.to_be_bytes());
        data.extend(length(text.len()));
        match text.first_chunk::<4>().filter(|_| text.len() == 4) {
            Some(short) => data.extend(short),
            None if text.len() < 4 => data.extend(text.iter().chain(&[0; 4]).take(4)),
            None => {
                data.extend(length(place));
                place += text.len().next_multiple_of(2);
            }
        }
    }
    data.extend([0; 4]);
    for (_, text) in entries.iter().filter(|(_, text)| text.len() > 4) {
        data.extend(text);
        if text.len() % 2 == 1 {
            data.push(0);
        }
    }
    data
}

fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stand_as_pillow_writes_them() {
        let text = |keyword: &str, text: &str| TextChunk { keyword: keyword.into(), text: text.into() };
        // Pillow: Exif with 0x0110 = "prompt:{}", 0x010f = "ö:1", tobytes() behind "Exif\0\0".
        let expected = b"MM\0*\0\0\0\x08\0\x02\x01\x0f\0\x02\0\0\0\x04?:1\0\x01\x10\0\x02\0\0\0\x0a\0\0\0\x26\0\0\0\0prompt:{}\0";
        assert_eq!(metadata(&[text("prompt", "{}"), text("ö", "1")]), expected);
    }
}
