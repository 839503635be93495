//! The bounds of what is taken from a ComfyUI, which may be anybody's: far above what it sends, far below what
//! would hurt.

use std::time::Duration;

use comfyicu_model::json::Limits;

/// The most bytes of an answer in JSON. The node definitions of a large installation have 20 MiB; `/queue` and
/// `/history` repeat whole prompts.
pub(super) const JSON_BYTES: usize = 64 * 1024 * 1024;
/// How deep an answer may be nested; a prompt in it takes a dozen levels.
pub(super) const JSON_DEPTH: usize = 200;
/// The most bytes of an answer that is only an error.
pub(super) const ERROR_BYTES: usize = 4 * 1024 * 1024;
/// The most characters of a plain text that is quoted in an error.
pub(super) const QUOTED_CHARS: usize = 300;
/// How long a call may take, its answer included. While a node holds Python's lock, ComfyUI answers nothing.
pub(super) const CALL_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a WebSocket may take to open.
pub(super) const SOCKET_TIMEOUT: Duration = Duration::from_secs(15);
/// The most bytes of one message on a WebSocket: `SaveImageWebsocket` sends whole images.
pub(super) const MESSAGE_BYTES: usize = 64 * 1024 * 1024;
/// The most bytes of a preview that is told; samplers send some 100 KiB.
pub(super) const PREVIEW_BYTES: usize = 4 * 1024 * 1024;
/// The most characters of the message of a failed node.
pub(super) const FAILURE_CHARS: usize = 16 * 1024;
/// The most lines of a traceback.
pub(super) const TRACEBACK_LINES: usize = 100;
/// The most characters of one line of a traceback.
pub(super) const TRACEBACK_LINE_CHARS: usize = 4 * 1024;

/// The bounds of a document of so many bytes at most.
pub(super) fn json(bytes: usize) -> Limits {
    Limits::default().max_bytes(bytes).max_depth(JSON_DEPTH)
}

/// The beginning of a text, of so many characters at most.
pub(super) fn excerpt(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
