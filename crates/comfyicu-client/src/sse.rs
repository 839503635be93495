//! Server-Sent Events: bytes to events. Pure, and bounded whatever comes.

use std::time::Duration;

/// The longest line, and the longest data of one event.
const MAX_BYTES: usize = 1024 * 1024;

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SseEvent {
    /// The last id that was given, by this event or one before.
    pub(crate) id: Option<String>,
    /// What kind of event it is; empty for the unnamed kind.
    pub(crate) name: String,
    pub(crate) data: String,
}

/// The stream holds a line, or an event, that is longer than any event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event is longer than {MAX_BYTES} bytes")]
pub(crate) struct TooLong;

/// Reads events out of bytes that come in parts.
#[derive(Debug, Default)]
pub(crate) struct Parser {
    line: Vec<u8>,
    after_return: bool,
    has_begun: bool,
    last_id: Option<String>,
    name: String,
    data: String,
    has_data: bool,
    retry: Option<Duration>,
}

impl Parser {
    /// Takes a part, and gives the events that are complete with it.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<Vec<SseEvent>, TooLong> {
        let mut events = Vec::new();
        for &byte in bytes {
            // A line ends with CR, LF or both.
            let ends = match byte {
                b'\n' if self.after_return => {
                    self.after_return = false;
                    continue;
                }
                b'\n' | b'\r' => true,
                _ => false,
            };
            self.after_return = byte == b'\r';
            if ends {
                let line = std::mem::take(&mut self.line);
                events.extend(self.take_line(&line)?);
            } else if self.line.len() < MAX_BYTES {
                self.line.push(byte);
            } else {
                return Err(TooLong);
            }
        }
        Ok(events)
    }

    /// How long to wait before connecting again, where the server said so.
    pub(crate) const fn retry(&self) -> Option<Duration> {
        self.retry
    }

    fn take_line(&mut self, line: &[u8]) -> Result<Option<SseEvent>, TooLong> {
        let text = String::from_utf8_lossy(line);
        let mut text = text.as_ref();
        if !std::mem::replace(&mut self.has_begun, true) {
            text = text.strip_prefix('\u{feff}').unwrap_or(text);
        }
        if text.is_empty() {
            return Ok(self.dispatch());
        }
        let (field, value) = text.split_once(':').unwrap_or((text, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => {
                if self.data.len() + value.len() > MAX_BYTES {
                    return Err(TooLong);
                }
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            "id" if !value.contains('\0') => self.last_id = Some(value.to_owned()),
            "retry" => self.retry = value.parse().ok().map(Duration::from_millis).or(self.retry),
            // A comment, or something newer than this.
            _ => {}
        }
        Ok(None)
    }

    fn dispatch(&mut self) -> Option<SseEvent> {
        let name = std::mem::take(&mut self.name);
        let data = std::mem::take(&mut self.data);
        std::mem::take(&mut self.has_data).then(|| SseEvent { id: self.last_id.clone(), name, data })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(id: Option<&str>, name: &str, data: &str) -> SseEvent {
        SseEvent { id: id.map(str::to_owned), name: name.to_owned(), data: data.to_owned() }
    }

    #[test]
    fn events_are_read_as_the_standard_says() {
        let stream = "\u{feff}: a comment\nretry: 250\nid: 1\nevent: queued\ndata: {\"a\":\ndata: 1}\n\n\
                      data:no space\r\n\r\nevent: nothing\n\nid\ndata\n\nfuture: x\ndata:  two\r\rdata: cut off";
        let mut parser = Parser::default();
        let events = parser.feed(stream.as_bytes()).unwrap();
        assert_eq!(
            events,
            [
                event(Some("1"), "queued", "{\"a\":\n1}"),
                event(Some("1"), "", "no space"),
                event(Some(""), "", ""),
                event(Some(""), "", " two"),
            ]
        );
        assert_eq!(parser.retry(), Some(Duration::from_millis(250)));
    }

    #[test]
    fn what_is_too_long_is_refused() {
        let mut parser = Parser::default();
        assert_eq!(parser.feed(&vec![b'x'; MAX_BYTES]), Ok(vec![]));
        assert_eq!(parser.feed(b"x"), Err(TooLong));
        let mut parser = Parser::default();
        let line = format!("data: {}\n", "x".repeat(MAX_BYTES / 2));
        assert_eq!(parser.feed(line.as_bytes()), Ok(vec![]));
        assert_eq!(parser.feed(line.as_bytes()), Ok(vec![]));
        assert_eq!(parser.feed(line.as_bytes()), Err(TooLong));
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_the_bytes_are_cut(
            stream in "(: c|data: ?[a-z]{0,3}|event: x|id: [0-9]|retry: 9|\u{e9}|\r|\n|\r\n|\n\n){0,40}",
            cuts in prop::collection::vec(1_usize..7, 1..20),
        ) {
            let whole = Parser::default().feed(stream.as_bytes()).unwrap();
            let mut parser = Parser::default();
            let (mut rest, mut parts) = (stream.as_bytes(), Vec::new());
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (part, after) = rest.split_at((*cut).min(rest.len()));
                parts.extend(parser.feed(part).unwrap());
                rest = after;
            }
            prop_assert_eq!(whole, parts);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            Parser::default().feed(&bytes).ok();
        }
    }
}
