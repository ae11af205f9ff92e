//! What was done, or could not be, for a moment at the foot.

use crate::text::{Paint, Style, line::Line};

/// How long it stays, in µs: meanwhile nobody sees the keys that stand there.
const STAYS_US: i64 = 3_000_000;

/// The newest message.
#[derive(Debug, Default)]
pub(super) struct Toast {
    message: Option<Message>,
    /// How many there were.
    count: u64,
}

#[derive(Debug)]
struct Message {
    text: String,
    kind: Kind,
}

/// When it was said, µs since the Unix epoch, where it goes by itself.
#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Something was done.
    Done(i64),
    /// Something makes no sense here.
    Refused(i64),
    /// Something went wrong: it stays until a key is pressed.
    Failed,
}

impl Kind {
    fn since_us(self) -> Option<i64> {
        match self {
            Self::Done(since_us) | Self::Refused(since_us) => Some(since_us),
            Self::Failed => None,
        }
    }
}

impl Toast {
    /// Something was done.
    pub(super) fn done(&mut self, text: String, now_us: i64) {
        self.say(text, Kind::Done(now_us));
    }

    /// What somebody wants makes no sense here, or there is nothing to do.
    pub(super) fn refused(&mut self, text: String, now_us: i64) {
        self.say(text, Kind::Refused(now_us));
    }

    /// Something went wrong: it is shown until somebody is there to see it.
    pub(super) fn failed(&mut self, text: String) {
        self.say(text, Kind::Failed);
    }

    fn say(&mut self, text: String, kind: Kind) {
        self.message = Some(Message { text, kind });
        self.count += 1;
    }

    /// How many messages there were.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// Somebody is there.
    pub(super) fn seen(&mut self) {
        self.message.take_if(|message| message.kind.since_us().is_none());
    }

    /// Somebody looks at another screen, which it says nothing about.
    pub(super) fn left(&mut self) {
        self.message.take_if(|message| message.kind.since_us().is_some());
    }

    /// Time has passed.
    pub(super) fn tick(&mut self, now_us: i64) {
        self.message.take_if(|message| {
            // A clock that was set back must not keep it for ever.
            message
                .kind
                .since_us()
                .is_some_and(|since| !(since..since.saturating_add(STAYS_US)).contains(&now_us))
        });
    }

    /// Whether it will go by itself.
    pub(super) fn is_moving(&self) -> bool {
        self.message.as_ref().is_some_and(|message| message.kind.since_us().is_some())
    }

    /// What it says.
    pub(super) fn line(&self, style: &Style) -> Option<Line> {
        let Message { text, kind } = self.message.as_ref()?;
        let (paint, mark) = match kind {
            Kind::Done(_) => (Paint::Good, style.glyph("✓ ", "+ ")),
            Kind::Refused(_) => (Paint::Warn, ""),
            Kind::Failed => (Paint::Bad, "! "),
        };
        Some(Line::new().layout(paint, mark).put(paint, text))
    }
}
