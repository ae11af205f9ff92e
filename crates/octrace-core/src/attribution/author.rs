//! Where the lines come from that a change brings: rules 2 to 5 of [`track`](super::track).

use std::cell::OnceCell;

use super::{
    declared::Declared,
    diff::{Alignment, ByLine, Match, Tally},
    history::{History, common},
    line::Line,
    timeline::{Call, Ended, Evidence, Origin, Why},
};

/// Who made a change.
pub(super) struct Author<'a> {
    /// All calls that there are.
    pub all: &'a [Call],
    pub declared: &'a Declared<'a>,
    pub who: Who,
    /// Nobody but calls was at work, as far as can be seen.
    pub alone: bool,
}

pub(super) enum Who {
    /// No call: it came between these times, in µs since the Unix epoch.
    Person { after_us: i64, until_us: i64 },
    /// One call that ended well.
    Call { call: usize, evidence: Evidence },
    /// One that did not.
    Unfinished,
    /// The one of these that declares a line, else nobody.
    Declared { calls: Vec<usize>, evidence: Evidence, otherwise: Why },
}

/// A text before a change.
pub(super) struct Before<'a> {
    pub lines: &'a [Line],
    pub origins: &'a [Origin],
}

/// What is found out about one content, while a change is gone through.
struct Content {
    line: Line,
    tally: Tally,
}

impl Author<'_> {
    /// Where each line comes from after the change.
    pub(super) fn origins(
        &self,
        before: &Before<'_>,
        aligned: &Alignment,
        new: &[Line],
        history: &mut History,
    ) -> Vec<Origin> {
        let mut origins = Vec::with_capacity(new.len());
        origins.extend_from_slice(&before.origins[..aligned.prefix]);
        let mut introduced = Vec::new();
        let shared = OnceCell::new();
        for (&line, found) in new[aligned.new.clone()].iter().zip(&aligned.matches) {
            if let Some(Match { old, .. }) = found.filter(|found| found.certain || self.alone) {
                origins.push(before.origins[old].clone());
                continue;
            }
            let tally = aligned.tallies.get(&line).copied().unwrap_or_default();
            let content = Content { line, tally };
            let kept = if self.alone {
                self.kept_by_calls(&content, history)
            } else {
                let shared = || shared.get_or_init(|| before.shared(aligned));
                self.kept_by_anybody(&content, history, shared)
            };
            origins.push(match kept {
                Kept::From(origin) => origin,
                Kept::Unknown(why) => {
                    introduced.push((line, Origin::Unknown(why)));
                    Origin::Unknown(why)
                }
                Kept::New => {
                    let origin = self.of_new(line);
                    introduced.push((line, origin.clone()));
                    origin
                }
            });
        }
        origins.extend_from_slice(&before.origins[aligned.old.end..]);
        for (line, origin) in &introduced {
            history.add(*line, origin);
        }
        origins
    }

    /// A line that was not kept, when only calls were at work.
    fn kept_by_calls(&self, content: &Content, history: &History) -> Kept {
        let Content { line, tally } = *content;
        match history.single(line, tally) {
            _ if line.is_blanked() => content.blanked(),
            Some(origin) => Kept::From(origin.clone()),
            None => Kept::New,
        }
    }

    /// A line that was not kept for certain, when a person could have been at work.
    fn kept_by_anybody<'s>(
        &self,
        content: &Content,
        history: &History,
        shared: impl FnOnce() -> &'s ByLine<Option<Origin>>,
    ) -> Kept {
        let Content { line, tally } = *content;
        let times = history.times(line);
        if line.is_blanked() {
            return content.blanked();
        }
        if tally.old == 0 {
            return match history.same(line, tally) {
                Some(origin) => Kept::From(origin.clone()),
                None if times == 0 => Kept::New,
                None => Kept::Unknown(Why::Repeated),
            };
        }
        match shared().get(&line) {
            Some(Some(origin)) if tally.new <= tally.old => Kept::From(origin.clone()),
            // Whatever is equal to it is where it was, and none was ever taken away.
            _ if tally.certain >= tally.old && times <= tally.old => Kept::New,
            _ => Kept::Unknown(Why::Repeated),
        }
    }

    fn of_new(&self, line: Line) -> Origin {
        match self.who {
            Who::Person { after_us, until_us } => Origin::Person { after_us, until_us },
            Who::Call { call, evidence } => Origin::Call { call, evidence },
            Who::Unfinished => Origin::Unknown(Why::Unfinished),
            Who::Declared { ref calls, evidence, otherwise } => {
                match self.declared.by(line, calls, self.alone) {
                    Some(call) if self.all[call].ended == Ended::Well => {
                        Origin::Call { call, evidence }
                    }
                    Some(_) => Origin::Unknown(Why::Unfinished),
                    None => Origin::Unknown(otherwise),
                }
            }
        }
    }
}

/// What became of the lines that were there.
enum Kept {
    /// It is one of them, or one that was there earlier.
    From(Origin),
    /// It may be.
    Unknown(Why),
    /// It is none of them.
    New,
}

impl Content {
    /// It can be any blanked line that was there.
    fn blanked(&self) -> Kept {
        if self.tally.old > 0 { Kept::Unknown(Why::Blanked) } else { Kept::New }
    }
}

impl Before<'_> {
    /// For each content that may have changed: where all its lines come from, if from the same.
    fn shared(&self, aligned: &Alignment) -> ByLine<Option<Origin>> {
        let mut shared = ByLine::<Option<Origin>>::default();
        for (line, origin) in self.lines.iter().zip(self.origins) {
            if aligned.tallies.contains_key(line) {
                shared
                    .entry(*line)
                    .and_modify(|known| {
                        *known = known.as_ref().and_then(|known| common(known, origin));
                    })
                    .or_insert_with(|| Some(origin.clone()));
            }
        }
        shared
    }
}
