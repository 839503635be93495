//! Memory: what does not fit fails at its node, before anything runs where that is known.

use super::*;

#[tokio::test]
async fn what_does_not_fit_into_memory_fails_at_its_node() {
    // The image of PROMPT takes 2 × 2 × 3 × 4 = 48 bytes, and its inversion as many.
    let limits = MemoryLimits { run_bytes: 95, total_bytes: 1 << 20, cache_bytes: 1 << 20 };
    let run = |limits: MemoryLimits| async move {
        let (executor, cancel) = (NativeExecutor::with_limits(limits), CancellationToken::new());
        let first = executor.execute(job(PROMPT), &NoEvents, &MemoryOutputs::default(), &cancel).await;
        // What was held is given back, however a run ended.
        let second = executor.execute(job(PROMPT), &NoEvents, &MemoryOutputs::default(), &cancel).await;
        assert_eq!(first.is_ok(), second.is_ok());
        first
    };
    let Err(ExecutionError::Node(failure)) = run(limits).await else { panic!("it ran") };
    assert_eq!((failure.node_id.as_str(), &*failure.exception_type), ("2", "MemoryError"));
    assert!(failure.message.contains("a run may hold 95 at once"), "{}", failure.message);
    run(MemoryLimits { run_bytes: 96, ..limits }).await.unwrap();
    let Err(ExecutionError::Node(failure)) =
        run(MemoryLimits { run_bytes: 1 << 20, total_bytes: 95, ..limits }).await
    else {
        panic!("it ran")
    };
    assert!(failure.message.contains("all runs together may hold 95 at once"), "{}", failure.message);
}

#[tokio::test]
async fn what_is_needed_at_once_is_summed_before_anything_runs() {
    // An image of 100×100 pixels takes 120 000 bytes. Node 9 would be saved before the others are made.
    let blur = |id: &str, of: &str| {
        format!(
            r#""{id}": {{"class_type": "ImageBlur", "inputs": {{"image": ["{of}", 0], "blur_radius": 1, "sigma": 1.0}}}}"#
        )
    };
    let first = r#""1": {"class_type": "EmptyImage", "inputs": {"width": 100, "height": 100, "batch_size": 1, "color": 0}},
        "9": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}"#;
    let save =
        |of: &str| format!(r#""8": {{"class_type": "PreviewImage", "inputs": {{"images": ["{of}", 0]}}}}"#);
    let both = r#""4": {"class_type": "ImageBatch", "inputs": {"image1": ["2", 0], "image2": ["3", 0]}}"#;
    let limits = MemoryLimits { run_bytes: 300_000, total_bytes: 1 << 20, cache_bytes: 0 };
    let run = |nodes: Vec<String>| async move {
        let (executor, outputs) = (NativeExecutor::with_limits(limits), MemoryOutputs::default());
        let job = job(&format!("{{{}}}", nodes.join(", ")));
        let result = executor.execute(job, &NoEvents, &outputs, &CancellationToken::new()).await;
        (result, outputs.take().len())
    };
    let (result, saved) =
        run(vec![first.into(), blur("2", "1"), blur("3", "1"), both.into(), save("4")]).await;
    let Err(ExecutionError::Node(failure)) = result else { panic!("{result:?}") };
    assert_eq!((failure.node_id.as_str(), saved), ("2", 0), "of both, node 3 is made first");
    insta::assert_snapshot!(failure.message, @"120000 more bytes cannot be held: a run may hold 300000 at once, and holds 240000");
    // One after the other there are two at once.
    let (result, saved) = run(vec![first.into(), blur("2", "1"), blur("3", "2"), save("3")]).await;
    assert!(result.is_ok() && saved == 2, "{result:?}");
}

#[tokio::test]
async fn runs_wait_for_memory_that_others_hold() {
    // Each needs twice 1.2 MB at once.
    let prompt = r#"{
        "1": {"class_type": "EmptyImage", "inputs": {"width": 400, "height": 250, "batch_size": 1, "color": 7}},
        "2": {"class_type": "ImageBlur", "inputs": {"image": ["1", 0], "blur_radius": 3, "sigma": 1.0}},
        "3": {"class_type": "PreviewImage", "inputs": {"images": ["2", 0]}}
    }"#;
    let executor = NativeExecutor::with_limits(MemoryLimits {
        run_bytes: 3_000_000,
        total_bytes: 3_000_000,
        cache_bytes: 0,
    });
    let (outputs, cancel) = (MemoryOutputs::default(), CancellationToken::new());
    let runs = (0..4).map(|_| executor.execute(job(prompt), &NoEvents, &outputs, &cancel));
    let results = futures_util::future::join_all(runs).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(outputs.take().len(), 4);
}
