//! Names are put right in files of each kind, and all else stays as it is.

use super::*;

fn sent() -> (Prompt, Prompt, Names) {
    let user = r#"{"9": {"class_type": "SaveX", "inputs": {"filename_prefix": "a/ü", "images": ["2", 0]}}, "2": {"class_type": "LoadImage", "inputs": {"image": "b.png"}}}"#;
    let there = user.replace("a/ü", "r1.a1b2c3/a/ü").replace("b.png", "0123456789abcdef_b.png");
    let mut names = Names::new("r1.a1b2c3".to_owned());
    names.add("0123456789abcdef_b.png".to_owned(), "b.png".to_owned());
    (Prompt::parse(user.as_bytes()).unwrap(), Prompt::parse(there.as_bytes()).unwrap(), names)
}

#[test]
fn a_prompt_is_replaced_where_it_stands_and_nothing_moves() {
    let (user, there, names) = sent();
    let json = there.clone().into_object().to_python_json();
    let file = ["ftyp\0\u{1}prompt\0{\"9\": {", &json, "\0mdat {\"9\": {\"x\": \"}\""].concat();
    let restorer = Restorer::new(&there, &names);
    let restored = restorer.restored(Bytes::from(file.clone()));
    assert_eq!(restored.len(), file.len());
    let text = String::from_utf8(restored.to_vec()).unwrap();
    assert!(
        text.starts_with("ftyp\0\u{1}prompt\0") && text.ends_with("\0mdat {\"9\": {\"x\": \"}\""),
        "{text}"
    );
    assert!(!text.contains("r1.a1b2c3"), "{text}");
    let plain = ["x", &json, "y"].concat();
    let restored = restorer.restored(Bytes::from(plain));
    let inside = &restored[1..restored.len() - 1];
    assert_eq!(Prompt::parse(inside).unwrap(), user);
}

#[test]
fn what_has_no_prompt_stays_as_it_is() {
    let (_, there, names) = sent();
    for file in [&b""[..], b"{\"9\": {", b"{\"9\": {}}", b"\x89PNG\r\n\x1a\n{\"9\": {\"class_type\": 1}}"] {
        assert_eq!(Restorer::new(&there, &names).restored(Bytes::from_static(file)), file);
    }
}
