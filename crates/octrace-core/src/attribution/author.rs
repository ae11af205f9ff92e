//! Where the lines come from that a change brings: rules 2 to 5 of [`track`](super::track).

use std::cell::OnceCell;

use super::{
    declared::Declared,
    diff::{Alignment, ByLine, Match, Tally},
    history::{Everywhere, History, common},
    line::Line,
    timeline::{Call, Ended, Evidence, Origin, Reach, Why},
};

/// Who made a change.
pub(super) struct Author<'a> {
    /// All calls that there are.
    pub all: &'a [Call],
    pub declared: &'a Declared<'a>,
    pub who: Who,
    /// Nobody but calls was at work, as far as can be seen.
    pub alone: bool,
    /// The file's place in the list.
    pub file: usize,
    /// What was in other files.
    pub everywhere: &'a Everywhere,
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
        history: &History,
    ) -> Brought {
        let mut origins = Vec::with_capacity(new.len());
        origins.extend_from_slice(&before.origins[..aligned.prefix]);
        let mut introduced = Vec::new();
        let carried = before.lines.is_empty()
            || new[aligned.new.clone()].iter().zip(&aligned.matches).any(|(&line, found)| {
                found.is_none() && history.times(line) == 0 && self.is_elsewhere(line)
            });
        let shared = OnceCell::new();
        for (&line, found) in new[aligned.new.clone()].iter().zip(&aligned.matches) {
            if let Some(Match { old, .. }) = found.filter(|found| found.certain || self.alone) {
                origins.push(before.origins[old].clone());
                continue;
            }
            let tally = aligned.tallies.get(&line).copied().unwrap_or_default();
            let content = Content { line, tally };
            let kept = if self.alone {
                self.kept_by_calls(&content, history, before.lines.is_empty())
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
                    let origin = self.of_new(line, carried);
                    introduced.push((line, origin.clone()));
                    origin
                }
            });
        }
        origins.extend_from_slice(&before.origins[aligned.old.end..]);
        Brought { origins, introduced }
    }

    /// A line that was not kept, when only calls were at work.
    fn kept_by_calls(&self, content: &Content, history: &History, appeared: bool) -> Kept {
        let Content { line, tally } = *content;
        match history.single(line, tally) {
            _ if line.is_blanked() => content.blanked(),
            Some(origin) => Kept::From(origin.clone()),
            // It can be the one that was taken away elsewhere.
            None if tally.kept < tally.old => Kept::Unknown(Why::Repeated),
            None if history.times(line) > 0 && self.may_have_moved(line, tally, appeared) => {
                Kept::Unknown(Why::Repeated)
            }
            None => Kept::New,
        }
    }

    /// Whether a line that the file had before may have been moved here from where nobody looked: a shell can, and then
    /// does not say the line. `appeared`: there was no text before.
    fn may_have_moved(&self, line: Line, tally: Tally, appeared: bool) -> bool {
        let Who::Call { call, .. } = self.who else { return false };
        self.all[call].reach() == Reach::Anything
            && tally.old == 0
            && (appeared || line.is_telling())
            && self.declared.by(line, &[call], true).is_none()
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

    fn is_elsewhere(&self, line: Line) -> bool {
        self.everywhere.is_elsewhere(line, self.file)
    }

    /// `carried`: if it was a person, then one who brought lines from another file, or the whole file from wherever, so
    /// that a brace may be from there, too.
    fn of_new(&self, line: Line, carried: bool) -> Origin {
        match self.who {
            Who::Person { .. } if self.is_elsewhere(line) || carried && !line.is_telling() => {
                Origin::Unknown(Why::Repeated)
            }
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

/// The lines after a change.
pub(super) struct Brought {
    /// Where each of them comes from.
    pub origins: Vec<Origin>,
    /// Those that the change brought.
    pub introduced: Vec<(Line, Origin)>,
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
