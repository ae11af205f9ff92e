//! Which sessions may go: trees of sessions with their sub-agents' sessions, and whether they are being recorded.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rusqlite::Connection;

use super::DAY_US;
use crate::Error;

/// A session with its sub-agents' sessions, which go together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tree {
    /// Each with its `updated_us`, by which a change since is seen.
    pub(super) sessions: Vec<(String, i64)>,
    /// When the last thing in any of them was recorded, µs since the Unix epoch.
    pub(super) updated_us: i64,
    /// Whether one of them is being recorded.
    pub(super) busy: bool,
}

/// All sessions at one moment.
pub(super) struct Forest {
    sessions: BTreeMap<String, i64>,
    children: BTreeMap<String, Vec<String>>,
    busy: HashSet<String>,
}

impl Forest {
    pub(super) fn read(tape: &Connection, now_us: i64) -> Result<Self, Error> {
        let mut select = tape.prepare_cached("SELECT id, parent, updated_us FROM sessions")?;
        let mut rows = select.query([])?;
        let mut sessions = BTreeMap::new();
        let mut children: BTreeMap<String, Vec<String>> = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let (id, parent): (String, Option<String>) = (row.get(0)?, row.get(1)?);
            if let Some(parent) = parent {
                children.entry(parent).or_default().push(id.clone());
            }
            sessions.insert(id, row.get(2)?);
        }
        Ok(Self { sessions, children, busy: busy(tape, now_us)? })
    }

    /// All trees, the one that was active last at the end.
    pub(super) fn trees(&self) -> Vec<Tree> {
        let below: BTreeSet<&String> = self
            .children
            .iter()
            .filter(|(parent, _)| self.sessions.contains_key(*parent))
            .flat_map(|(_, children)| children)
            .collect();
        let mut seen = BTreeSet::new();
        // Sessions that are each other's parents are below one another: they come last, from any of them.
        let roots = self.sessions.keys().filter(|id| !below.contains(id));
        let mut trees: Vec<Tree> = roots
            .chain(self.sessions.keys())
            .map(|id| self.grow(id, &mut seen))
            .filter(|tree| !tree.sessions.is_empty())
            .collect();
        trees.sort_by(|a, b| (a.updated_us, &a.sessions).cmp(&(b.updated_us, &b.sessions)));
        trees
    }

    /// A session and what is below it; no sessions if there is none with this id.
    pub(super) fn tree(&self, id: &str) -> Tree {
        self.grow(id, &mut BTreeSet::new())
    }

    fn grow(&self, root: &str, seen: &mut BTreeSet<String>) -> Tree {
        let mut tree = Tree { updated_us: i64::MIN, ..Tree::default() };
        let mut next = vec![root];
        while let Some(id) = next.pop() {
            let Some(&updated_us) = self.sessions.get(id) else { continue };
            if !seen.insert(id.to_owned()) {
                continue;
            }
            tree.sessions.push((id.to_owned(), updated_us));
            tree.updated_us = tree.updated_us.max(updated_us);
            tree.busy |= self.busy.contains(id);
            next.extend(self.children.get(id).into_iter().flatten().map(String::as_str));
        }
        tree
    }
}

/// The sessions with an exchange under way, and the newest ones of spools that have not ended. A spool that
/// nothing came from for a day counts as given up: its machine may have lost it.
fn busy(tape: &Connection, now_us: i64) -> Result<HashSet<String>, Error> {
    let mut select = tape.prepare_cached(
        "WITH live AS (SELECT id FROM spools WHERE ended_us IS NULL)
         SELECT id FROM sessions WHERE updated_us >= ?1 AND id IN (
             SELECT session FROM exchanges WHERE outcome IN ('waiting', 'streaming')
             UNION ALL
             SELECT (SELECT session FROM exchanges WHERE spool = live.id ORDER BY number DESC LIMIT 1)
             FROM live
             UNION ALL
             SELECT (SELECT session FROM events WHERE spool = live.id AND session IS NOT NULL
                     ORDER BY id DESC LIMIT 1)
             FROM live)",
    )?;
    let rows = select.query_map([now_us.saturating_sub(DAY_US)], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
