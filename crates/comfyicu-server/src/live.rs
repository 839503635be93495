//! What happens right now, for those who watch: nothing of it is kept here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use comfyicu_engine::{Event, EventSink};
use comfyicu_model::json::Object;
use comfyicu_model::{Finding, NodeId, OutputPath};
use tokio::sync::broadcast;

use crate::run::LifecycleEvent;
use crate::store::{RunKey, Scope};

/// How many events a watcher may be behind; beyond it, it reads up on what was written down.
const CAPACITY: usize = 256;
/// The most bytes of a preview; samplers send some 100 KiB.
const MAX_PREVIEW_BYTES: usize = 1024 * 1024;
/// The most characters that are told of a text that a node shows.
const MAX_TEXT_CHARS: usize = 16 * 1024;
/// The most that is told of what does not run.
const MAX_WARNINGS: usize = 100;

/// Something that happened.
#[derive(Clone, Debug)]
pub(crate) enum LiveEvent {
    /// A change of a run, which is on disk.
    Lifecycle(LifecycleEvent),
    /// How an execution goes on. Only the newest matters.
    Progress(Arc<Progress>),
}

/// How an execution goes on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Progress {
    pub(crate) key: RunKey,
    pub(crate) step: Step,
}

/// What an execution did last.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// It began with a node.
    Node { node_id: NodeId, class_type: String, done: usize, total: usize },
    /// It went on within a node.
    Progress { node_id: NodeId, value: u64, max: u64 },
    /// So much of the whole run is done.
    Overall { percent: u8 },
    /// A node does not run: its results are known.
    Cached { node_id: NodeId },
    /// A node shows texts.
    Texts { node_id: NodeId, texts: Vec<String> },
    /// How an image looks by now.
    Preview(Latest),
    /// Something does not run, and the rest does.
    Warning { code: &'static str, findings: Vec<Object> },
    /// It saved a file, which is shown once the run is complete.
    Output { node_id: NodeId, path: OutputPath },
}

/// The newest preview of a run: whoever is slow gets this one, and the older ones are gone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latest(Arc<Mutex<Option<Preview>>>);

/// How an image looks by now.
#[derive(Clone, Debug)]
pub(crate) struct Preview {
    pub(crate) node_id: NodeId,
    pub(crate) content_type: &'static str,
    pub(crate) image: Bytes,
}

impl Latest {
    pub(crate) fn get(&self) -> Option<Preview> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, preview: Preview) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(preview);
    }
}

impl PartialEq for Latest {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// Brings events to those who watch. Clones share the watchers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Live {
    watchers: Arc<Mutex<HashMap<Scope, broadcast::Sender<LiveEvent>>>>,
}

impl Live {
    /// Watches a run or a workflow from now on.
    pub(crate) fn watch(&self, scope: Scope) -> Watch {
        let receiver =
            self.lock().entry(scope.clone()).or_insert_with(|| broadcast::channel(CAPACITY).0).subscribe();
        Watch { live: self.clone(), scope, receiver }
    }

    /// Tells of a change that was committed.
    pub(crate) fn tell(&self, event: &LifecycleEvent) {
        self.send(&event.run, || LiveEvent::Lifecycle(event.clone()));
    }

    /// What an execution that has begun tells its progress to.
    #[cfg(test)]
    pub(crate) fn of_run(&self, key: RunKey) -> Arc<RunProgress> {
        self.progress(key, None)
    }

    /// What an execution tells its progress to. It is not yet told that the run has started: until it
    /// [begins](RunProgress::begin), nothing is.
    pub(crate) fn of_run_to_come(&self, key: RunKey) -> Arc<RunProgress> {
        self.progress(key, Some(Vec::new()))
    }

    fn progress(&self, key: RunKey, held: Option<Vec<Step>>) -> Arc<RunProgress> {
        Arc::new(RunProgress {
            live: self.clone(),
            key,
            held: Mutex::new(held),
            preview: Latest::default(),
            warnings: Mutex::default(),
        })
    }

    fn send(&self, key: &RunKey, event: impl Fn() -> LiveEvent) {
        let watchers = self.lock();
        if watchers.is_empty() {
            return;
        }
        for scope in [Scope::Run(key.run_id.clone()), Scope::Workflow(key.workflow())] {
            if let Some(sender) = watchers.get(&scope) {
                // The last watcher may be on its way out.
                let _gone = sender.send(event());
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Scope, broadcast::Sender<LiveEvent>>> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A watch of one run or workflow. Dropped, it ends.
#[derive(Debug)]
pub(crate) struct Watch {
    live: Live,
    scope: Scope,
    pub(crate) receiver: broadcast::Receiver<LiveEvent>,
}

impl Watch {
    pub(crate) const fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut watchers = self.live.lock();
        // This one still counts.
        if watchers.get(&self.scope).is_some_and(|sender| sender.receiver_count() <= 1) {
            watchers.remove(&self.scope);
        }
    }
}

/// Takes the progress of one run.
#[derive(Debug)]
pub(crate) struct RunProgress {
    live: Live,
    key: RunKey,
    /// What is to be told once the run has started.
    held: Mutex<Option<Vec<Step>>>,
    preview: Latest,
    warnings: Mutex<Vec<Object>>,
}

impl RunProgress {
    /// Tells that a file was saved.
    pub(crate) fn saved(&self, node_id: &NodeId, path: &OutputPath) {
        self.send(|| Step::Output { node_id: node_id.clone(), path: path.clone() });
    }

    /// What was not executed, as far as it was told.
    pub(crate) fn warnings(&self) -> Vec<Object> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Something does not run: it is told, and stands on the run later.
    fn warn(&self, code: &'static str, findings: &[Finding]) {
        let findings: Vec<Object> = findings.iter().take(MAX_WARNINGS).map(Finding::to_object).collect();
        self.send(|| Step::Warning { code, findings: findings.clone() });
        let mut warnings = self.warnings.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MAX_WARNINGS.saturating_sub(warnings.len());
        warnings.extend(findings.into_iter().take(room));
    }

    /// Tells what was held back, and from now on everything at once.
    pub(crate) fn begin(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        for step in held.take().into_iter().flatten() {
            self.tell(|| step.clone());
        }
    }

    fn send(&self, step: impl Fn() -> Step) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match held.as_mut() {
            // It is for the time of a commit.
            Some(held) if held.len() < CAPACITY => held.push(step()),
            Some(_) => {}
            None => {
                drop(held);
                self.tell(step);
            }
        }
    }

    fn tell(&self, step: impl Fn() -> Step) {
        self.live.send(&self.key, || {
            LiveEvent::Progress(Arc::new(Progress { key: self.key.clone(), step: step() }))
        });
    }
}

impl EventSink for RunProgress {
    fn emit(&self, event: Event) {
        match event {
            Event::NodeStarted { node_id, class_type, done, total } => self.send(|| Step::Node {
                node_id: node_id.clone(),
                class_type: class_type.clone(),
                done,
                total,
            }),
            Event::Progress { node_id, value, max } => {
                self.send(|| Step::Progress { node_id: node_id.clone(), value, max });
            }
            Event::Overall { percent } => self.send(|| Step::Overall { percent }),
            Event::NodeCached { node_id } => self.send(|| Step::Cached { node_id: node_id.clone() }),
            Event::NodeTexts { node_id, texts } => {
                let texts: Vec<String> = texts.iter().map(|text| excerpt(text)).collect();
                self.send(|| Step::Texts { node_id: node_id.clone(), texts: texts.clone() });
            }
            Event::Preview { node_id, content_type, image } if image.len() <= MAX_PREVIEW_BYTES => {
                self.preview.set(Preview { node_id, content_type, image });
                self.send(|| Step::Preview(self.preview.clone()));
            }
            Event::OutputsRefused { findings } => self.warn("outputs_refused", &findings),
            Event::NodeBlocked { node_id, message } => {
                self.warn(
                    "node_blocked",
                    &[Finding::warning("node_blocked", message).at_node(node_id, None)],
                );
            }
            // An executor may know more than is told here.
            _ => {}
        }
    }
}

/// The beginning of a text.
fn excerpt(text: &str) -> String {
    text.chars().take(MAX_TEXT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use comfyicu_model::{RunId, WorkflowId};

    use super::*;
    use crate::owner::Owner;

    fn key(run_id: &str) -> RunKey {
        RunKey {
            owner: Owner::local(),
            workflow_id: WorkflowId::parse("w1").unwrap(),
            run_id: RunId::parse(run_id).unwrap(),
        }
    }

    fn node() -> Event {
        Event::NodeStarted { node_id: "1".into(), class_type: "X".to_owned(), done: 0, total: 1 }
    }

    #[tokio::test]
    async fn each_watcher_hears_of_its_own_run_or_workflow() {
        let live = Live::default();
        live.of_run(key("r1")).emit(node());
        let mut one = live.watch(Scope::Run(RunId::parse("r1").unwrap()));
        let all = live.watch(Scope::Workflow(key("r1").workflow()));
        for run_id in ["r1", "r2"] {
            live.of_run(key(run_id)).emit(node());
        }
        assert!(matches!(one.receiver.recv().await, Ok(LiveEvent::Progress(p)) if p.key == key("r1")));
        assert!(one.receiver.is_empty());
        assert_eq!(all.receiver.len(), 2);
        drop((one, all));
        assert!(live.lock().is_empty(), "nobody watches, nothing is kept");
    }

    #[test]
    fn only_the_newest_preview_is_kept_and_what_does_not_run_is_noted() {
        let live = Live::default();
        let mut watch = live.watch(Scope::Run(RunId::parse("r1").unwrap()));
        let progress = live.of_run(key("r1"));
        let preview = |image: Vec<u8>| Event::Preview {
            node_id: "3".into(),
            content_type: "image/jpeg",
            image: image.into(),
        };
        for image in [vec![1], vec![2], vec![0; MAX_PREVIEW_BYTES + 1]] {
            progress.emit(preview(image));
        }
        for _ in 0..2 {
            let Ok(LiveEvent::Progress(told)) = watch.receiver.try_recv() else { panic!("a preview") };
            let Step::Preview(latest) = &told.step else { panic!("{told:?}") };
            assert_eq!(latest.get().map(|preview| preview.image.to_vec()), Some(vec![2]));
        }
        assert!(watch.receiver.is_empty(), "one that is too large is not told");
        for number in 0..=MAX_WARNINGS {
            progress
                .emit(Event::NodeBlocked { node_id: number.to_string().into(), message: "no".to_owned() });
        }
        assert_eq!(progress.warnings().len(), MAX_WARNINGS);
    }

    #[test]
    fn who_is_slow_is_told_so_and_holds_up_nobody() {
        let live = Live::default();
        let mut slow = live.watch(Scope::Run(RunId::parse("r1").unwrap()));
        for _ in 0..=CAPACITY {
            live.of_run(key("r1")).emit(node());
        }
        assert!(matches!(slow.receiver.try_recv(), Err(broadcast::error::TryRecvError::Lagged(1))));
    }
}
