//! What files contained goes with whoever saw it, and nothing else of it stays.

use octrace_core::attribution::{
    observed::{Found, Observed, Revision},
    timeline::{CallId, Moment},
};

use super::*;
use crate::{evidence::Record, text::State};

impl Writer {
    /// A file as a call left it, with the call's record.
    pub(super) fn sees(&mut self, session: &str, at_us: i64, path: &str, found: Found) {
        let call = CallId { session: session.to_owned(), call: format!("call_{at_us}") };
        let seen = Redactor::new("").file(Observed {
            session: session.to_owned(),
            moment: Moment::After(call.clone()),
            path: path.to_owned(),
            named: None,
            at_us,
            found,
            exact: true,
            mark: String::new(),
            changed_us: None,
        });
        let hook = format!(
            r#"{{"hook":"tool.execute.after","input":{{"sessionID":"{session}","callID":"{}"}}}}"#,
            call.call
        );
        let hook = Redactor::new("").json(hook.as_bytes()).derive(|json| event::read_hook(json));
        let revision = Redactor::new("").revision(Revision::default());
        let record =
            Record { id: format!("{session} {at_us}"), call, at_us, json: "{}".to_owned() };
        let mut batch = self.tape.begin().unwrap();
        batch.event(self.spool, at_us, &hook.transpose().unwrap()).unwrap();
        batch.observed(self.spool, &seen).unwrap();
        batch.record_put(self.spool, &record).unwrap();
        batch.revision(&record.call, at_us, &revision).unwrap();
        batch.commit().unwrap();
    }
}

/// That nothing is kept of a file that nobody sees any more, and all of what somebody does.
pub(super) fn check(tape: &Tape) {
    let none = |sql: &str| {
        let rows: i64 = tape.connection.query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 0, "{sql}");
    };
    none("SELECT count(*) FROM traced_files WHERE id NOT IN (SELECT file FROM observations)");
    none("SELECT count(*) FROM observations WHERE file NOT IN (SELECT id FROM traced_files)");
    none("SELECT count(*) FROM observations WHERE found = 'text' AND state IS NULL");
    none("SELECT count(*) FROM observations WHERE spool NOT IN (SELECT id FROM spools)");
    none("SELECT count(*) FROM state_uses WHERE state NOT IN (SELECT id FROM file_states)");
    none(
        "SELECT count(*) FROM file_states WHERE id NOT IN (
             SELECT state FROM observations WHERE state IS NOT NULL)",
    );
    for table in ["observations", "call_times", "revisions", "agent_trace_records"] {
        none(&format!(
            "SELECT count(*) FROM {table} WHERE session NOT IN (
                 SELECT id FROM sessions UNION ALL SELECT session FROM doomed)"
        ));
    }
    let mut select =
        tape.connection.prepare("SELECT state FROM observations WHERE state IS NOT NULL").unwrap();
    let mut rows = select.query([]).unwrap();
    let mut parts = PartReader::new(&tape.connection).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let id = row.get(0).unwrap();
        let state = State::read(&tape.connection, id).unwrap().unwrap();
        assert!(state.is(&state.text(&mut parts).unwrap()));
        let mut noted = tape
            .connection
            .prepare_cached("SELECT 1 FROM state_uses WHERE part = ?1 AND state = ?2")
            .unwrap();
        for part in state.parts().unwrap() {
            assert!(noted.exists([part, id]).unwrap());
        }
    }
}

#[test]
fn files_go_with_the_last_session_that_saw_them_and_the_tape_knows_until_when() {
    let (_folder, path) = room();
    let mut writer = Writer::new(&path, "1-a");
    let text = |seed: i64| Found::Text(bulk(seed).repeat(3).into_bytes());
    let old = NOW - 40 * DAY_US;
    writer.sees("ses_old", old, "/p/both", text(1));
    writer.sees("ses_old", old + 1, "/p/old", text(2));
    writer.sees("ses_old", old + 2, "/p/old", Found::Absent);
    writer.sees("ses_new", NOW, "/p/both", text(1));
    writer.sees("ses_new", NOW, "/p/new", text(3));
    // What a file contained is sent to the model, too.
    writer.ask("ses_new", NOW, &body([bulk(2).repeat(3)]), "a");
    super::check(&writer.tape);
    let usage = writer.tape.usage().unwrap();
    let of = |id: &str| usage.sessions.iter().find(|session| session.id == id).unwrap().clone();
    assert!(of("ses_old").bytes > 1_500 && of("ses_old").shared_bytes > 1_500, "{usage:?}");
    assert_eq!(of("ses_old").shared_bytes, of("ses_new").shared_bytes);
    let pruned = |tape: &Tape, place: &str| tape.pruned_at(place.as_ref()).unwrap();
    assert_eq!(pruned(&writer.tape, "/p"), []);
    let states = |tape: &Tape| -> i64 {
        tape.connection.query_row("SELECT count(*) FROM file_states", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(states(&writer.tape), 3);
    run(&mut writer.tape, Wanted { before_us: Some(NOW - DAY_US), ..Wanted::default() });
    assert_eq!(writer.tape.traced_file("/p/old").unwrap(), None);
    let both = writer.tape.traced_file("/p/both").unwrap().unwrap();
    let seen = writer.tape.file_histories(&[both], None).unwrap();
    assert_eq!(seen[0].observations.len(), 1);
    assert_eq!(states(&writer.tape), 2);
    let [(from_us, until_us)] = pruned(&writer.tape, "/p")[..] else { panic!("one place") };
    assert!(from_us <= old && until_us == old + 2);
    assert_eq!(writer.tape.records("ses_old").unwrap(), []);
    assert_eq!(writer.tape.records("ses_new").unwrap().len(), 1, "of two calls at one time");
    assert!(writer.tape.verify(&mut |_| {}).unwrap().is_whole());
    writer.ends(NOW);
    let all = Wanted { sessions: vec!["ses_new".to_owned()], ..Wanted::default() };
    let mut later = Pruning::new(all, NOW + 2 * DAY_US);
    while later.step(&mut writer.tape).unwrap() {
        super::check(&writer.tape);
    }
    let left = |table: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        writer.tape.connection.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    for table in [
        "observations",
        "file_states",
        "state_uses",
        "traced_files",
        "parts",
        "call_times",
        "revisions",
        "agent_trace_records",
        "spools",
    ] {
        assert_eq!(left(table), 0, "{table}");
    }
}
