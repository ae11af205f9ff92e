//! What was done, or could not be, for a moment at the foot.

use crate::text::{Paint, Style, line::Line};

/// How long it stays, in µs.
const STAYS_US: i64 = 4_000_000;

/// The newest message.
#[derive(Debug, Default)]
pub(super) struct Toast(Option<Message>);

#[derive(Debug)]
struct Message {
    text: String,
    /// When it was said, µs since the Unix epoch; `None` for what stays until a key is pressed.
    since_us: Option<i64>,
}

impl Toast {
    /// Something was done.
    pub(super) fn done(&mut self, text: String, now_us: i64) {
        self.0 = Some(Message { text, since_us: Some(now_us) });
    }

    /// Something went wrong: it is shown until somebody is there to see it.
    pub(super) fn failed(&mut self, text: String) {
        self.0 = Some(Message { text, since_us: None });
    }

    /// Somebody is there.
    pub(super) fn seen(&mut self) {
        self.0.take_if(|message| message.since_us.is_none());
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, now_us: i64) {
        self.0.take_if(|message| {
            // A clock that was set back must not keep it for ever.
            message
                .since_us
                .is_some_and(|since| !(since..since.saturating_add(STAYS_US)).contains(&now_us))
        });
    }

    /// Whether it will go by itself.
    pub(super) fn is_moving(&self) -> bool {
        self.0.as_ref().is_some_and(|message| message.since_us.is_some())
    }

    /// What it says.
    pub(super) fn line(&self, style: &Style) -> Option<Line> {
        let Message { text, since_us } = self.0.as_ref()?;
        let (paint, mark) = match since_us {
            Some(_) => (Paint::Good, style.glyph("✓ ", "+ ")),
            None => (Paint::Bad, "! "),
        };
        Some(Line::new().layout(paint, mark).put(paint, text))
    }
}
