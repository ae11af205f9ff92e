//! What can be filtered, and what it says of itself.

use super::{Kinds, Quantity, Shown};
use crate::{
    exchange::{Outcome, Purpose, Summary},
    provider::Usage,
    session::{ModelCall, Session, ToolCall, ToolStatus, Turn},
    timeline::{ExchangeRow, PromptRow, Row, ToolRow},
};

/// A field that is text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text {
    /// Everything that the row shows of itself: what a word without a field looks at.
    Shown,
    /// `provider/model`.
    Model,
    /// OpenCode's provider id.
    Provider,
    /// OpenCode's agent.
    Agent,
    /// A tool's name.
    Tool,
    /// The session's id.
    Session,
    /// The session's title.
    Title,
    /// Where the session works.
    Project,
}

/// Something that a filter chooses or passes over.
pub trait Subject {
    /// What it is; of a session, what is in it.
    fn kinds(&self) -> Kinds;

    /// Gives what it has of this field, one by one, until one `fits`, and says whether one did.
    fn any_text(&self, field: Text, fits: &mut dyn FnMut(Shown<'_>) -> bool) -> bool;

    /// The same for its HTTP statuses.
    fn any_status(&self, fits: &mut dyn FnMut(u16) -> bool) -> bool;

    /// How much of it there is; `None` where it has none of that, or it is not known. `now_us`: µs since the Unix
    /// epoch.
    fn quantity(&self, of: Quantity, now_us: i64) -> Option<f64>;
}

impl Subject for Row {
    fn kinds(&self) -> Kinds {
        self.subject().kinds()
    }

    fn any_text(&self, field: Text, fits: &mut dyn FnMut(Shown<'_>) -> bool) -> bool {
        self.subject().any_text(field, fits)
    }

    fn any_status(&self, fits: &mut dyn FnMut(u16) -> bool) -> bool {
        self.subject().any_status(fits)
    }

    fn quantity(&self, of: Quantity, now_us: i64) -> Option<f64> {
        self.subject().quantity(of, now_us)
    }
}

impl Row {
    fn subject(&self) -> &dyn Subject {
        match self {
            Self::Prompt(row) => &**row,
            Self::Exchange(row) => &**row,
            Self::Tool(row) => &**row,
        }
    }
}

impl Subject for PromptRow {
    fn kinds(&self) -> Kinds {
        Kinds::PROMPT.with(Kinds::COMPACTION, self.text.is_none())
    }

    fn any_text(&self, field: Text, fits: &mut dyn FnMut(Shown<'_>) -> bool) -> bool {
        field == Text::Shown && any([self.text.as_deref()], fits)
    }

    fn any_status(&self, _: &mut dyn FnMut(u16) -> bool) -> bool {
        false
    }

    fn quantity(&self, of: Quantity, now_us: i64) -> Option<f64> {
        (of == Quantity::Age).then(|| between(self.at_us, now_us))
    }
}

/// What of an exchange a filter looks at: a row has the same as a summary.
struct Exchange<'a> {
    id: i64,
    purpose: Purpose,
    provider: Option<&'a str>,
    model: Option<&'a str>,
    agent: Option<&'a str>,
    status: Option<u16>,
    outcome: Outcome,
    error: Option<&'a str>,
    sent_us: i64,
    first_content_after_us: Option<i64>,
    end_after_us: Option<i64>,
    request_bytes: u64,
    response_bytes: u64,
    usage: Option<&'a Usage>,
    cost_usd: Option<f64>,
    /// Where it is known.
    attempt: Option<u32>,
}

impl<'a> From<&'a ExchangeRow> for Exchange<'a> {
    fn from(row: &'a ExchangeRow) -> Self {
        Self {
            id: row.id,
            purpose: row.purpose,
            provider: row.provider.as_deref(),
            model: row.model.as_deref(),
            agent: row.agent.as_deref(),
            status: row.status,
            outcome: row.outcome,
            error: row.error.as_deref(),
            sent_us: row.at_us,
            first_content_after_us: row.first_content_after_us,
            end_after_us: row.end_after_us,
            request_bytes: row.request_bytes,
            response_bytes: row.response_bytes,
            usage: row.usage.as_ref(),
            cost_usd: row.cost_usd,
            attempt: Some(row.attempt.max(1)),
        }
    }
}

impl<'a> From<&'a Summary> for Exchange<'a> {
    fn from(row: &'a Summary) -> Self {
        Self {
            id: row.id,
            purpose: row.purpose,
            provider: row.provider.as_deref(),
            model: row.model.as_deref(),
            agent: row.agent.as_deref(),
            status: row.status,
            outcome: row.outcome,
            error: row.error.as_deref(),
            sent_us: row.timing.sent_us,
            first_content_after_us: row.timing.first_content_after_us,
            end_after_us: row.timing.end_after_us,
            request_bytes: row.request_bytes,
            response_bytes: row.response_bytes,
            usage: row.usage.as_ref(),
            cost_usd: row.cost_usd,
            attempt: None,
        }
    }
}

impl Subject for Exchange<'_> {
    fn kinds(&self) -> Kinds {
        Kinds::of_purpose(self.purpose)
            .with(Kinds::REQUEST, true)
            .with(Kinds::RESPONSE, self.status.is_some())
            .with(Kinds::ERROR, self.is_error())
            .with(Kinds::LIVE, self.outcome.is_open())
    }

    fn any_text(&self, field: Text, fits: &mut dyn FnMut(Shown<'_>) -> bool) -> bool {
        let model = || model(self.provider, self.model);
        match field {
            Text::Model => model().is_some_and(fits),
            Text::Provider => any([self.provider], fits),
            Text::Agent => any([self.agent], fits),
            Text::Shown => {
                // That all went well goes without saying.
                let outcome = self.outcome != Outcome::Complete;
                model().is_some_and(&mut *fits)
                    || any([self.agent, self.error], fits)
                    || (outcome && fits(Shown::Text(self.outcome.as_str())))
                    || self.status.is_some_and(|status| fits(Shown::Number(status.into())))
                    || fits(Shown::Id(self.id))
            }
            Text::Tool | Text::Session | Text::Title | Text::Project => false,
        }
    }

    fn any_status(&self, fits: &mut dyn FnMut(u16) -> bool) -> bool {
        self.status.is_some_and(fits)
    }

    fn quantity(&self, of: Quantity, now_us: i64) -> Option<f64> {
        match of {
            Quantity::Cost => self.cost_usd,
            Quantity::Sent => Some(self.request_bytes as f64),
            Quantity::Received => Some(self.response_bytes as f64),
            Quantity::Size => Some(self.request_bytes as f64 + self.response_bytes as f64),
            Quantity::Time => {
                let so_far = || self.outcome.is_open().then(|| between(self.sent_us, now_us));
                self.end_after_us.map(|after| after as f64).or_else(so_far)
            }
            Quantity::First => self.first_content_after_us.map(|after| after as f64),
            Quantity::Requests => Some(1.0),
            Quantity::Errors => Some(f64::from(u8::from(self.is_error()))),
            Quantity::Attempt => self.attempt.map(f64::from),
            Quantity::Age => Some(between(self.sent_us, now_us)),
            _ => tokens(self.usage?, of),
        }
    }
}

impl Exchange<'_> {
    fn is_error(&self) -> bool {
        self.outcome.is_error(self.status, self.error.is_some())
    }
}

impl Subject for ExchangeRow {
    fn kinds(&self) -> Kinds {
        Exchange::from(self).kinds()
    }

    fn any_text(&self, field: Text, fits: &mut dyn FnMut(Shown<'_>) -> bool) -> bool {
        Exchange::from(self).any_text(field, fits)
    }

    fn any_status(&self, fits: &mut dyn FnMut(u16) -> bool) -> bool {
        self.status.is_some_and(fits)
    }

    fn quantity(&self, of: Quantity, now_us: i64) -> Option<f64> {
        Exchange::from(self).quantity(of, now_us)
    }
}

impl Subject for Summary {
    fn kinds(&self) -> Kinds {
        Exchange::from(self).kinds()
    }

    fn any_text(&self, field: Text, fits: &mut dyn FnMut(Shown<'_>) -> bool) -> bool {
        Exchange::from(self).any_text(field, fits)
    }

    fn any_status(&self, fits: &mut dyn FnMut(u16) -> bool) -> bool {
        self.status.is_some_and(fits)
    }

    fn quantity(&self, of: Quantity, now_us: i64) -> Option<f64> {
        Exchange::from(self).quantity(of, now_us)
    }
}

impl Subject for ToolRow {
    fn kinds(&self) -> Kinds {
        Kinds::of_tool(self.status, self.is_error(), self.child.is_some())
    }

    fn any_text(&self, field: Text, fits: &mut dyn FnMut(Shown<'_>) -> bool) -> bool {
        let all = [Some(&*self.tool), Some(&*self.subject), self.error.as_deref()];
        any(tool_texts(field, &all), fits)
    }

    fn any_status(&self, _: &mut dyn FnMut(u16) -> bool) -> bool {
        false
    }

    fn quantity(&self, of: Quantity, now_us: i64) -> Option<f64> {
        let running = self.status == ToolStatus::Running;
        match of {
            Quantity::Time => span(Some(self.at_us), self.ended_us, running, now_us),
            Quantity::Age => Some(between(self.at_us, now_us)),
            _ => None,
        }
    }
}

impl Subject for ToolCall {
    fn kinds(&self) -> Kinds {
        let failed = self.status.is_error(self.exit);
        Kinds::of_tool(self.status, failed, self.child_id.is_some())
    }

    fn any_text(&self, field: Text, fits: &mut dyn FnMut(Shown<'_>) -> bool) -> bool {
        let all = [Some(&*self.tool), Some(&*self.subject), self.error.as_deref()];
        any(tool_texts(field, &all), fits)
    }

    fn any_status(&self, _: &mut dyn FnMut(u16) -> bool) -> bool {
        false
    }

    fn quantity(&self, of: Quantity, now_us: i64) -> Option<f64> {
        let running = self.status == ToolStatus::Running;
        match of {
            Quantity::Time => span(self.started_us, self.ended_us, running, now_us),
            Quantity::Age => Some(between(self.started_us?, now_us)),
            _ => None,
        }
    }
}

/// A call with all its attempts: it has what any of them has, and its quantities are their sums.
impl Subject for ModelCall {
    fn kinds(&self) -> Kinds {
        let attempts = self.attempts.iter().map(Subject::kinds);
        let all = attempts.fold(Kinds::of_purpose(self.purpose), |all, one| all.with(one, true));
        all.with(Kinds::ERROR, self.error.is_some())
    }

    fn any_text(&self, field: Text, fits: &mut dyn FnMut(Shown<'_>) -> bool) -> bool {
        let is = |wanted| field == wanted || field == Text::Shown;
        // What the wire did not show, OpenCode has told.
        let is_told = self.attempts.is_empty();
        (field == Text::Shown && any([self.error.as_deref(), Some(&*self.text)], fits))
            || self.attempts.iter().any(|attempt| attempt.any_text(field, fits))
            || (is_told
                && is(Text::Model)
                && model(None, self.model.as_deref()).is_some_and(&mut *fits))
            || (is_told && is(Text::Agent) && any([self.agent.as_deref()], fits))
    }

    fn any_status(&self, fits: &mut dyn FnMut(u16) -> bool) -> bool {
        self.attempts.iter().any(|attempt| attempt.any_status(fits))
    }

    fn quantity(&self, of: Quantity, now_us: i64) -> Option<f64> {
        let sum = || {
            let told = self.attempts.iter().filter_map(|attempt| attempt.quantity(of, now_us));
            told.reduce(|sum, one| sum + one)
        };
        match of {
            Quantity::Attempt => Some(self.attempts.len() as f64),
            Quantity::Requests => Some(self.attempts.len() as f64),
            Quantity::Errors => Some(sum().unwrap_or_default()),
            Quantity::Age => Some(between(self.started_us, now_us)),
            Quantity::First => self.attempts.last()?.quantity(of, now_us),
            Quantity::Cost if self.attempts.is_empty() => self.reported_cost_usd,
            _ if self.attempts.is_empty() => tokens(self.reported.as_ref()?, of),
            _ => sum(),
        }
    }
}

impl Subject for Turn {
    fn kinds(&self) -> Kinds {
        Kinds::PROMPT.with(Kinds::COMPACTION, self.compaction)
    }

    fn any_text(&self, field: Text, fits: &mut dyn FnMut(Shown<'_>) -> bool) -> bool {
        field == Text::Shown && fits(Shown::Text(&self.prompt))
    }

    fn any_status(&self, _: &mut dyn FnMut(u16) -> bool) -> bool {
        false
    }

    fn quantity(&self, of: Quantity, now_us: i64) -> Option<f64> {
        (of == Quantity::Age).then(|| between(self.started_us, now_us))
    }
}

/// A session as what its rows are within: id, title, directory, and whose it is.
impl Subject for Session {
    fn kinds(&self) -> Kinds {
        Kinds::NONE.with(Kinds::SUB_AGENT, self.parent.is_some())
    }

    fn any_text(&self, field: Text, fits: &mut dyn FnMut(Shown<'_>) -> bool) -> bool {
        match field {
            Text::Session => fits(Shown::Text(&self.id)),
            Text::Title => any([self.title.as_deref()], fits),
            Text::Project => any([self.directory.as_deref()], fits),
            _ => false,
        }
    }

    fn any_status(&self, _: &mut dyn FnMut(u16) -> bool) -> bool {
        false
    }

    fn quantity(&self, _: Quantity, _: i64) -> Option<f64> {
        None
    }
}

fn model<'a>(provider: Option<&'a str>, model: Option<&'a str>) -> Option<Shown<'a>> {
    let provider = provider.unwrap_or_default();
    model.map(|model| Shown::Model { provider, model })
}

/// Of a tool's name, subject and error: what belongs to the field.
fn tool_texts<'a>(field: Text, all: &[Option<&'a str>; 3]) -> [Option<&'a str>; 3] {
    match field {
        Text::Shown => *all,
        Text::Tool => [all[0], None, None],
        _ => [None; 3],
    }
}

fn any<const N: usize>(texts: [Option<&str>; N], fits: &mut dyn FnMut(Shown<'_>) -> bool) -> bool {
    texts.into_iter().flatten().any(|text| fits(Shown::Text(text)))
}

fn tokens(usage: &Usage, of: Quantity) -> Option<f64> {
    let count = match of {
        Quantity::Tokens => usage.input.saturating_add(usage.output),
        Quantity::Input => usage.input,
        Quantity::Output => usage.output,
        Quantity::Cached => usage.cache_read,
        _ => return None,
    };
    Some(count as f64)
}

fn span(start: Option<i64>, end: Option<i64>, is_open: bool, now_us: i64) -> Option<f64> {
    let end = end.or(is_open.then_some(now_us))?;
    Some(between(start?, end))
}

fn between(start_us: i64, end_us: i64) -> f64 {
    end_us.saturating_sub(start_us) as f64
}
