//! The forms in which files come.

use crate::host::Received;

/// A field of a form: its name, the file's name where it is one, its bytes.
pub(super) type Field = (String, Option<String>, Vec<u8>);

/// The fields of a form.
pub(super) fn fields(request: &Received) -> Option<Vec<Field>> {
    let boundary = request.header("content-type")?.split_once("boundary=")?.1;
    let marker = format!("--{boundary}");
    let mut fields = Vec::new();
    let mut rest = after(&request.body, marker.as_bytes())?;
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let end = find(part, format!("\r\n{marker}").as_bytes())?;
        let (head, body) = split_head(part.get(..end)?)?;
        fields.push((parameter(&head, "name")?, parameter(&head, "filename"), body.to_vec()));
        rest = after(part, format!("\r\n{marker}").as_bytes())?;
    }
    Some(fields)
}

fn split_head(part: &[u8]) -> Option<(String, &[u8])> {
    let end = find(part, b"\r\n\r\n")?;
    Some((String::from_utf8_lossy(part.get(..end)?).into_owned(), part.get(end + 4..)?))
}

fn parameter(head: &str, name: &str) -> Option<String> {
    let begin = head.find(&format!("; {name}=\""))? + name.len() + 4;
    let rest = head.get(begin..)?;
    Some(rest.get(..rest.find('"')?)?.to_owned())
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

fn after<'a>(bytes: &'a [u8], needle: &[u8]) -> Option<&'a [u8]> {
    bytes.get(find(bytes, needle)? + needle.len()..)
}
