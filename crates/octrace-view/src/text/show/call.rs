//! A model call and its attempts.

use octrace_core::{
    exchange::{Purpose, Summary},
    session::{ModelCall, Totals},
};

use super::{Tree, first_line, spend, status};
use crate::text::{
    Paint, figures,
    grid::{Column, Node, Row},
    line::Line,
};

impl Tree<'_> {
    pub(super) fn call(&self, call: &ModelCall) -> Node {
        let mut children = Vec::new();
        let row = match call.attempts.as_slice() {
            [] => self.unseen(call),
            [one] => {
                children.extend(self.problems(one));
                self.exchange(one, self.name(call))
            }
            many => {
                for (place, attempt) in many.iter().enumerate() {
                    children.push(self.attempt(place + 1, attempt));
                }
                self.retried(call, many)
            }
        };
        let answer = first_line(&call.text);
        if !answer.is_empty() {
            let (open, close) = (self.style.glyph("“", "\""), self.style.glyph("”", "\""));
            let more = if answer.len() < call.text.trim().len() {
                self.style.glyph(" …", " ...")
            } else {
                ""
            };
            let text = Line::new().put(Paint::Dim, open).put(Paint::Dim, answer);
            children.push(text.put(Paint::Dim, more).put(Paint::Dim, close).into());
        }
        children.extend(call.tools.iter().map(|tool| self.tool(tool)));
        children.extend(self.failure(call));
        Node { row: row_of(call, row), children }
    }

    /// Why the call failed, unless one of its attempts just said the same.
    fn failure(&self, call: &ModelCall) -> Option<Node> {
        let shown = |error: &str| {
            call.attempts.len() > 1
                && call
                    .attempts
                    .iter()
                    .filter_map(|row| row.error.as_deref())
                    .any(|said| error.ends_with(said))
        };
        match (&call.error, call.attempts.as_slice()) {
            (Some(error), _) if shown(error) => None,
            (Some(error), _) => Some(self.error(error)),
            (None, [one]) => one.error.as_deref().map(|error| self.error(error)),
            (None, _) => None,
        }
    }

    /// What a call is: its purpose and model; its agent where that is another than the session's.
    fn name(&self, call: &ModelCall) -> Line {
        let purpose = if call.purpose.is_meta() { call.purpose.as_str() } else { "" };
        let model = call.model.as_deref().unwrap_or_default();
        // The session's header names the provider too.
        let model = model.split_once('/').map_or(model, |(_, model)| model);
        let agent = match call.agent.as_deref() {
            Some(agent) if call.purpose == Purpose::Main && Some(agent) != self.agent => agent,
            _ => "",
        };
        let purpose = Line::new().put(Paint::Meta, purpose);
        let gap = if purpose.width() > 0 && !model.is_empty() { " " } else { "" };
        let model = Line::new().dotted(self.style, Paint::Plain, [model, agent]);
        purpose.layout(Paint::Plain, gap).join(model)
    }

    fn id(&self, exchange: &Summary) -> Line {
        Line::new().put(Paint::Accent, &format!("#{}", exchange.id)).layout(Paint::Plain, " ")
    }

    /// A call that only OpenCode reported.
    fn unseen(&self, call: &ModelCall) -> Row {
        let took = call.ended_us.map(|end| end.saturating_sub(call.started_us));
        Row::new(self.name(call)).set(Column::Status, Paint::Dim, "unseen".to_owned()).set(
            Column::Time,
            Paint::Plain,
            took.map(figures::duration).unwrap_or_default(),
        )
    }

    fn exchange(&self, exchange: &Summary, name: Line) -> Row {
        let (paint, word) = status(exchange.outcome, exchange.status, exchange.error.as_deref());
        let timing = &exchange.timing;
        let time = |after: Option<i64>| after.map(figures::duration).unwrap_or_default();
        Row::new(self.id(exchange).join(name))
            .set(Column::Status, paint, word)
            // Not the first byte's: an empty chunk comes long before the model has anything to say.
            .set(Column::First, Paint::Plain, time(timing.first_content_after_us))
            .set(Column::Time, Paint::Plain, time(timing.end_after_us))
    }

    fn attempt(&self, place: usize, exchange: &Summary) -> Node {
        let name = Line::new().put(Paint::Dim, &format!("attempt {place}"));
        let mut totals = Totals::default();
        totals.add(exchange);
        let row = spend(self.exchange(exchange, name), &totals, Paint::Dim);
        let error = exchange.error.as_deref().map(|error| self.error(error));
        Node { row, children: self.problems(exchange).into_iter().chain(error).collect() }
    }

    /// What is odd about an exchange, each thing once, with how often it is.
    fn problems(&self, exchange: &Summary) -> Vec<Node> {
        let mut said: Vec<(&str, u64)> = Vec::new();
        for problem in &exchange.problems {
            match said.iter_mut().find(|(known, _)| known == problem) {
                Some((_, times)) => *times += 1,
                None => said.push((problem, 1)),
            }
        }
        let node = |(problem, times)| {
            let line = Line::new().put(Paint::Warn, "! ").put(Paint::Dim, problem);
            let mark = self.style.glyph("×", "x");
            let times = if times > 1 { format!(" {mark}{times}") } else { String::new() };
            line.put(Paint::Dim, &times).into()
        };
        said.into_iter().map(node).collect()
    }

    /// A call with several attempts: its end is the last one's, its time the time of all.
    fn retried(&self, call: &ModelCall, attempts: &[Summary]) -> Row {
        let attempts_made = format!("{} attempts", attempts.len());
        let name = self.name(call).put(Paint::Dim, " ").put(Paint::Warn, &attempts_made);
        let mut row = Row::new(name);
        if let (Some(first), Some(last)) = (attempts.first(), attempts.last()) {
            let (paint, word) = status(last.outcome, last.status, last.error.as_deref());
            row = row.set(Column::Status, paint, word);
            if let Some(after) = last.timing.end_after_us {
                let end = last.timing.sent_us.saturating_add(after);
                let took = figures::duration(end.saturating_sub(first.timing.sent_us));
                row = row.set(Column::Time, Paint::Plain, took);
            }
        }
        row
    }
}

fn row_of(call: &ModelCall, row: Row) -> Row {
    spend(row, &call.totals(), Paint::Plain)
}
