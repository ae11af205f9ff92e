//! What of a session's tree is shown: what fits, and the way to it.

use super::{Filter, Kinds, Quantity, Shown, Subject, Text, Within};
use crate::session::{ModelCall, Session, ToolCall, Turn};

/// An error that OpenCode told of.
struct Told<'a>(&'a str);

impl Subject for Told<'_> {
    fn kinds(&self) -> Kinds {
        Kinds::ERROR
    }

    fn any_text(&self, field: Text, fits: &mut dyn FnMut(Shown<'_>) -> bool) -> bool {
        field == Text::Shown && fits(Shown::Text(self.0))
    }

    fn any_status(&self, _: &mut dyn FnMut(u16) -> bool) -> bool {
        false
    }

    fn quantity(&self, _: Quantity, _: i64) -> Option<f64> {
        None
    }
}

impl Filter {
    /// The session with nothing in it but what fits, and what that stands under: a tool call's model call, a call's
    /// turn, a sub-agent's tool call. A call is there with all its attempts or not at all.
    ///
    /// `now_us`: µs since the Unix epoch. `has_text`: whether the recorded text of this exchange has this one of
    /// [`Filter::texts`].
    pub fn narrow(
        &self,
        session: Session,
        now_us: i64,
        has_text: &dyn Fn(i64, usize) -> bool,
    ) -> Session {
        if self.is_empty() {
            session
        } else {
            Narrow { filter: self, now_us, has_text }.session(session)
        }
    }
}

#[derive(Clone, Copy)]
struct Narrow<'a> {
    filter: &'a Filter,
    now_us: i64,
    has_text: &'a dyn Fn(i64, usize) -> bool,
}

impl Narrow<'_> {
    fn session(self, mut session: Session) -> Session {
        let turns = std::mem::take(&mut session.turns);
        let unplaced = std::mem::take(&mut session.unplaced);
        let children = std::mem::take(&mut session.children);
        let errors = std::mem::take(&mut session.errors);
        let within = &self.filter.within(&session);
        let turns: Vec<_> = turns.into_iter().filter_map(|turn| self.turn(turn, within)).collect();
        let unplaced = self.calls(unplaced, within);
        let errors = self.errors(errors, within);
        let children = children.into_iter().map(|child| self.session(child));
        let children = children.filter(has_something).collect();
        Session { turns, unplaced, children, errors, ..session }
    }

    fn turn(self, mut turn: Turn, within: &Within<'_>) -> Option<Turn> {
        turn.calls = self.calls(turn.calls, within);
        turn.errors = self.errors(turn.errors, within);
        let stays = !turn.calls.is_empty()
            || !turn.errors.is_empty()
            || self.fits(&turn, within, |_| false);
        stays.then_some(turn)
    }

    fn calls(self, calls: Vec<ModelCall>, within: &Within<'_>) -> Vec<ModelCall> {
        calls.into_iter().filter_map(|call| self.call(call, within)).collect()
    }

    fn call(self, mut call: ModelCall, within: &Within<'_>) -> Option<ModelCall> {
        let tools = std::mem::take(&mut call.tools).into_iter();
        call.tools = tools.filter_map(|tool| self.tool(tool, within)).collect();
        let has_text = |text| call.attempts.iter().any(|row| (self.has_text)(row.id, text));
        let stays = !call.tools.is_empty() || self.fits(&call, within, has_text);
        stays.then_some(call)
    }

    fn tool(self, mut tool: ToolCall, within: &Within<'_>) -> Option<ToolCall> {
        let child = tool.child.take().map(|child| self.session(*child));
        tool.child = child.filter(has_something).map(Box::new);
        let stays = tool.child.is_some() || self.fits(&tool, within, |_| false);
        stays.then_some(tool)
    }

    fn errors(self, errors: Vec<String>, within: &Within<'_>) -> Vec<String> {
        errors.into_iter().filter(|error| self.fits(&Told(error), within, |_| false)).collect()
    }

    fn fits(
        self,
        row: &dyn Subject,
        within: &Within<'_>,
        has_text: impl Fn(usize) -> bool,
    ) -> bool {
        within.matches(row, self.now_us, has_text)
    }
}

fn has_something(session: &Session) -> bool {
    !session.turns.is_empty()
        || !session.unplaced.is_empty()
        || !session.children.is_empty()
        || !session.errors.is_empty()
}
