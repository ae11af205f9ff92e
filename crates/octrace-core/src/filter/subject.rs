//! What can be filtered, and what it says of itself.

use super::{Kinds, Quantity, Shown};
use crate::{
    exchange::{Outcome, Summary},
    provider::Usage,
    session::{ModelCall, Session, ToolCall, ToolStatus, Turn, is_error},
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

/// A row of a session: what it does not say of itself, its session says.
#[derive(Clone, Copy)]
pub struct Within<'a, R: ?Sized> {
    /// Whose row it is.
    pub session: &'a dyn Subject,
    /// The row.
    pub row: &'a R,
}

impl<R: Subject + ?Sized> Subject for Within<'_, R> {
    fn kinds(&self) -> Kinds {
        self.row.kinds().with(self.session.kinds().and(Kinds::SUB_AGENT), true)
    }

    fn any_text(&self, field: Text, fits: &mut dyn FnMut(Shown<'_>) -> bool) -> bool {
        match field {
            Text::Session | Text::Title | Text::Project => self.session.any_text(field, fits),
            _ => self.row.any_text(field, fits),
        }
    }

    fn any_status(&self, fits: &mut dyn FnMut(u16) -> bool) -> bool {
        self.row.any_status(fits)
    }

    fn quantity(&self, of: Quantity, now_us: i64) -> Option<f64> {
        self.row.quantity(of, now_us)
    }
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
            Self::Prompt(row) => row,
            Self::Exchange(row) => row,
            Self::Tool(row) => row,
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

impl Subject for ExchangeRow {
    fn kinds(&self) -> Kinds {
        Kinds::of_purpose(self.purpose)
            .with(Kinds::REQUEST, true)
            .with(Kinds::RESPONSE, self.status.is_some())
            .with(Kinds::ERROR, self.is_error())
            .with(Kinds::LIVE, self.outcome.is_open())
    }

    fn any_text(&self, field: Text, fits: &mut dyn FnMut(Shown<'_>) -> bool) -> bool {
        Wire {
            id: self.id,
            provider: self.provider.as_deref(),
            model: self.model.as_deref(),
            agent: self.agent.as_deref(),
            status: self.status,
            outcome: self.outcome,
            error: self.error.as_deref(),
        }
        .any_text(field, fits)
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
            Quantity::Time => took(self.outcome, self.at_us, self.end_after_us, now_us),
            Quantity::First => self.first_content_after_us.map(|after| after as f64),
            Quantity::Requests => Some(1.0),
            Quantity::Errors => Some(f64::from(u8::from(self.is_error()))),
            Quantity::Attempt => Some(f64::from(self.attempt.max(1))),
            Quantity::Age => Some(between(self.at_us, now_us)),
            _ => tokens(self.usage.as_ref()?, of),
        }
    }
}

impl Subject for Summary {
    fn kinds(&self) -> Kinds {
        Kinds::of_purpose(self.purpose)
            .with(Kinds::REQUEST, true)
            .with(Kinds::RESPONSE, self.status.is_some())
            .with(Kinds::ERROR, is_error(self))
            .with(Kinds::LIVE, self.outcome.is_open())
    }

    fn any_text(&self, field: Text, fits: &mut dyn FnMut(Shown<'_>) -> bool) -> bool {
        if field == Text::Session {
            return fits(Shown::Text(&self.session));
        }
        Wire {
            id: self.id,
            provider: self.provider.as_deref(),
            model: self.model.as_deref(),
            agent: self.agent.as_deref(),
            status: self.status,
            outcome: self.outcome,
            error: self.error.as_deref(),
        }
        .any_text(field, fits)
    }

    fn any_status(&self, fits: &mut dyn FnMut(u16) -> bool) -> bool {
        self.status.is_some_and(fits)
    }

    fn quantity(&self, of: Quantity, now_us: i64) -> Option<f64> {
        let timing = &self.timing;
        match of {
            Quantity::Cost => self.cost_usd,
            Quantity::Sent => Some(self.request_bytes as f64),
            Quantity::Received => Some(self.response_bytes as f64),
            Quantity::Size => Some(self.request_bytes as f64 + self.response_bytes as f64),
            Quantity::Time => took(self.outcome, timing.sent_us, timing.end_after_us, now_us),
            Quantity::First => timing.first_content_after_us.map(|after| after as f64),
            Quantity::Requests => Some(1.0),
            Quantity::Errors => Some(f64::from(u8::from(is_error(self)))),
            Quantity::Attempt => None,
            Quantity::Age => Some(between(timing.sent_us, now_us)),
            _ => tokens(self.usage.as_ref()?, of),
        }
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
        let failed = self.status == ToolStatus::Failed || self.exit.is_some_and(|exit| exit != 0);
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
        let own = match field {
            Text::Shown => any([self.error.as_deref(), Some(&*self.text)], fits),
            _ => false,
        };
        // What the wire did not show, OpenCode has told.
        let told = || Wire {
            id: 0,
            provider: None,
            model: self.model.as_deref(),
            agent: self.agent.as_deref(),
            status: None,
            outcome: Outcome::Complete,
            error: None,
        };
        own || self.attempts.iter().any(|attempt| attempt.any_text(field, fits))
            || (self.attempts.is_empty() && told().any_text(field, fits))
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

/// What an exchange shows.
struct Wire<'a> {
    id: i64,
    provider: Option<&'a str>,
    model: Option<&'a str>,
    agent: Option<&'a str>,
    status: Option<u16>,
    outcome: Outcome,
    error: Option<&'a str>,
}

impl Wire<'_> {
    fn any_text(&self, field: Text, fits: &mut dyn FnMut(Shown<'_>) -> bool) -> bool {
        let provider = self.provider.unwrap_or_default();
        let model = || self.model.map(|model| Shown::Model { provider, model });
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

fn took(outcome: Outcome, sent_us: i64, end_after_us: Option<i64>, now_us: i64) -> Option<f64> {
    let so_far = || outcome.is_open().then(|| between(sent_us, now_us));
    end_after_us.map(|after| after as f64).or_else(so_far)
}

fn span(start: Option<i64>, end: Option<i64>, is_open: bool, now_us: i64) -> Option<f64> {
    let end = end.or(is_open.then_some(now_us))?;
    Some(between(start?, end))
}

fn between(start_us: i64, end_us: i64) -> f64 {
    end_us.saturating_sub(start_us) as f64
}
