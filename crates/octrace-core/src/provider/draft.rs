//! An answer in the making: what every dialect does with the pieces it reads.

use std::collections::HashMap;

use super::{Answer, ToolRequest, Usage};

/// Problems beyond this many are only counted: a broken stream can have one in every event.
const MAX_PROBLEMS: usize = 20;
/// Longest model name or finish reason, in characters. Both go into rows that stay in memory.
const MAX_WORD: usize = 200;
/// Longest message of a provider's error, in characters.
const MAX_ERROR: usize = 2_000;

/// Collects an [`Answer`].
#[derive(Default)]
pub(super) struct Draft {
    answer: Answer,
    /// From the provider's index of a tool call to its place in the answer.
    calls: HashMap<u64, usize>,
    more_problems: usize,
    /// Whether the provider said that this was all.
    pub terminated: bool,
}

impl Draft {
    pub(super) fn text(&mut self, piece: &str) {
        self.answer.text.push_str(piece);
    }

    pub(super) fn reasoning(&mut self, piece: &str) {
        self.answer.reasoning.push_str(piece);
    }

    /// A new paragraph of reasoning begins, where the provider sends paragraphs apart.
    pub(super) fn reasoning_paragraph(&mut self) {
        if !self.answer.reasoning.is_empty() {
            self.answer.reasoning.push_str("\n\n");
        }
    }

    /// The call with the provider's `index`, if it began.
    pub(super) fn call(&mut self, index: u64) -> Option<&mut ToolRequest> {
        let place = *self.calls.get(&index)?;
        self.answer.tool_calls.get_mut(place)
    }

    /// The call with the provider's `index`, begun if need be.
    pub(super) fn call_at(&mut self, index: u64) -> &mut ToolRequest {
        let calls = &mut self.answer.tool_calls;
        let place = *self.calls.entry(index).or_insert_with(|| {
            calls.push(ToolRequest::default());
            calls.len() - 1
        });
        &mut calls[place]
    }

    /// Another call; from now on, `index` means this one.
    pub(super) fn new_call(&mut self, index: u64) -> &mut ToolRequest {
        self.calls.remove(&index);
        self.call_at(index)
    }

    /// How many calls began: the index of the next one, where the provider gives none.
    pub(super) fn next_index(&self) -> u64 {
        self.answer.tool_calls.len() as u64
    }

    /// The first name that is not empty counts.
    pub(super) fn model(&mut self, name: &str) {
        if self.answer.model.is_none() && !name.is_empty() {
            self.answer.model = Some(bounded(name, MAX_WORD));
        }
    }

    /// The last word that is not empty counts.
    pub(super) fn finish(&mut self, word: &str) {
        if !word.is_empty() {
            self.answer.finish = Some(bounded(word, MAX_WORD));
        }
    }

    /// The last counts count.
    pub(super) fn usage(&mut self, usage: Usage) {
        self.answer.usage = Some(usage);
    }

    pub(super) fn usage_mut(&mut self) -> &mut Usage {
        self.answer.usage.get_or_insert_default()
    }

    /// The first error counts. It is also an end: nothing more is missing after it.
    pub(super) fn error(&mut self, message: &str) {
        if self.answer.error.is_none() {
            self.answer.error = Some(bounded(message.trim(), MAX_ERROR));
        }
        self.terminated = true;
    }

    pub(super) fn has_error(&self) -> bool {
        self.answer.error.is_some()
    }

    pub(super) fn problem(&mut self, problem: impl Into<String>) {
        if self.answer.problems.len() < MAX_PROBLEMS {
            self.answer.problems.push(problem.into());
        } else {
            self.more_problems += 1;
        }
    }

    pub(super) fn has_content(&self) -> bool {
        !(self.answer.text.is_empty()
            && self.answer.reasoning.is_empty()
            && self.answer.tool_calls.is_empty())
    }

    /// Whether nothing at all was understood yet.
    pub(super) fn is_blank(&self) -> bool {
        let Answer { usage, finish, model, error, .. } = &self.answer;
        !self.has_content()
            && usage.is_none()
            && finish.is_none()
            && model.is_none()
            && error.is_none()
    }

    /// `arrived` bytes of the stream have been read.
    pub(super) fn arrived(&mut self, arrived: usize) {
        if self.answer.first_content_at.is_none() && self.has_content() {
            self.answer.first_content_at = Some(arrived);
        }
    }

    pub(super) fn done(mut self) -> Answer {
        if self.more_problems > 0 {
            self.answer.problems.push(format!("{} more problems", self.more_problems));
        }
        self.answer
    }
}

/// At most `max` characters of `text`.
pub(super) fn bounded(text: &str, max: usize) -> String {
    text.chars().take(max).collect()
}
