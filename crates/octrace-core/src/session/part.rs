//! What a message is made of, as `message.part.updated` tells it: tool calls, and the pieces of a prompt. Whoever
//! reads parts reads them here, so that a session's tree and its timeline say the same.

use serde_json::Value;

use super::{ToolCall, ToolStatus, read};

/// The message that a part belongs to, and the part's own id.
pub(crate) fn ids(part: &Value) -> Option<(&str, &str)> {
    let id = read::text(part, "/id").or_else(|| read::text(part, "/callID"))?;
    Some((read::text(part, "/messageID")?, id))
}

/// A piece of a prompt; those that tell more are greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PromptPart<'a> {
    /// What OpenCode or a plugin added.
    Added(&'a str),
    /// What a command or a file reference stands for.
    Named(&'a str),
    /// What somebody typed.
    Typed(&'a str),
    /// The mark of a compaction.
    Compaction,
}

/// What the part is of a prompt, if its message is one: a part does not say whose message it is in; the message's own
/// event does.
pub(crate) fn prompt_part(part: &Value) -> Option<PromptPart<'_>> {
    let either = |one, other| read::text(part, one).or_else(|| read::text(part, other));
    Some(match read::text(part, "/type")? {
        "text" => {
            let text = read::text(part, "/text")?;
            let added = read::flag(part, "/synthetic") || read::flag(part, "/ignored");
            if added { PromptPart::Added(text) } else { PromptPart::Typed(text) }
        }
        "file" => PromptPart::Named(either("/filename", "/url")?),
        "subtask" => PromptPart::Named(either("/description", "/prompt")?),
        "compaction" => PromptPart::Compaction,
        _ => return None,
    })
}

/// The tool call that the part is, as far as this event tells.
pub(crate) fn tool_call(part: &Value) -> Option<ToolCall> {
    if read::text(part, "/type") != Some("tool") {
        return None;
    }
    let tool = read::text(part, "/tool").unwrap_or_default();
    let input = read::at(part, "/state/input").unwrap_or(&Value::Null);
    let mut status = match read::text(part, "/state/status") {
        Some("completed") => ToolStatus::Completed,
        Some("error") => ToolStatus::Failed,
        _ => ToolStatus::Running,
    };
    let mut error = read::text(part, "/state/error").map(str::to_owned);
    if tool == "invalid" && status == ToolStatus::Completed {
        // To OpenCode it is a tool that ran well; to its user the call failed.
        status = ToolStatus::Failed;
        error = read::text(input, "/error").map(str::to_owned);
    }
    Some(ToolCall {
        call: read::text(part, "/callID").unwrap_or_default().to_owned(),
        tool: tool.to_owned(),
        subject: read::subject(tool, input),
        status,
        error,
        exit: read::at(part, "/state/metadata/exit").and_then(Value::as_i64),
        started_us: read::micros(part, "/state/time/start"),
        ended_us: read::micros(part, "/state/time/end"),
        child: None,
        child_id: read::text(part, "/state/metadata/sessionId").map(str::to_owned),
    })
}

impl ToolCall {
    /// Takes in what one more event told of it. A later word never loses to an earlier one, in whatever order they
    /// come. Whether it told the newest.
    pub fn merge(&mut self, told: Self) -> bool {
        if told.progress() < self.progress() {
            return false;
        }
        let before = std::mem::replace(self, told);
        self.child_id = self.child_id.take().or(before.child_id);
        self.started_us = self.started_us.or(before.started_us);
        if self.subject.is_empty() {
            self.subject = before.subject;
        }
        true
    }

    /// How far its state is.
    fn progress(&self) -> u8 {
        match (self.status, self.started_us) {
            (ToolStatus::Running, None) => 0,
            (ToolStatus::Running, Some(_)) => 1,
            (ToolStatus::Completed | ToolStatus::Failed, _) => 2,
        }
    }
}
