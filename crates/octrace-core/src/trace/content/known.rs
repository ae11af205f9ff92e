//! What messages of a conversation say, as it was read before: a model is sent all of it again with each request.

use super::{Message, message};

/// What is remembered has so many bytes as it was sent, and so many messages.
const BYTES: usize = 1 << 20;
const MESSAGES: usize = 4096;

/// The messages of requests that were read before, by their place.
#[derive(Default)]
pub struct Known {
    messages: Vec<Option<Sent>>,
    bytes: usize,
    /// The place of the message that is read next.
    next: usize,
}

/// A message as it was sent, and what it says.
struct Sent {
    json: Box<[u8]>,
    said: Vec<Message>,
}

impl Known {
    /// Another request is read.
    pub(super) fn begin(&mut self) {
        self.next = 0;
    }

    /// What the request's next message says.
    pub(super) fn messages(&mut self, json: &[u8]) -> Vec<Message> {
        let at = self.next;
        self.next += 1;
        if let Some(Some(sent)) = self.messages.get(at)
            && *sent.json == *json
        {
            return sent.said.clone();
        }
        let said = message::messages(json);
        // What stood behind another message was said in another conversation.
        for gone in self.messages.drain(at.min(self.messages.len())..).flatten() {
            self.bytes -= gone.json.len();
        }
        if at == self.messages.len() && at < MESSAGES {
            let fits = self.bytes + json.len() <= BYTES;
            self.bytes += if fits { json.len() } else { 0 };
            self.messages.push(fits.then(|| Sent { json: json.into(), said: said.clone() }));
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(number: usize, bytes: usize) -> String {
        let text = "x".repeat(bytes);
        format!(r#"{{"role":"user","content":"{number} {text}"}}"#)
    }

    #[test]
    fn what_is_known_changes_nothing() {
        let mut known = Known::default();
        for request in [[1, 2, 3].as_slice(), &[1, 2, 3, 4], &[9], &[1, 2, 5, 4], &[]] {
            known.begin();
            for number in request {
                let json = text(*number, 5);
                assert_eq!(known.messages(json.as_bytes()), message::messages(json.as_bytes()));
            }
        }
        assert_eq!(known.messages.len(), 4, "all of them are remembered");
    }

    #[test]
    fn it_is_bounded() {
        let mut known = Known::default();
        for (bytes, kept) in [(10, MESSAGES), (1000, 0), (BYTES, 0), (1, MESSAGES)] {
            known.begin();
            for number in 0..2 * MESSAGES {
                known.messages(text(number, bytes).as_bytes());
            }
            let held: usize = known.messages.iter().flatten().map(|sent| sent.json.len()).sum();
            assert!(held == known.bytes && held <= BYTES, "{held} of {}", known.bytes);
            assert!(known.messages.len() >= kept && known.messages.len() <= MESSAGES);
        }
    }
}
