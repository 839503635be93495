//! What happens right now, for those who watch: nothing of it is kept here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use comfyicu_engine::{Event, EventSink};
use comfyicu_model::{NodeId, OutputPath};
use tokio::sync::broadcast;

use crate::run::LifecycleEvent;
use crate::store::{RunKey, Scope};

/// How many events a watcher may be behind; beyond it, it reads up on what was written down.
const CAPACITY: usize = 256;

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
    /// It saved a file, which is shown once the run is complete.
    Output { node_id: NodeId, path: OutputPath },
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

    /// What an execution tells its progress to.
    pub(crate) fn of_run(&self, key: RunKey) -> RunProgress {
        RunProgress { live: self.clone(), key }
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
}

impl RunProgress {
    /// Tells that a file was saved.
    pub(crate) fn saved(&self, node_id: &NodeId, path: &OutputPath) {
        self.send(|| Step::Output { node_id: node_id.clone(), path: path.clone() });
    }

    fn send(&self, step: impl Fn() -> Step) {
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
            // An executor may know more than is told here.
            _ => {}
        }
    }
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
    fn who_is_slow_is_told_so_and_holds_up_nobody() {
        let live = Live::default();
        let mut slow = live.watch(Scope::Run(RunId::parse("r1").unwrap()));
        for _ in 0..=CAPACITY {
            live.of_run(key("r1")).emit(node());
        }
        assert!(matches!(slow.receiver.try_recv(), Err(broadcast::error::TryRecvError::Lagged(1))));
    }
}
