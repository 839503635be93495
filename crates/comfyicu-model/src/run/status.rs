//! The status of a run.

use std::fmt;

/// How far a run is. A status that this version does not know is kept, and is not terminal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RunStatus {
    /// Accepted and waiting (documented).
    Queued,
    /// Being executed (documented).
    Started,
    /// Being executed; seen in client programs of the hosted service.
    Running,
    /// Ended, with outputs (documented).
    Completed,
    /// Ended, without success (documented).
    Error,
    /// Ended because it was asked to. An extension of the self-hosted server.
    Cancelled,
    /// Ended because the account had nothing left; seen in client programs of the hosted service.
    InsufficientCredit,
    /// A status that this version does not know.
    Other(Box<str>),
}

impl RunStatus {
    /// The status on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Queued => "QUEUED",
            Self::Started => "STARTED",
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Error => "ERROR",
            Self::Cancelled => "CANCELLED",
            Self::InsufficientCredit => "INSUFFICIENT_CREDIT",
            Self::Other(status) => status,
        }
    }

    /// Whether the run has ended, one way or another.
    pub const fn is_terminal(&self) -> bool {
        matches!(self, Self::Completed | Self::Error | Self::Cancelled | Self::InsufficientCredit)
    }
}

impl From<&str> for RunStatus {
    fn from(status: &str) -> Self {
        match status {
            "QUEUED" => Self::Queued,
            "STARTED" => Self::Started,
            "RUNNING" => Self::Running,
            "COMPLETED" => Self::Completed,
            "ERROR" => Self::Error,
            "CANCELLED" => Self::Cancelled,
            "INSUFFICIENT_CREDIT" => Self::InsufficientCredit,
            other => Self::Other(other.into()),
        }
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_goes_through_and_says_whether_it_is_the_end() {
        let all = [
            "QUEUED",
            "STARTED",
            "RUNNING",
            "COMPLETED",
            "ERROR",
            "CANCELLED",
            "INSUFFICIENT_CREDIT",
            "PAUSED",
        ];
        let terminal: Vec<_> = all.iter().filter(|status| RunStatus::from(**status).is_terminal()).collect();
        assert_eq!(terminal, [&"COMPLETED", &"ERROR", &"CANCELLED", &"INSUFFICIENT_CREDIT"]);
        for status in all {
            assert_eq!(RunStatus::from(status).as_str(), status);
        }
    }
}
