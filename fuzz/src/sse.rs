//! Providers' answers: whatever a server sends is read, in any dialect, and as far as it had arrived.
//!
//! An input is a response's body. Redaction may not disturb how it is read.

use octrace_core::{
    provider::{Dialect, read_answer, read_request, sse::Events},
    redact::Redactor,
};
use serde_json::Value;

/// The input is what a server sent.
pub fn holds(body: &[u8]) {
    let mut before = 0;
    let events: Vec<_> = Events::new(body).collect();
    for (number, event) in events.iter().enumerate() {
        assert!(event.end > before && event.end <= body.len(), "an event ends after the last one");
        assert!(event.complete || number + 1 == events.len(), "only the last one is cut off");
        before = event.end;
    }
    // A stream that was cut gave what the whole one gives up to there.
    if let Some(middle) = events.get(events.len() / 2).filter(|event| event.complete) {
        let so_far: Vec<_> = Events::new(&body[..middle.end]).collect();
        assert_eq!(so_far, events[..so_far.len()]);
        assert_eq!(so_far.len(), events.len() / 2 + 1);
    }

    for dialect in Dialect::ALL {
        read_request(dialect, body);
        for content_type in ["text/event-stream", "application/json", ""] {
            for ended in [true, false] {
                let answer = read_answer(dialect, content_type, body, ended);
                assert!(answer.first_content_at.is_none_or(|at| at <= body.len()));
            }
        }
    }

    let clean = Redactor::new("").body("text/event-stream", body.to_vec()).into_inner();
    // JSON that is called an event stream is redacted as JSON.
    if !body.trim_ascii_start().starts_with(b"{") && !body.trim_ascii_start().starts_with(b"[") {
        let clean: Vec<_> = Events::new(&clean).collect();
        assert_eq!(clean.len(), events.len(), "as many events after redaction");
        for (clean, event) in clean.iter().zip(&events) {
            assert!(!is_json(&event.data) || is_json(&clean.data), "an event's JSON stays JSON");
        }
    }
}

fn is_json(text: &[u8]) -> bool {
    serde_json::from_slice::<Value>(text).is_ok()
}
