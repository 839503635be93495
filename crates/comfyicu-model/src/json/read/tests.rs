//! Reading: what is kept, what is refused, and where the error says that it is.

use super::*;

fn error(text: &str) -> String {
    read(text.as_bytes(), Limits::default()).expect_err("must be refused").to_string()
}

fn value(text: &str) -> Value {
    read(text.as_bytes(), Limits::default()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// What is written in place of the text that has to be refused, and how it is refused.
#[test]
fn syntax_errors_name_line_column_path_and_expectation() {
    let faults = [
        "",
        "  \n",
        "{} x",
        "{\n  \"6\": {\"inputs\": {\"text\" 1}}\n}",
        "{\"a\": [1, 2,]}",
        "{\"a\": {\"b\": 1,}}",
        "{\"a\": [1, ",
        "{\"a\": {\"b\": 1",
        "{\"a\": \"b",
        "{\"a\": [1 2]}",
        "{\"a\": 1 \"b\": 2}",
        "{\"a\": }",
        "{a: 1}",
        "{'a': 1}",
        "{\"a\": 'b'}",
        "{\"a\": True}",
        "{\"a\": None}",
        "{\"a\": nul}",
        "{\"a\": tru",
        "{\"a\": 01}",
        "{\"a\": 1.}",
        "{\"a\": -NaN}",
        "{\"a\": .5}",
        "{\"a\": 1e}",
        "{\"a\": \"\\x\"}",
        "{\"a\": \"\\ud83d \\x\"}",
        "{\"a\": \"line\nbreak\"}",
        "{\"a\": 1, // why\n \"b\": 2}",
        "{\"a\": /* why */ 1}",
        "{\"\\ud83d\": 1}",
        "{\"a\": ü}",
    ];
    let lines = faults.map(|text| format!("{text:?}\n    {}", error(text)));
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_position_is_never_0_and_counts_the_mark_in_the_offset_alone() {
    let error = read("\u{feff}{\"a\" 1}".as_bytes(), Limits::default()).unwrap_err();
    assert_eq!((error.line(), error.column(), error.position().offset), (1, 6, 8));
    for text in ["", "\u{feff}", "\n", "["] {
        let error = read(text.as_bytes(), Limits::default()).unwrap_err();
        assert!(error.line() >= 1 && error.column() >= 1, "{text:?}: {error}");
        assert_eq!(error.position().offset, text.len());
    }
}

#[test]
fn other_encodings_are_named() {
    let utf16 =
        |text: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> { text.encode_utf16().flat_map(bytes).collect() };
    for text in ["{\"a\": 1}", "\n{}", "1", "\"é\""] {
        for marked in [text.to_owned(), format!("\u{feff}{text}")] {
            let error = |bytes: Vec<u8>| read(&bytes, Limits::default()).unwrap_err().to_string();
            assert_eq!(
                error(utf16(&marked, u16::to_le_bytes)),
                "the text is UTF-16 (little-endian); save it as UTF-8"
            );
            assert_eq!(
                error(utf16(&marked, u16::to_be_bytes)),
                "the text is UTF-16 (big-endian); save it as UTF-8"
            );
            let utf32 = marked.chars().flat_map(|char| u32::from(char).to_le_bytes()).collect();
            assert_eq!(error(utf32), "the text is UTF-32; save it as UTF-8");
        }
    }
    assert!(error("\0").starts_with("expected a value"), "a zero byte alone is no encoding");
}

#[test]
fn each_limit_has_its_own_error() {
    let refused =
        |text: &str, limits| read(text.as_bytes(), limits).expect_err("must be refused").to_string();
    let limits = Limits::default();
    insta::assert_snapshot!(refused("[1, 2]", limits.max_bytes(5)), @"the document has 6 bytes; at most 5 are read");
    insta::assert_snapshot!(refused("{\"a\": [1, [2]]}", limits.max_depth(2)), @"more than 2 arrays and objects inside each other at line 1, column 11, in a[1]");
    insta::assert_snapshot!(refused("{\"a\": [1, [2]]}", limits.max_values(3)), @"more than 3 values at line 1, column 11, in a[1]");
    let exact = limits.max_bytes(15).max_depth(3).max_values(5);
    assert!(read(b"{\"a\": [1, [2]]}", exact).is_ok());
}

#[test]
fn the_deepest_document_fits_a_small_stack() {
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let limits = Limits::default().max_depth(usize::MAX);
    let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(move || {
        let value = read(deep(1024).as_bytes(), limits).unwrap();
        assert_eq!(value.clone(), value);
        assert_eq!(value.to_json_pretty().lines().count(), 2047);
        read(deep(1025).as_bytes(), limits).unwrap_err().to_string()
    });
    let error = thread.unwrap().join().unwrap();
    assert!(error.starts_with("more than 1024 arrays and objects inside each other"), "{error}");
    assert!(read(deep(512).as_bytes(), Limits::default()).is_ok());
}

#[test]
fn a_byte_order_mark_is_skipped() {
    assert_eq!(value("\u{feff}[1]"), Value::from(vec![1_u64]));
}

#[test]
fn numbers_are_read_as_python_does() {
    assert_eq!(
        value("[NaN, Infinity, -Infinity, 1.0, 1e2, -0, -0.0, 1e999, -1e999, 5e-324]").to_json(),
        "[NaN,Infinity,-Infinity,1.0,100.0,0,-0.0,Infinity,-Infinity,5e-324]"
    );
    let digits = "9".repeat(4300);
    assert_eq!(value(&digits).to_json(), digits);
    insta::assert_snapshot!(error(&"9".repeat(4301)), @"a number of more than 4300 digits, which Python does not read either at line 1, column 4302, in the top level");
}

#[test]
fn halves_of_surrogate_pairs_are_kept() {
    for text in [
        r#"["\ud83d"]"#,
        r#"{"a":"x\ud83d\ud83dy","b":["\udc00 \"q\" \\ \u0000 é🧪"],"c":1}"#,
        r#""\ude00\ud83d""#,
        r#"["\ud83d\\u"]"#,
    ] {
        let read = value(text);
        assert_eq!(read.to_json(), text);
        assert_eq!(value(&read.to_json_pretty()), read);
    }
    assert_eq!(value(r#"["\uD83D", "\ud83d\ude00"]"#).to_json(), "[\"\\ud83d\",\"😀\"]");
    let Value::IllFormed(text) = value(r#""a\ud83d""#) else { panic!("it is ill-formed") };
    assert_eq!(
        (text.code_units(), text.to_string_lossy().as_str()),
        ([0x61, 0xd83d].as_slice(), "a\u{fffd}")
    );
    let error = read(b"[\"\\ud83d\", x]", Limits::default()).unwrap_err();
    assert_eq!((error.column(), error.path().to_string().as_str()), (12, "[1]"), "the place is counted on");
}

#[test]
fn the_last_of_a_doubled_key_wins_in_the_place_of_the_first() {
    let document = read_document(br#"{"a": 1, "b": {"c": 1, "c": 2}, "a": 3}"#, Limits::default()).unwrap();
    assert_eq!(document.value.to_json(), r#"{"a":3,"b":{"c":2}}"#);
    assert!(document.has_doubled_keys);
    assert!(
        !read_document(br#"{"a": {"a": 1}, "b": {"a": 1}}"#, Limits::default()).unwrap().has_doubled_keys
    );
}
