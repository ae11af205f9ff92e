//! What a pruning would do, before it does it: which sessions go whole, whether the begin of one that stays goes,
//! and why the tape may stay larger than wanted.

use std::collections::HashSet;

use rusqlite::Connection;
use serde::Serialize;

use super::{SessionUsage, Wanted, candidates, usage};
use crate::{Error, Tape, migrate, pack};

/// What a pruning does, as far as it can be told before: sizes are estimates.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Plan {
    /// The sessions that go whole, in their order, each with about what becomes free.
    pub sessions: Vec<SessionUsage>,
    /// About how many bytes of the oldest requests of what stays go, too.
    pub trimmed_bytes: u64,
    /// About how large the tape is then.
    pub left_bytes: u64,
    /// About how much of it the sessions that stay need: the newest one, and those that are being recorded or
    /// were not meant.
    pub content_bytes: u64,
}

impl Plan {
    /// What to do so that this comes true: the same sessions by name. Only where that is too little for the wanted
    /// size, the next ones go as well.
    pub fn wanted(&self, wanted: &Wanted) -> Wanted {
        let going: HashSet<&String> = self.sessions.iter().map(|session| &session.id).collect();
        let is_below = |session: &&SessionUsage| {
            session.parent.as_ref().is_some_and(|parent| going.contains(parent))
        };
        let roots = self.sessions.iter().filter(|session| !is_below(session));
        let sessions = roots.map(|session| session.id.clone()).collect();
        Wanted { sessions, before_us: wanted.before_us, to_bytes: wanted.to_bytes }
    }
}

impl Tape {
    /// What a pruning would do. Changes nothing.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn plan(&self, wanted: &Wanted, now_us: i64) -> Result<Plan, Error> {
        let mut shares = usage::Shares::read(self)?;
        let (empty, mut needed) = (empty_bytes()?, self.size()?.needed());
        let mut content = shares.bytes();
        // Pages are never quite full, and the search index needs its part: so much of the file a byte takes.
        let per_byte = (needed.saturating_sub(empty) as f64 / content.max(1) as f64).max(1.0);
        let mut sessions = Vec::new();
        for tree in candidates(self, wanted, now_us)? {
            let too_large = wanted.to_bytes.is_some_and(|limit| needed > limit);
            if !wanted.names(&tree) && !too_large {
                continue;
            }
            for (id, _) in tree.sessions {
                // It may have been asked for and be old, too.
                let Some(session) = shares.take(&id) else { continue };
                content = content.saturating_sub(session.bytes);
                needed = needed.saturating_sub((session.bytes as f64 * per_byte) as u64);
                sessions.push(session);
            }
        }
        let trim = wanted.to_bytes.and_then(|limit| trim_to(limit, needed, content, empty));
        let trimmed_bytes = trim.map_or(0, |to| needed.saturating_sub(to));
        Ok(Plan {
            sessions,
            trimmed_bytes,
            left_bytes: needed - trimmed_bytes,
            content_bytes: content.saturating_sub(trimmed_bytes),
        })
    }

    /// How much of the tape its sessions need, in bytes.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn content_bytes(&self) -> Result<u64, Error> {
        content_bytes(&self.connection)
    }
}

/// What a tape takes with nothing on it, in bytes: its tables and indexes have at least a page each.
///
/// # Errors
/// When there is no memory for one.
pub fn empty_bytes() -> Result<u64, Error> {
    let empty = migrate::in_memory()?;
    let figure = |pragma| empty.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    Ok((figure("page_count")? * figure("page_size")?).cast_unsigned())
}

/// As [`Tape::content_bytes`], without looking at who shares what.
pub(super) fn content_bytes(tape: &Connection) -> Result<u64, Error> {
    let sum: i64 = tape
        .prepare_cached(
            "SELECT (SELECT coalesce(sum(length(data) + ?1), 0) FROM parts)
                 + (SELECT coalesce(sum(length(data)), 0) FROM packs)
                 + (SELECT coalesce(sum(length(data) + ?10), 0) FROM loose)
                 + (SELECT coalesce(sum(?2 + coalesce(length(request_layout), 0)
                     + coalesce(length(response_headers), 0)), 0)
                   FROM exchanges)
                 + (SELECT coalesce(sum(length(body) + ?3), 0) FROM event_rows WHERE session > 0)
                 + (SELECT count(*) * ?4 FROM sessions)
                 + (SELECT coalesce(sum(length(subject) + ?5), 0) FROM tools)
                 + (SELECT count(*) * ?6 FROM observations)
                 + (SELECT coalesce(sum(length(parts) * ?7 + ?8), 0) FROM file_states)
                 + (SELECT coalesce(sum(length(record) + ?9), 0) FROM agent_trace_records)",
        )?
        .query_row(
            [
                usage::PART,
                usage::EXCHANGE,
                usage::EVENT,
                usage::SESSION,
                usage::TOOL,
                usage::OBSERVATION,
                usage::STATE_USE,
                usage::STATE,
                usage::RECORD,
                pack::LOOSE,
            ]
            .map(u64::cast_signed),
            |row| row.get(0),
        )?;
    Ok(sum.cast_unsigned())
}

/// To what size a tape is trimmed by taking the begin of the sessions that stay, in bytes; `None` where that is not
/// why it is too large. Never because of what the tape needs anyway, or holds for others: no session would become
/// small enough for that.
pub(super) fn trim_to(limit: u64, needed: u64, content: u64, empty: u64) -> Option<u64> {
    let leaves = limit.checked_sub(empty)?;
    // With its part of the indexes, content takes up to half as much again on measured tapes.
    let too_much = (content + content / 2).checked_sub(leaves)?;
    let to = limit.max(needed.saturating_sub(too_much));
    (to < needed).then_some(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_content_that_does_not_fit_is_trimmed() {
        let empty = empty_bytes().unwrap();
        assert!(empty > 100_000 && empty < 1_000_000, "{empty}: less than any setting allows");
        let trim = |limit, needed, content| trim_to(limit, needed, content, 200);
        assert_eq!(trim(50, 258, 13), None, "nothing in it would make it fit");
        assert_eq!(trim(250, 258, 13), None, "it is not the content that is too large");
        assert_eq!(trim(250, 240, 900), None, "it fits");
        assert_eq!(trim(600, 1_200, 900), Some(600));
        assert_eq!(trim(600, 1_200, 400), Some(1_000), "the rest is not the content's");
    }
}
