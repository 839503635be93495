//! What a ComfyUI can do wrong.

/// What goes wrong, once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ComfyFault {
    /// Nothing.
    #[default]
    None,
    /// The WebSocket breaks after so many messages of a prompt; what it misses is not sent again.
    DropSocket(usize),
    /// There is no WebSocket at all.
    NoSocket,
    /// ComfyUI ends after so many messages of a prompt, and is started again: it has forgotten everything.
    Restart(usize),
    /// So many times the history of a prompt that has ended is still empty.
    LateHistory(usize),
    /// Every message comes twice.
    Double,
    /// Each two messages come in the wrong order.
    Reorder,
    /// The first so many requests to this path are answered with status 500.
    Trouble(&'static str, usize),
    /// The answer to the prompt does not arrive, and the prompt does.
    LostAnswer,
    /// The history is empty for good: somebody clears it.
    NoHistory,
    /// Prompts wait until they are released.
    Hold,
    /// The message that comes last, after that of the success, waits until it is released.
    HoldEnd,
    /// The answer to a prompt comes after all its messages.
    LateAnswer,
    /// After so many messages of a prompt the WebSocket is silent, and does not close: somebody took its place.
    SilentSocket(usize),
    /// There is no WebSocket, and so many times the history of a prompt that has ended is still empty.
    NoSocketAndLateHistory(usize),
    /// Requests to this path are answered with status 413.
    TooLarge(&'static str),
    /// So many prompts of others are in its queue.
    Busy(usize),
    /// A prompt that is submitted waits behind somebody else's, and never runs.
    Pending,
}
