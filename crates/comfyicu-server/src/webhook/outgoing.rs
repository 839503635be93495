//! The messages that wait, in memory: which one is next.
//!
//! Each receiver has a queue of its own and a bound on what is on its way to it, so that one that is slow
//! delays no other; one that failed last is tried with one message at a time.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use comfyicu_model::{RunId, Timestamp};
use tokio::sync::Notify;

use crate::clock::after;
use crate::run::EventKind;
use crate::store::DueDelivery;

/// How many messages are on their way at once.
const IN_FLIGHT: usize = 256;
/// How many of them to one receiver.
const PER_RECEIVER: usize = 8;
/// How long the end of a run lets the message of its start go first, when both are to be sent at once.
const COURTESY: Duration = Duration::from_secs(1);

/// The messages that wait.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    state: Mutex<State>,
    pub(super) changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Those whose time has not come.
    later: BTreeMap<(Timestamp, i64), DueDelivery>,
    receivers: HashMap<String, Receiver>,
    /// The receivers that have messages which are due, in the order of their turns.
    turns: VecDeque<String>,
    in_flight: usize,
    /// The runs whose start is being told for the first time: until when their end waits, and what it is.
    starting: HashMap<RunId, (Timestamp, Option<i64>)>,
}

#[derive(Debug, Default)]
struct Receiver {
    due: VecDeque<DueDelivery>,
    in_flight: usize,
    failed_last: bool,
}

impl Outgoing {
    /// Takes in a message.
    pub(crate) fn push(&self, delivery: DueDelivery) {
        self.lock().later.insert((delivery.next_at, delivery.seq), delivery);
        self.changed.notify_one();
    }

    /// The next message to be sent; it is on its way until [`done`](Self::done).
    pub(super) fn next(&self, now: Timestamp) -> Option<DueDelivery> {
        self.lock().next(now)
    }

    /// When a message becomes due that is not yet.
    pub(super) fn wake_at(&self) -> Option<Timestamp> {
        self.lock().later.keys().next().map(|(moment, _)| *moment)
    }

    /// A message arrived at the end of its way; `again` is what is left to be sent of it.
    pub(super) fn done(&self, delivery: &DueDelivery, delivered: bool, again: Option<DueDelivery>) {
        self.lock().done(delivery, delivered);
        if let Some(again) = again {
            self.push(again);
        }
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next(&mut self, now: Timestamp) -> Option<DueDelivery> {
        self.release(now);
        if self.in_flight >= IN_FLIGHT {
            return None;
        }
        for _ in 0..self.turns.len() {
            let name = self.turns.pop_front()?;
            let delivery = self.take(&name, now);
            if self.receivers.get(&name).is_some_and(|receiver| !receiver.due.is_empty()) {
                self.turns.push_back(name);
            }
            let Some(delivery) = delivery else { continue };
            self.in_flight += 1;
            if delivery.event == EventKind::Started && delivery.step == 0 {
                self.starting.insert(delivery.run_id.clone(), (after(now, COURTESY), None));
            }
            return Some(delivery);
        }
        None
    }

    /// The next message to one receiver. The end of a run lets its start go first, for a little while.
    fn take(&mut self, name: &str, now: Timestamp) -> Option<DueDelivery> {
        let receiver = self.receivers.get_mut(name)?;
        let most = if receiver.failed_last { 1 } else { PER_RECEIVER };
        if receiver.in_flight >= most {
            return None;
        }
        while let Some(delivery) = receiver.due.pop_front() {
            match self.starting.get_mut(&delivery.run_id) {
                Some((until, end)) if delivery.event.is_end() && *until > now => {
                    *end = Some(delivery.seq);
                    self.later.insert((*until, delivery.seq), delivery);
                }
                _ => {
                    receiver.in_flight += 1;
                    return Some(delivery);
                }
            }
        }
        None
    }

    /// Lets those go whose time has come.
    fn release(&mut self, now: Timestamp) {
        while let Some(first) = self.later.first_entry()
            && first.key().0 <= now
        {
            let delivery = first.remove();
            self.make_due(delivery);
        }
    }

    fn make_due(&mut self, delivery: DueDelivery) {
        let receiver = self.receivers.entry(delivery.receiver.clone()).or_default();
        if receiver.due.is_empty() {
            self.turns.push_back(delivery.receiver.clone());
        }
        receiver.due.push_back(delivery);
    }

    fn done(&mut self, delivery: &DueDelivery, delivered: bool) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if let Some(receiver) = self.receivers.get_mut(&delivery.receiver) {
            receiver.in_flight = receiver.in_flight.saturating_sub(1);
            receiver.failed_last = !delivered;
            if delivered && receiver.in_flight == 0 && receiver.due.is_empty() {
                self.receivers.remove(&delivery.receiver);
            }
        }
        if delivery.event == EventKind::Started
            && let Some((until, Some(seq))) = self.starting.remove(&delivery.run_id)
            && let Some(end) = self.later.remove(&(until, seq))
        {
            self.make_due(end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_unix_millis(millis)
    }

    fn delivery(seq: i64, run_id: &str, receiver: &str, event: EventKind) -> DueDelivery {
        let run_id = RunId::parse(run_id).unwrap();
        DueDelivery { seq, run_id, receiver: receiver.to_owned(), event, step: 0, next_at: at(0) }
    }

    fn drain(outgoing: &Outgoing, now: i64) -> Vec<i64> {
        std::iter::from_fn(|| outgoing.next(at(now))).map(|delivery| delivery.seq).collect()
    }

    #[test]
    fn receivers_take_turns_and_none_has_more_than_its_share() {
        let outgoing = Outgoing::default();
        for seq in 0..20 {
            outgoing.push(delivery(seq, &format!("r{seq}"), "busy", EventKind::Completed));
        }
        outgoing.push(delivery(99, "r99", "other", EventKind::Completed));
        let sent = drain(&outgoing, 0);
        assert_eq!(sent, [0, 99, 1, 2, 3, 4, 5, 6, 7]);
        outgoing.done(&delivery(0, "r0", "busy", EventKind::Completed), true, None);
        assert_eq!(drain(&outgoing, 0), [8], "one arrived, one more goes");
    }

    #[test]
    fn a_receiver_that_failed_is_tried_with_one_message() {
        let outgoing = Outgoing::default();
        for seq in 0..20 {
            outgoing.push(delivery(seq, &format!("r{seq}"), "down", EventKind::Completed));
        }
        for seq in drain(&outgoing, 0) {
            outgoing.done(&delivery(seq, &format!("r{seq}"), "down", EventKind::Completed), false, None);
        }
        assert_eq!(drain(&outgoing, 0), [8]);
        outgoing.done(&delivery(8, "r8", "down", EventKind::Completed), true, None);
        assert_eq!(drain(&outgoing, 0).len(), 8, "it is back");
    }

    #[test]
    fn many_slow_receivers_leave_room() {
        let outgoing = Outgoing::default();
        for seq in 0..1_000 {
            outgoing.push(delivery(seq, &format!("r{seq}"), &format!("h{seq}"), EventKind::Completed));
        }
        assert_eq!(drain(&outgoing, 0).len(), IN_FLIGHT);
    }

    #[test]
    fn the_start_goes_first_and_holds_the_end_up_for_a_moment_only() {
        for answered in [true, false] {
            let outgoing = Outgoing::default();
            let (start, end) =
                (delivery(1, "r", "h", EventKind::Started), delivery(2, "r", "h", EventKind::Completed));
            outgoing.push(start.clone());
            outgoing.push(end);
            assert_eq!(drain(&outgoing, 0), [1]);
            assert_eq!(outgoing.wake_at(), Some(at(1_000)));
            if answered {
                // Whatever the answer was.
                outgoing.done(
                    &start,
                    false,
                    Some(DueDelivery { step: 1, next_at: at(5_000), ..start.clone() }),
                );
                assert_eq!(drain(&outgoing, 1), [2]);
            } else {
                assert_eq!(drain(&outgoing, 999), Vec::<i64>::new());
                assert_eq!(drain(&outgoing, 1_000), [2]);
            }
        }
    }

    #[test]
    fn what_is_to_be_sent_later_is_sent_later() {
        let outgoing = Outgoing::default();
        let first = delivery(1, "r", "h", EventKind::Started);
        outgoing.push(DueDelivery { next_at: at(70), ..first });
        assert_eq!((drain(&outgoing, 69), outgoing.wake_at()), (Vec::new(), Some(at(70))));
        assert_eq!(drain(&outgoing, 70), [1]);
    }
}
