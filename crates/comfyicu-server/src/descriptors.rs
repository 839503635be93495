//! How many files and sockets this process may have open at once.

/// How many are left for everything that is no connection of a client: files, the database, back ends, webhooks.
const RESERVED: usize = 512;

/// Has the system allow as many as it would, and gives how many connections of clients that leaves room for; `None`
/// where nothing is counted.
pub(crate) fn room_for_connections() -> Option<usize> {
    let most = usize::try_from(raise_limit()?).unwrap_or(usize::MAX);
    // Where there are few, connections get half of them.
    Some(most.saturating_sub(RESERVED).max(most / 2))
}

/// The most that may be open, after what the system starts with was raised to what it allows.
#[cfg(unix)]
fn raise_limit() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    // Some systems allow fewer than they say; then it stays as it was.
    if setrlimit(Resource::Nofile, raised).is_ok() { limit.maximum } else { limit.current }
}

#[cfg(not(unix))]
fn raise_limit() -> Option<u64> {
    None
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_allowed_is_used_and_some_are_left() {
        let Some(most) = raise_limit() else { return };
        assert_eq!(rustix::process::getrlimit(rustix::process::Resource::Nofile).current, Some(most));
        let room = room_for_connections().unwrap() as u64;
        assert!(room < most && room >= most / 2, "{room} of {most}");
    }
}
