//! What is new in a request, against the one before it in its conversation, and where a prompt cache ends for it.
//!
//! Both bodies are cut into parts (`parts`) in the order in which a model reads them. Equal beginnings and ends are
//! compared byte by byte, so that a conversation that only grew costs no more than looking at it; what is between is
//! aligned (`align`). Cache markers are no content: a part whose marker came or went says the same.
//!
//! Nothing is copied: a difference is ranges of the two bodies. `words` compares two texts word by word, for those
//! parts that somebody looks at; [`text()`] is all of it in lines.

mod align;
mod parts;
mod readable;
mod report;
mod rows;
#[cfg(test)]
mod tests;
mod words;

use octrace_core::provider::Dialect;

use self::parts::{Name, Parts, Place};
pub use self::report::text;
pub(crate) use self::report::{Below, Block, Side, blocks};

/// What became of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Change {
    /// Nothing.
    Same,
    /// A cache marker came or went: the model reads the same.
    Marker,
    /// The same, in another place.
    Moved,
    /// It says something else.
    Changed,
    /// It was not there before.
    New,
    /// It is no longer there.
    Gone,
}

/// One part, in both requests or in one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// What became of it.
    pub(crate) change: Change,
    /// Which part of the request before it is; `None` for new ones.
    pub(crate) before: Option<usize>,
    /// Which part of the request it is; `None` for gone ones.
    pub(crate) after: Option<usize>,
}

impl Step {
    /// Whether it is about the same place of both prompts.
    fn is_in_place(&self, part: usize) -> bool {
        self.before == Some(part) && self.after == Some(part)
    }
}

/// Where the prompt is no longer what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Break {
    /// Before or in this step.
    pub(crate) step: usize,
    /// How much of the part is still the same, in bytes without cache markers; 0 before a part.
    pub(crate) inside: usize,
    /// The first byte in the request's body that is another one, as the prompt is read.
    pub(crate) at: usize,
}

/// The difference between two requests.
#[derive(Clone, Debug)]
pub(crate) struct Difference<'a> {
    /// The request before.
    pub(crate) before: Parts<'a>,
    /// The request.
    pub(crate) after: Parts<'a>,
    /// In the order in which the model reads the request: each part of it, and where they were the parts that
    /// are gone.
    pub(crate) steps: Vec<Step>,
    /// How many parts at the beginning of both prompts say the same.
    pub(crate) shared_parts: usize,
    /// How many bytes at the beginning of both prompts are the same, cache markers left out.
    pub(crate) shared_bytes: usize,
    /// Where the prompt of the request before does not go on in this one. `None` when all of it is the beginning of
    /// this one.
    pub(crate) broken: Option<Break>,
    /// How many bytes both bodies begin with alike, as sent.
    pub(crate) raw: usize,
}

/// A request's body, and the language that it is in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    /// See [`Dialect`].
    pub(crate) dialect: Dialect,
    /// As sent.
    pub(crate) body: &'a [u8],
}

/// Compares a request with the one before it. In time and memory in proportion to the bodies, whatever they are.
pub(crate) fn difference<'a>(before: Request<'a>, after: Request<'a>) -> Difference<'a> {
    let raw = parts::prefix(before.body, after.body);
    let before = Parts::of(before.dialect, before.body);
    let after = Parts::of(after.dialect, after.body);
    let steps = align::align(&before, &after);

    let same = |step: &&Step| matches!(step.change, Change::Same | Change::Marker);
    let in_order =
        steps.iter().zip(0..).take_while(|(step, at)| same(step) && step.is_in_place(*at));
    let shared_parts = in_order.count().min(before.prompt()).min(after.prompt());
    let mut shared_bytes = after.size(shared_parts);
    let mut broken = None;
    if shared_parts < before.prompt() {
        // What begins alike and has the same name is the same part, as far as it goes.
        let is_named_alike = shared_parts < after.prompt()
            && before.parts[shared_parts].place == after.parts[shared_parts].place
            && before.name(shared_parts) == after.name(shared_parts);
        let alike =
            is_named_alike.then(|| before.content(shared_parts).alike(after.content(shared_parts)));
        let next = after.parts.get(shared_parts).filter(|part| part.place.is_prompt());
        let end = || next.map_or(after.body.len(), |part| part.range.start);
        let inside = alike.map_or(0, |alike| alike.len);
        let at = alike.map_or_else(end, |alike| alike.after);
        broken = Some(Break { step: shared_parts, inside, at });
        shared_bytes += inside;
    }
    Difference { before, after, steps, shared_parts, shared_bytes, broken, raw }
}

impl Difference<'_> {
    /// How many parts something became of.
    pub(crate) fn count(&self, change: Change) -> usize {
        self.steps.iter().filter(|step| step.change == change).count()
    }
}
