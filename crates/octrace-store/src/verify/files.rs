//! Recorded content: what files contained when they were seen.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::{
    Broken, Stage, Verification,
    content::Parts,
    walk::{self, Table, readable},
};
use crate::{Error, Tape, part::PartReader, text::State};

impl Tape {
    /// Every state of a file can be put together, and is what its hash says.
    pub(super) fn verify_states(
        &self,
        parts: &Parts,
        found: &mut Verification,
        broken_sessions: &mut BTreeSet<String>,
        tell: &mut dyn FnMut(Stage),
    ) -> Result<(), Error> {
        let tape = &self.connection;
        let mut reader = PartReader::new(tape)?;
        let table = Table { name: "file_states", plural: "files" };
        walk::ids(tape, table, found, tell, |found, id| {
            // Of one moment: it may be pruned at the next.
            let _moment = tape.unchecked_transaction()?;
            let Some(state) = readable(State::read(tape, id))? else {
                found.states.add(false);
                found.find(Broken::Content, format!("file state {id}: its row cannot be read"));
                return Ok(());
            };
            let Some(state) = state else { return Ok(()) };
            let used: BTreeSet<i64> = state.parts().unwrap_or_default().into_iter().collect();
            let broken = used.iter().find(|part| parts.is_broken(**part, &mut reader));
            let wrong = match state.text(&mut reader) {
                _ if broken.is_some() => broken.map(|part| format!("it lacks part {part}")),
                Ok(text) if state.is(&text) => None,
                Ok(_) => Some("it is not what its hash says".to_owned()),
                Err(error) if error.is_damage() => Some(error.to_string()),
                Err(error) => return Err(error),
            };
            found.states.add(wrong.is_none());
            if let Some(wrong) = wrong {
                broken_sessions.extend(readable(sessions(tape, id))?.unwrap_or_default());
                found.find(Broken::Content, format!("file state {id}: {wrong}"));
            }
            let noted = "SELECT 1 FROM state_uses WHERE part = ?1 AND state = ?2";
            for part in used {
                let noted = tape.prepare_cached(noted)?.exists([part, id]);
                if readable(noted.map_err(Error::from))? == Some(false) {
                    let what = format!("file state {id}: its use of part {part} is not noted");
                    found.find(Broken::Derived, what);
                }
            }
            Ok(())
        })
    }
}

/// The sessions that saw it.
fn sessions(tape: &Connection, state: i64) -> Result<Vec<String>, Error> {
    let mut select =
        tape.prepare_cached("SELECT DISTINCT session FROM observations WHERE state = ?1")?;
    Ok(select.query_map([state], |row| row.get(0))?.collect::<Result<_, _>>()?)
}
