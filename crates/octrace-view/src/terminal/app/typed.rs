//! What is typed at the foot: a filter, what is searched for, a file's name.

use std::path::Path;

use octrace_core::filter::Filter;

use super::{Action, App};
use crate::terminal::{
    data::Payload,
    filtering::Filtering,
    prompt::{Prompt, Typed},
};

/// What is being typed.
pub(super) enum Purpose {
    /// A filter for the list that is looked at, instead of this one.
    Filter(Filtering),
    /// What to search for in the page.
    Search,
    /// Where to save this.
    Save(Payload),
}

impl App {
    /// Opens the line for the filter of what is looked at, with the beginning of another `term` behind it.
    pub(super) fn type_filter(&mut self, term: &str) {
        let filtering = self.filtering().clone();
        let mut text = filtering.filter().to_string();
        if !text.is_empty() && !term.is_empty() {
            text.push(' ');
        }
        text.push_str(term);
        let mut prompt = Prompt::new("filter", text);
        match Filtering::typed(&mut prompt, &filtering).filter(|_| !term.is_empty()) {
            Some(draft) => self.filter(draft),
            None => self.filtering_mut().be_draft(),
        }
        self.prompt = Some((prompt, Purpose::Filter(filtering)));
    }

    /// Opens the line for what is searched for in the page.
    pub(super) fn type_search(&mut self) {
        let last = self.exchange.as_ref().map(|exchange| exchange.sought().to_owned());
        let prompt = Prompt::new("search", String::new()).recalling(last.unwrap_or_default());
        self.prompt = Some((prompt, Purpose::Search));
    }

    /// Opens the line for where the body is saved that is open or under the cursor.
    pub(super) fn type_path(&mut self) {
        if let Some(payload) = self.payload() {
            let prompt = Prompt::new("save as", payload.file_name());
            self.prompt = Some((prompt, Purpose::Save(payload)));
        }
    }

    /// It could not be saved there: the line comes back, with a name that is free if there is one.
    pub(super) fn not_saved(&mut self, why: String, path: &Path, free: Option<&Path>) {
        let Some(payload) = self.saving.take().filter(|_| self.prompt.is_none()) else {
            return self.toast.failed(why);
        };
        let text = free.unwrap_or(path).display().to_string();
        let mut prompt = Prompt::new("save as", text);
        prompt.set_problem(Some((0..0, why)));
        self.prompt = Some((prompt, Purpose::Save(payload)));
    }

    /// Something was typed into the prompt.
    pub(super) fn typed(&mut self, typed: Typed, actions: &mut Vec<Action>) {
        let Some((mut prompt, purpose)) = self.prompt.take() else { return };
        match (typed, purpose) {
            (Typed::Cancelled, Purpose::Filter(mut before)) => {
                before.lost();
                self.filter(before);
            }
            (Typed::Cancelled, Purpose::Search | Purpose::Save(_)) => {}
            // Now its words are looked for.
            (Typed::Accepted, Purpose::Filter(before)) if !prompt.has_problem() => {
                let filter = Filter::parse(prompt.text().trim()).unwrap_or_default();
                self.filter(Filtering::after(filter, &before));
            }
            (Typed::Accepted, Purpose::Search) => {
                if let Some(exchange) = &mut self.exchange {
                    exchange.search(prompt.text().to_owned());
                }
            }
            (Typed::Accepted, Purpose::Save(payload)) if !prompt.text().trim().is_empty() => {
                self.saving = Some(payload.clone());
                actions.push(Action::Save(payload, prompt.text().trim().into()));
            }
            (Typed::Changed, Purpose::Save(payload)) => {
                prompt.set_problem(None);
                self.prompt = Some((prompt, Purpose::Save(payload)));
            }
            (Typed::Changed, Purpose::Filter(before)) => {
                if let Some(draft) = Filtering::typed(&mut prompt, &before) {
                    self.filter(draft);
                }
                self.prompt = Some((prompt, Purpose::Filter(before)));
            }
            (_, purpose) => self.prompt = Some((prompt, purpose)),
        }
    }
}
