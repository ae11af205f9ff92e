//! What a filter can ask of a session in the list: whether anything in it is so.

use octrace_core::{
    exchange::Purpose,
    filter::{Kinds, Quantity, Shown, Subject, Text},
};

use super::SessionRow;

impl Subject for SessionRow {
    fn kinds(&self) -> Kinds {
        let asks = self.totals.requests > 0;
        let purposes = self.agents.iter().map(|agent| Purpose::of_agent(agent));
        let kinds = purposes
            .fold(Kinds::PROMPT, |kinds, purpose| kinds.with(Kinds::of_purpose(purpose), true));
        kinds
            .with(Kinds::REQUEST, asks)
            .with(Kinds::MAIN, asks && self.agents.is_empty())
            .with(Kinds::RESPONSE, !self.statuses.is_empty())
            .with(Kinds::ERROR, self.totals.errors > 0 || !self.failed_tools.is_empty())
            .with(Kinds::TOOL, !self.tools.is_empty())
            .with(Kinds::SUB_AGENT, self.parent.is_some())
            .with(Kinds::LIVE, self.live)
    }

    fn any_text(&self, field: Text, fits: &mut dyn FnMut(Shown<'_>) -> bool) -> bool {
        let mut text = |text: &str| fits(Shown::Text(text));
        match field {
            Text::Session => text(&self.id),
            Text::Title => self.title.as_deref().is_some_and(text),
            Text::Project => self.directory.as_deref().is_some_and(text),
            Text::Model => self.models.iter().any(|model| text(model)),
            Text::Provider => {
                let named = self.models.iter().filter_map(|model| model.split_once('/'));
                named.into_iter().any(|(provider, _)| text(provider))
            }
            Text::Agent => self.agents.iter().any(|agent| text(agent)),
            Text::Tool => self.tools.iter().any(|tool| text(tool)),
            Text::Shown => {
                text(&self.id)
                    || self.title.as_deref().is_some_and(&mut text)
                    || self.directory.as_deref().is_some_and(&mut text)
                    || self.models.iter().any(|model| text(model))
            }
        }
    }

    fn any_status(&self, fits: &mut dyn FnMut(u16) -> bool) -> bool {
        self.statuses.iter().any(|status| fits(*status))
    }

    fn quantity(&self, of: Quantity, now_us: i64) -> Option<f64> {
        let usage = &self.totals.usage;
        let between = |start: i64, end: i64| end.saturating_sub(start) as f64;
        match of {
            Quantity::Cost => self.totals.cost_usd,
            Quantity::Tokens => Some(usage.input.saturating_add(usage.output) as f64),
            Quantity::Input => Some(usage.input as f64),
            Quantity::Output => Some(usage.output as f64),
            Quantity::Cached => Some(usage.cache_read as f64),
            Quantity::Size => Some(self.wire_bytes as f64),
            Quantity::Requests => Some(self.totals.requests as f64),
            Quantity::Errors => Some(self.totals.errors as f64),
            Quantity::Time => Some(between(self.created_us, self.updated_us)),
            Quantity::Age => Some(between(self.updated_us, now_us)),
            Quantity::Sent | Quantity::Received | Quantity::First | Quantity::Attempt => None,
        }
    }
}
