//! What a filter can ask of a session in the list: whether anything in it is so.

use octrace_core::filter::{Kinds, Quantity, Shown, Subject, Text};

use super::SessionRow;

impl Subject for SessionRow {
    fn kinds(&self) -> Kinds {
        Kinds::PROMPT
            .with(Kinds::SUB_AGENT, self.parent.is_some())
            .with(Kinds::REQUEST, self.totals.requests > 0)
            .with(Kinds::ERROR, self.totals.errors > 0)
            .with(Kinds::LIVE, self.live)
    }

    fn any_text(&self, field: Text, fits: &mut dyn FnMut(Shown<'_>) -> bool) -> bool {
        let mut text = |text: Option<&str>| text.is_some_and(|text| fits(Shown::Text(text)));
        match field {
            Text::Session => text(Some(&self.id)),
            Text::Title => text(self.title.as_deref()),
            Text::Project => text(self.directory.as_deref()),
            Text::Model => self.models.iter().any(|model| text(Some(model))),
            Text::Provider => self.models.iter().any(|model| {
                // Where no provider is known, the model's name may have a slash all the same.
                text(model.split_once('/').map(|(provider, _)| provider))
            }),
            Text::Shown => {
                text(Some(&self.id))
                    || text(self.title.as_deref())
                    || text(self.directory.as_deref())
                    || self.models.iter().any(|model| text(Some(model)))
            }
            Text::Agent | Text::Tool => false,
        }
    }

    fn any_status(&self, _fits: &mut dyn FnMut(u16) -> bool) -> bool {
        false
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
