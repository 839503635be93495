//! Several ComfyUIs: which of them gets a run, when one gets none, and what it costs.

use super::*;

/// A picture of one colour, saved, and what a ComfyUI has to know for it.
fn picture() -> (RecordedPrompt, Value) {
    let definitions = json!({
        "EmptyImage": {"input": {"required": {}}, "output": ["IMAGE"], "output_node": false},
        "SaveImage": {"input": {"required": {"images": ["IMAGE"]}}, "output": [], "output_node": true}
    });
    (recorded("0.3.75 h_outputs: filename_prefix with tokens"), definitions)
}

fn comfy(fault: ComfyFault) -> FakeComfy {
    let (recorded, definitions) = picture();
    FakeComfy::start(vec![recorded], &definitions, fault)
}

fn backend(comfy: &FakeComfy) -> ComfyBackend {
    ComfyBackend::new(comfy.url().parse().unwrap())
}

async fn over(backends: &[ComfyBackend]) -> ComfyExecutor {
    ComfyExecutor::connect(backends).await.unwrap().remove(0)
}

async fn run_picture(executor: &ComfyExecutor) {
    run(executor, job(&picture().0, InputFiles::default())).await.result.unwrap();
}

fn asked(comfy: &FakeComfy, line: &str) -> usize {
    comfy.seen().iter().filter(|seen| seen.starts_with(line)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_run_uses_what_the_last_one_opened_and_asks_for_no_more_than_it_needs() {
    let comfy = comfy(ComfyFault::None);
    let executor = over(&[backend(&comfy)]).await;
    for _ in 0..3 {
        run_picture(&executor).await;
    }
    assert_eq!(asked(&comfy, "GET /ws"), 1, "{:?}", comfy.seen());
    assert_eq!(asked(&comfy, "GET /history"), 0, "the messages said it all: {:?}", comfy.seen());
    assert_eq!(
        (asked(&comfy, "GET /object_info"), asked(&comfy, "POST /prompt"), asked(&comfy, "GET /view")),
        (1, 3, 3)
    );
    assert_eq!(comfy.complaints(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comfyui_that_others_use_gets_a_run_last_and_their_prompts_are_left_alone() {
    let (busy, idle) = (comfy(ComfyFault::Busy(3)), comfy(ComfyFault::None));
    let executor = over(&[backend(&busy), backend(&idle)]).await;
    for _ in 0..3 {
        run_picture(&executor).await;
    }
    assert_eq!((busy.submitted().len(), idle.submitted().len()), (0, 3));
    let alone = over(&[backend(&busy)]).await;
    run_picture(&alone).await;
    assert_eq!(asked(&busy, "POST /interrupt") + asked(&busy, "POST /queue") + asked(&busy, "POST /free"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_where_its_models_are() {
    let recorded = recorded("0.3.75 k1_ksampler: no previews");
    let (one, other) = (playing(&recorded, ComfyFault::None), playing(&recorded, ComfyFault::None));
    let executor = executor(&[&one, &other]).await;
    let plain = || async { run(&executor, job(&recorded, InputFiles::default())).await.result.unwrap() };
    for _ in 0..3 {
        plain().await;
    }
    let mut counts = [one.submitted().len(), other.submitted().len()];
    counts.sort_unstable();
    assert_eq!(counts, [0, 3], "the model was loaded once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_where_its_nodes_are_known() {
    let (recorded, whole) = picture();
    let part = json!({"SaveImage": whole["SaveImage"]});
    let lacks = FakeComfy::start(vec![recorded.clone()], &part, ComfyFault::None);
    let has = FakeComfy::start(vec![recorded], &whole, ComfyFault::None);
    let executor = over(&[backend(&lacks), backend(&has)]).await;
    let all = executor.object_info().await.unwrap();
    assert!(all.definition("EmptyImage").is_some(), "what one of them has, runs may use");
    for _ in 0..2 {
        run_picture(&executor).await;
    }
    assert_eq!((lacks.submitted().len(), has.submitted().len()), (0, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comfyui_gets_nothing_new_for_as_long_as_a_file_says_so() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("drain");
    std::fs::write(&file, "").unwrap();
    let (one, other) = (comfy(ComfyFault::None), comfy(ComfyFault::None));
    let executor = over(&[backend(&one).drain_file(&file), backend(&other)]).await;
    run_picture(&executor).await;
    assert_eq!((one.submitted().len(), other.submitted().len()), (0, 1));
    std::fs::remove_file(&file).unwrap();
    run_picture(&executor).await;
    assert_eq!((one.submitted().len(), other.submitted().len()), (1, 1));
    assert!(executor.drain(&one.url().parse().unwrap()) && !executor.drain(&"http://x".parse().unwrap()));
    run_picture(&executor).await;
    assert_eq!((one.submitted().len(), other.submitted().len()), (1, 2));
    assert!(executor.resume(&one.url().parse().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_has_nothing_to_do_is_asked_for_its_memory_and_a_busy_one_is_not() {
    let idle = Duration::from_millis(20);
    let (comfy, busy) = (comfy(ComfyFault::None), comfy(ComfyFault::Busy(1)));
    for comfy in [&comfy, &busy] {
        run_picture(&over(&[backend(comfy).free_after(idle)]).await).await;
    }
    let executor = over(&[backend(&comfy).free_after(idle)]).await;
    run_picture(&executor).await;
    eventually("a word about memory", || (asked(&comfy, "POST /free") > 0).then_some(()));
    let executor = over(&[backend(&busy).free_after(idle)]).await;
    run_picture(&executor).await;
    eventually("looks at the queue", || (asked(&busy, "GET /queue") >= 3).then_some(()));
    assert_eq!(asked(&busy, "POST /free"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_ran_out_of_memory_is_asked_for_it_at_once() {
    let recorded = recorded("0.3.75 c2_error_runtime: ImageScale to a size that cannot be allocated");
    let comfy = playing(&recorded, ComfyFault::None);
    let folder = TempDir::new().unwrap();
    let ran = run(&executor(&[&comfy]).await, job(&recorded, inputs(&recorded, &folder))).await;
    let Err(ExecutionError::Node(failure)) = ran.result else { panic!("{:?}", ran.result) };
    assert!(failure.message.contains("ran out of memory"), "{failure:?}");
    eventually("a word about memory", || (asked(&comfy, "POST /free") == 1).then_some(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_begun_when_a_comfyui_has_room_and_not_before() {
    let comfy = comfy(ComfyFault::None);
    let executor = over(&[backend(&comfy)]).await;
    let tickets = [executor.ready().await, executor.ready().await];
    assert!(tokio::time::timeout(Duration::ZERO, executor.ready()).await.is_err(), "it takes two at once");
    drop(tickets);
    let first = executor.ready().await;
    let job = job(&picture().0, InputFiles::default()).ticket(first);
    run(&executor, job).await.result.unwrap();
    let _again = [executor.ready().await, executor.ready().await];
}
