//! What comes before a submit: the check, and the files of this machine.

use std::sync::Arc;

use comfyicu_client::ErrorKind;
use comfyicu_model::{DestPath, Prompt};
use comfyicu_tests::{Fault, PATIENCE};

use crate::faults::{Bench, Mode, prompt};
use crate::prompts::{inverted_photo, photo};

fn photo_prompt() -> Prompt {
    Prompt::parse(inverted_photo().to_string().as_bytes()).unwrap()
}

/// How many requests of a kind the server got.
fn count(bench: &Bench, request: &str) -> usize {
    bench.proxy.seen().iter().filter(|seen| seen.starts_with(request)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_the_server_would_refuse_is_never_sent() {
    let bench = Bench::new(Mode::Own, |_, _| Fault::None);
    let definitions = bench.client.cached_object_info().await.unwrap();
    let mut broken = prompt();
    broken.set("1.width", -1_i64).unwrap();
    broken.set("2.images", "no link").unwrap();
    let error = bench.workflow().run(broken).check(Arc::clone(&definitions)).await.unwrap_err();
    assert!(error.is_rejected());
    let inputs: Vec<_> = error.findings().iter().filter_map(|finding| finding.input.as_deref()).collect();
    assert_eq!(inputs, ["width", "images"]);
    assert_eq!((bench.runs(), count(&bench, "POST")), (0, 0));

    let run = bench.workflow().run(prompt()).check(definitions).await.unwrap();
    run.wait().max_wait(PATIENCE).await.unwrap();
    assert_eq!(count(&bench, "GET /api/v1/object_info"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn local_files_are_handed_over_once() {
    let bench = Bench::new(Mode::Own, |_, _| Fault::None);
    let definitions = bench.client.cached_object_info().await.unwrap();
    for _ in 0..2 {
        let submit = bench.workflow().run(photo_prompt()).check(Arc::clone(&definitions));
        let run = submit.local_file(DestPath::input("photo.jpg").unwrap(), photo()).await.unwrap();
        let run = run.wait().max_wait(PATIENCE).await.unwrap();
        assert_eq!(run.output().files().len(), 1);
    }
    assert_eq!(count(&bench, "POST /api/v1/uploads"), 1);
    // Without the file, the check knows that the run would fail.
    let error = bench.workflow().run(photo_prompt()).check(definitions).await.unwrap_err();
    assert_eq!(error.findings()[0].input.as_deref(), Some("image"));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_are_no_uploads_the_error_names_the_file_and_says_what_to_do() {
    let bench = Bench::new(Mode::Hosted, |_, _| Fault::None);
    let submit = bench.workflow().run(photo_prompt());
    let error = submit.local_file(DestPath::input("photo.jpg").unwrap(), photo()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let text = error.to_string();
    assert!(text.contains("photo.jpg` cannot be sent along as `/input/photo.jpg`"), "{text}");
    assert!(text.contains("put the file where a URL leads to it, and give that URL"), "{text}");
    assert_eq!(bench.runs(), 0);
    assert_eq!(bench.client.cached_object_info().await.unwrap_err().kind(), ErrorKind::Unsupported);
}
