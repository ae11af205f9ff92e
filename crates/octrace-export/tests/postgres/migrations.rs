//! The tables: who makes them, and who must not.

use std::thread;

use octrace_export::postgres::{
    Unavailable, Verdict,
    migrate::{MIGRATIONS, VERSION, script},
};
use octrace_testkit::{Postgres, Sql};

use crate::{all_accepted, client, counts, items};

/// Everything that there is, to compare two databases by.
const SHAPE: &str = "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns \
    WHERE table_schema = 'public' ORDER BY 1, ordinal_position; \
    SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1; \
    SELECT conrelid::regclass, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2; \
    SELECT version FROM agent_trace_migrations ORDER BY 1";

#[test]
fn ten_recorders_and_a_person_at_once_make_them_once() {
    let url = Postgres::shared().unwrap().database().unwrap();
    let items = items(40);
    thread::scope(|scope| {
        for _ in 0..10 {
            scope.spawn(|| all_accepted(&client(&url).send(&items)));
        }
        scope.spawn(|| Sql::connect(&url).unwrap().run(&script()).unwrap());
    });
    assert_eq!(counts(&url), [26, 14, 42, 40]);
}

#[test]
fn psql_and_octrace_make_the_same() {
    let server = Postgres::shared().unwrap();
    let (ours, theirs) = (server.database().unwrap(), server.database().unwrap());
    assert_eq!(client(&ours).version().unwrap(), 0);
    assert_eq!(client(&ours).migrate().unwrap(), 0);
    assert_eq!(client(&ours).migrate().unwrap(), VERSION);
    let theirs_sql = Sql::connect(&theirs).unwrap();
    for _ in 0..2 {
        theirs_sql.run(&script()).unwrap();
    }
    let shape = theirs_sql.run(SHAPE).unwrap();
    assert_eq!(Sql::connect(&ours).unwrap().run(SHAPE).unwrap(), shape);
    assert!(shape.len() > 60, "{shape:?}");
    assert_eq!(client(&theirs).version().unwrap(), VERSION);
}

#[test]
fn an_older_version_is_brought_forward_and_keeps_its_rows() {
    let url = Postgres::shared().unwrap().database().unwrap();
    let sql = Sql::connect(&url).unwrap();
    sql.run(MIGRATIONS[0].sql).unwrap();
    sql.run("INSERT INTO agent_trace_events VALUES (gen_random_uuid(), 'old', NULL, NULL, NULL, now(), '{}')").unwrap();
    all_accepted(&client(&url).send(&items(2)));
    assert_eq!(client(&url).version().unwrap(), VERSION);
    assert_eq!(counts(&url), [2, 1, 3, 2]);
}

#[test]
fn a_newer_version_is_left_alone_and_everything_waits() {
    let url = Postgres::shared().unwrap().database().unwrap();
    let mut client = client(&url);
    all_accepted(&client.send(&items(2)));
    let sql = Sql::connect(&url).unwrap();
    sql.run("INSERT INTO agent_trace_migrations VALUES (99)").unwrap();
    let outcome = client.send(&items(4));
    assert_eq!(outcome.verdicts, vec![Verdict::Waiting; 4]);
    let why = outcome.unavailable.unwrap();
    assert!(matches!(why, Unavailable::Newer { found: 99, known: VERSION, .. }), "{why:?}");
    assert!(why.to_string().ends_with("version 99, this octrace knows versions up to 2"), "{why}");
    assert_eq!(why.hint(), Some("Install the newest octrace; until then everything waits."));
    assert!(client.migrate().is_err());
    assert_eq!(counts(&url), [1, 1, 3, 2]);
    sql.run("DELETE FROM agent_trace_migrations WHERE version = 99").unwrap();
    all_accepted(&client.send(&items(4)));
}

#[test]
fn a_user_who_may_only_insert_can_send_and_one_who_may_nothing_is_told() {
    let server = Postgres::shared().unwrap();
    let url = server.database().unwrap();
    let (name, admin) = (url.rsplit('/').next().unwrap(), Sql::connect(&url).unwrap());
    admin.run(&format!("CREATE ROLE writer_{name} LOGIN PASSWORD 'geheim-{name}'")).unwrap();
    let theirs = url.replace(
        &format!("postgres:{}@", server.password()),
        &format!("writer_{name}:geheim-{name}@"),
    );
    let outcome = client(&theirs).send(&items(3));
    let why = outcome.unavailable.unwrap();
    assert!(matches!(&why, Unavailable::Refused { code, .. } if code == "42501"), "{why:?}");
    assert!(why.hint().unwrap().starts_with("`octrace migrate` creates the tables"));
    client(&url).migrate().unwrap();
    admin
        .run(&format!("GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA public TO writer_{name}"))
        .unwrap();
    all_accepted(&client(&theirs).send(&items(3)));
    assert_eq!(counts(&url), [2, 1, 3, 3]);
}

#[test]
fn they_come_into_the_first_schema_of_the_search_path() {
    let url = Postgres::shared().unwrap().database().unwrap();
    let sql = Sql::connect(&url).unwrap();
    sql.run("CREATE SCHEMA traces").unwrap();
    let there = format!("{url}?options=-c%20search_path%3Dtraces,public");
    all_accepted(&client(&there).send(&items(3)));
    assert_eq!(counts(&there), [2, 1, 3, 3]);
    let elsewhere = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(sql.number(elsewhere).unwrap(), 0);
}
