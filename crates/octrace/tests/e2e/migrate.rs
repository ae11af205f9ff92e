//! `octrace migrate`: tables in a real Postgres, and a password that nobody reads.

use octrace_testkit::{Home, Output, Postgres, Sql, refused_url};

use crate::stage::OCTRACE;

fn migrate(home: &Home, url: &str, arguments: &[&str]) -> anyhow::Result<Output> {
    home.octrace(OCTRACE, [&["migrate"], arguments].concat())
        .env("AGENT_TRACE_DATABASE_URL", url)
        .output()
}

#[test]
fn the_tables_are_made_once_and_the_password_is_never_said() {
    let home = Home::new(&refused_url().unwrap()).unwrap();
    let server = Postgres::shared().unwrap();
    let url = server.database().unwrap();
    let made = migrate(&home, &url, &[]).unwrap().success().unwrap();
    assert!(made.stdout.starts_with("The tables are made, version 2: 127.0.0.1:"), "{made:?}");
    let again = migrate(&home, &url, &[]).unwrap().success().unwrap();
    assert!(again.stdout.starts_with("The tables are there already, version 2: "), "{again:?}");
    let sql = Sql::connect(&url).unwrap();
    assert_eq!(sql.number("SELECT max(version) FROM agent_trace_migrations").unwrap(), 2);

    let wrong = url.replace(server.password(), "wrong-pass-word");
    let refused = migrate(&home, &wrong, &[]).unwrap();
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("password authentication failed"), "{refused:?}");
    assert!(refused.stderr.contains("hint: Look at the user and the password"), "{refused:?}");
    for output in [&made, &again, &refused] {
        let told = format!("{}{}", output.stdout, output.stderr);
        assert!(!told.contains("wrong-pass-word") && !told.contains(server.password()), "{told}");
    }
}

#[test]
fn the_sql_is_printed_without_a_database() {
    let home = Home::new(&refused_url().unwrap()).unwrap();
    let printed = migrate(&home, "", &["--print"]).unwrap().success().unwrap();
    let server = Postgres::shared().unwrap();
    let sql = Sql::connect(&server.database().unwrap()).unwrap();
    sql.run(&printed.stdout).unwrap();
    assert_eq!(sql.number("SELECT count(*) FROM agent_trace_records").unwrap(), 0);
    let nowhere = migrate(&home, "", &[]).unwrap();
    assert_eq!(nowhere.code, 1);
    assert!(nowhere.stderr.contains("no database is set"), "{nowhere:?}");
}
