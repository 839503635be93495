//! Prompts and files that several suites use.

use std::fs;
use std::path::PathBuf;

use comfyicu_tests::{Host, Reply, repository};
use serde_json::{Value, json};

/// An image out of nothing, saved.
pub(crate) fn empty_image() -> Value {
    json!({
        "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 48, "batch_size": 1, "color": 3_368_601}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "made/of_nothing"}}
    })
}

/// The image `photo.jpg`, inverted and saved.
pub(crate) fn inverted_photo() -> Value {
    json!({
        "1": {"class_type": "LoadImage", "inputs": {"image": "photo.jpg"}},
        "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
        "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "inverted"}}
    })
}

/// The `files` entry of the image that [`inverted_photo`] loads.
pub(crate) fn photo_from(host: &Host) -> Value {
    json!({"/input/photo.jpg": host.url("/photo.jpg")})
}

/// A host that gives the photo for whatever is asked, and knows who has it already.
pub(crate) fn photo_host() -> Host {
    const ETAG: &str = "\"the-photo\"";
    let photo = fs::read(photo()).unwrap();
    Host::start(move |request| match request.header("if-none-match") {
        Some(ETAG) => Reply::status(304).header("etag", ETAG),
        _ => Reply::ok(photo.clone()).header("content-type", "image/jpeg").header("etag", ETAG),
    })
}

/// The photo of the examples.
pub(crate) fn photo() -> PathBuf {
    examples().join("photo.jpg")
}

/// The folder of the examples.
pub(crate) fn examples() -> PathBuf {
    repository().join("docs").join("examples")
}
