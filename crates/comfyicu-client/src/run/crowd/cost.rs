//! Whether a list is less to carry than a look at each run. Pure: the moment comes in.

use std::time::Duration;

use tokio::time::Instant;

/// What a request and the heads of both messages come to, in bytes, about.
const EXCHANGE_BYTES: f64 = 1500.0;
/// How many waits make a first list worth its while where nobody knows how long it is.
const ENOUGH_TO_TRY: usize = 8;
/// The same where it can be asked for no more than so many runs.
const ENOUGH_OF_PAGES: usize = 2;
/// How long a list that did not pay, or that there was none, is believed.
const BELIEVED: Duration = Duration::from_secs(5 * 60);

/// What lists have cost so far.
#[derive(Debug, Default)]
pub(super) struct Cost {
    last: Option<Listed>,
    useless_since: Option<Instant>,
}

/// A list that was got.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listed {
    pub(super) at: Instant,
    pub(super) bytes: usize,
    /// How many runs it had.
    pub(super) items: usize,
    /// How many waits it spared a look.
    pub(super) found: usize,
    /// How far down the last run stood that somebody waits for.
    pub(super) depth: usize,
    /// How many waits there were.
    pub(super) waits: usize,
    /// Whether it was asked to have no more runs than needed.
    pub(super) has_pages: bool,
}

impl Cost {
    pub(super) const fn listed(&mut self, listed: Listed) {
        self.last = Some(listed);
    }

    /// There is no list, or none that can be used.
    pub(super) const fn is_useless(&mut self, now: Instant) {
        self.useless_since = Some(now);
    }

    /// Whether a list is likely to be fewer bytes than the looks that it spares.
    pub(super) fn pays(&self, waits: usize, has_pages: bool, now: Instant) -> bool {
        let is_recent = |at: Instant| now.saturating_duration_since(at) < BELIEVED;
        if waits < if has_pages { ENOUGH_OF_PAGES } else { ENOUGH_TO_TRY } {
            return false;
        }
        if self.useless_since.is_some_and(is_recent) {
            return false;
        }
        self.last.filter(|last| is_recent(last.at)).is_none_or(|last| last.would_pay(waits))
    }

    /// How many runs a list has to have, so that those that are waited for are among them.
    pub(super) fn depth(&self, waits: usize) -> usize {
        match self.last {
            // Those that came since are on top.
            Some(last) if last.found > 0 => last.depth.max(last.found) + waits.saturating_sub(last.found),
            _ => waits,
        }
    }
}

impl Listed {
    /// Whether the same list for so many waits would be fewer bytes than a look each.
    fn would_pay(&self, waits: usize) -> bool {
        let growth = float(waits) / float(self.waits.max(1));
        let a_run = float(self.bytes) / float(self.items.max(1));
        let found = float(self.found) * growth;
        let (list, found) = if self.has_pages {
            // Only as long as it has to be.
            (a_run * float(self.depth.max(1)).max(found), found)
        } else {
            (float(self.bytes), found.min(float(self.items)))
        };
        list + EXCHANGE_BYTES <= found * (a_run + EXCHANGE_BYTES)
    }
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of so many runs of 8 KB, some of which are waited for.
    fn listed(items: usize, found: usize, waits: usize, has_pages: bool) -> (Cost, Instant) {
        let at = Instant::now();
        let depth = items;
        let last = Listed { at, bytes: items * 8000, items, found, depth, waits, has_pages };
        (Cost { last: Some(last), useless_since: None }, at)
    }

    #[test]
    fn a_first_list_is_tried_when_it_can_pay() {
        let (cost, now) = (Cost::default(), Instant::now());
        assert_eq!([7, 8].map(|waits| cost.pays(waits, false, now)), [false, true]);
        assert_eq!([1, 2].map(|waits| cost.pays(waits, true, now)), [false, true]);
        assert_eq!(cost.depth(30), 30);
    }

    #[test]
    fn a_page_of_other_runs_does_not_pay_until_enough_wait() {
        let (cost, now) = listed(100, 8, 8, false);
        let pays = [8, 50, 83, 85, 100, 1000].map(|waits| cost.pays(waits, false, now));
        assert_eq!(pays, [false, false, false, true, true, true]);
        assert!(cost.pays(8, false, now + BELIEVED), "it is tried again after a while");
    }

    #[test]
    fn a_list_of_no_more_than_the_runs_pays_until_most_of_them_have_ended() {
        let (cost, now) = listed(40, 40, 40, true);
        assert!(cost.pays(40, true, now) && cost.pays(2000, true, now));
        let (cost, now) = listed(40, 30, 30, true);
        assert!(!cost.pays(30, true, now), "a quarter of it is of no use");
        assert_eq!((cost.depth(30), cost.depth(35)), (40, 45));
    }

    #[test]
    fn where_there_is_no_list_nobody_asks_for_a_while() {
        let (mut cost, now) = listed(40, 40, 40, true);
        cost.is_useless(now);
        assert!(!cost.pays(40, true, now) && cost.pays(40, true, now + BELIEVED));
    }
}
