//! The tool calls that an answer asks for: where they stand in its page, and what became of them, as far as others know
//! that.

use super::{Document, Node, Place, tree::Path};
use crate::text::Paint;

/// A tool call in the page.
#[derive(Debug)]
pub(super) struct Call {
    path: Path,
    tool: String,
    /// What it is about, in one line.
    subject: String,
    /// What is said of it already.
    ran: Option<Ran>,
}

/// What became of a tool call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// The number of its row.
    pub number: i64,
    /// The tool.
    pub tool: String,
    /// What it was about, in one line.
    pub subject: String,
    /// How it went, with the whole reason where it failed.
    pub said: String,
    /// Whether that is an error.
    pub is_error: bool,
}

impl Call {
    pub(super) fn new(path: Path, tool: &str, subject: String) -> Self {
        Self { path, tool: tool.to_owned(), subject, ran: None }
    }
}

impl Document {
    /// The answer of this page asked for these calls.
    pub(super) fn calling(mut self, calls: Vec<Call>) -> Self {
        self.calls = calls;
        self
    }

    /// Says under each call what became of it.
    pub fn tell_ran(&mut self, ran: &[Ran]) {
        let mut left: Vec<&Ran> = ran.iter().collect();
        // The same tool may be called several times, and some of them may not be known yet.
        for is_exact in [true, false] {
            for call in &mut self.calls {
                let known = call.ran.as_ref().map(|ran| ran.number);
                let is_it = |ran: &&Ran| match known {
                    Some(number) => ran.number == number,
                    None => ran.tool == call.tool && (!is_exact || ran.subject == call.subject),
                };
                let Some(at) = left.iter().position(is_it) else { continue };
                let ran = left.remove(at);
                if call.ran.as_ref() == Some(ran) {
                    continue;
                }
                let paint = if ran.is_error { Paint::Bad } else { Paint::Dim };
                let node = Node::text(&ran.said, paint);
                self.tree.put_last(&call.path, node, known.is_some());
                self.laid.clear();
                call.ran = Some(ran.clone());
            }
        }
    }

    /// Puts the cursor on the call with this row; false if it is not known which one that is.
    pub fn go_to_call(&mut self, number: i64) -> bool {
        let is_it = |call: &&Call| call.ran.as_ref().is_some_and(|ran| ran.number == number);
        let Some(call) = self.calls.iter().find(is_it) else { return false };
        self.cursor = Place { path: call.path.clone(), at: 0 };
        self.was_drawn = false;
        true
    }
}
