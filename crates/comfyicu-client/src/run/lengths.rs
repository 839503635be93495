//! How long runs of a workflow take: learned from those that ended. The service's times only, so that its clock
//! need not be ours.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use comfyicu_model::{Run, WorkflowId};

/// How many runs of a workflow are remembered.
const REMEMBERED: usize = 16;
/// How many workflows are remembered.
const MAX_WORKFLOWS: usize = 512;
/// How often is looked about the end: at most, at least.
const OFTEN: Duration = Duration::from_millis(350);
const SELDOM: Duration = Duration::from_secs(1);
/// How many looks a second there may be over the whole of a run.
const LOOKS_A_SECOND: f64 = 0.8;

/// When runs of a workflow end, counted from their creation, and how often to look then.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Window {
    pub(super) start: Duration,
    pub(super) end: Duration,
    pub(super) interval: Duration,
}

/// The lengths of earlier runs, by workflow.
#[derive(Debug, Default)]
pub(crate) struct Lengths(Mutex<HashMap<WorkflowId, VecDeque<Duration>>>);

impl Lengths {
    /// Learns from a run that has ended well.
    pub(super) fn learn(&self, workflow: &WorkflowId, run: &Run) {
        let (Some(created), Some(completed)) = (run.created_at(), run.completed_at()) else { return };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_WORKFLOWS && !known.contains_key(workflow) {
            known.clear();
        }
        let lengths = known.entry(workflow.clone()).or_default();
        lengths.push_back(completed.since(created));
        if lengths.len() > REMEMBERED {
            lengths.pop_front();
        }
    }

    /// When the next run of a workflow is likely to end.
    pub(super) fn window(&self, workflow: &WorkflowId) -> Option<Window> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        window(known.get(workflow)?)
    }
}

fn window(lengths: &VecDeque<Duration>) -> Option<Window> {
    let (shortest, longest) = (*lengths.iter().min()?, *lengths.iter().max()?);
    // One run says less than many.
    let margin = 0.05 + 0.1 / f64::from(u32::try_from(lengths.len()).unwrap_or(u32::MAX));
    let start = shortest.mul_f64(1.0 - margin).saturating_sub(Duration::from_millis(50));
    let end = longest.mul_f64(1.0 + margin) + Duration::from_millis(300);
    let looks = LOOKS_A_SECOND * longest.as_secs_f64();
    let interval = end.saturating_sub(start).div_f64(looks.max(1.0)).clamp(OFTEN, SELDOM);
    Some(Window { start, end, interval })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(seconds: &[u64]) -> Option<Window> {
        let lengths = Lengths::default();
        let workflow = WorkflowId::parse("w").unwrap();
        for seconds in seconds {
            let run = format!(
                r#"{{"id": "r", "created_at": "2026-01-01T00:00:00.000Z", "completed_at": "2026-01-01T00:00:{seconds:02}.000Z"}}"#
            );
            lengths.learn(&workflow, &Run::parse(run.as_bytes()).unwrap());
        }
        lengths.learn(&workflow, &Run::parse(br#"{"id": "r"}"#).unwrap());
        lengths.window(&workflow)
    }

    #[test]
    fn runs_that_take_the_same_are_awaited_closely() {
        let window = learned(&[20; 20]).unwrap();
        assert!(window.start > Duration::from_secs(18) && window.end < Duration::from_secs(22), "{window:?}");
        assert_eq!(window.interval, OFTEN);
    }

    #[test]
    fn runs_that_differ_are_awaited_at_the_usual_pace() {
        assert_eq!(learned(&[1, 10, 30, 20]).unwrap().interval, SELDOM);
        assert_eq!(learned(&[]), None);
    }

    #[test]
    fn what_is_long_ago_is_forgotten() {
        let lengths: Vec<u64> = std::iter::once(1).chain(std::iter::repeat_n(20, REMEMBERED)).collect();
        assert!(learned(&lengths).unwrap().start > Duration::from_secs(15));
    }
}
