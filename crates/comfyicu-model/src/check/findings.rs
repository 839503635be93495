//! Findings as they are gathered.

use std::collections::HashMap;

use crate::finding::{Finding, Severity};
use crate::prompt::Prompt;

/// Findings, up to a number that people and memory can take.
#[derive(Debug, Default)]
pub(super) struct Findings {
    found: Vec<Finding>,
    left_out: usize,
    /// The worst of those left out.
    worst: Option<Severity>,
}

/// The most findings about one prompt: nobody reads more, and a hostile prompt could have millions.
const MAX_FINDINGS: usize = 1000;

impl Findings {
    pub(super) fn push(&mut self, finding: Finding) {
        if self.found.len() < MAX_FINDINGS {
            self.found.push(finding);
        } else {
            self.left_out += 1;
            self.worst = self.worst.max(Some(finding.severity));
        }
    }

    /// Adds a finding whose words take time to find; they are not looked for when nobody will see them.
    pub(super) fn push_with(&mut self, severity: Severity, find: impl FnOnce() -> Finding) {
        if self.found.len() < MAX_FINDINGS {
            self.push(Finding { severity, ..find() });
        } else {
            self.left_out += 1;
            self.worst = self.worst.max(Some(severity));
        }
    }

    /// The findings by the place of their nodes in the prompt, those about no node last.
    pub(super) fn in_order_of(mut self, prompt: &Prompt) -> Vec<Finding> {
        // One stable sort by place; findings are few, so that the places of all nodes are seldom needed.
        if !self.found.is_empty() {
            let places: HashMap<&str, usize> =
                prompt.as_object().keys().enumerate().map(|(place, id)| (id, place)).collect();
            let place_of = |finding: &Finding| {
                finding.node_id.as_ref().and_then(|id| places.get(id.as_str()).copied()).unwrap_or(usize::MAX)
            };
            self.found.sort_by_cached_key(place_of);
        }
        if let Some(severity) = self.worst {
            let message = format!("{} more findings are not shown", self.left_out);
            self.found.push(Finding { severity, ..Finding::new("too_many_findings", message) });
        }
        self.found
    }
}
