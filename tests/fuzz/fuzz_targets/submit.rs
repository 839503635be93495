//! Whatever the body of a submit: no panic, and what is stored of it is read again as the same request.

#![no_main]

use comfyicu_model::json::{Limits, read};
use comfyicu_model::{Files, RunRequest};
use comfyicu_server::fuzzing::{stored, takes_files_from};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok((request, body)) = RunRequest::parse_with_body(bytes) else { return };
    let again = RunRequest::parse(request.to_json().as_bytes()).expect("what was written is a request");
    assert_eq!(again, request);
    let kept = stored(body.clone());
    let text = kept.to_json();
    assert_eq!(read(text.as_bytes(), Limits::default()).expect("JSON").as_object(), Some(&kept));
    for token in ["auth_token_comfy_org", "api_key_comfy_org"] {
        let extra = kept.get("extra_data").and_then(|extra| extra.as_object());
        assert!(extra.is_none_or(|extra| extra.get(token).is_none()), "a token is not stored");
    }
    for (path, url) in request.requested_files().iter() {
        assert!(path.as_str().starts_with('/'));
        takes_files_from(url);
    }
    let files =
        Files::from_value(&request.requested_files().to_object().into()).expect("what was written is files");
    assert_eq!(&files, request.requested_files());
    for finding in request.prompt().check() {
        assert!(!finding.to_string().is_empty());
    }
});
