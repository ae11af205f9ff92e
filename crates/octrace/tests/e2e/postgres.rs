//! Agent Trace in a real Postgres: whatever befalls the database, all of it arrives there once, and the agent notices
//! nothing. What has arrived is counted by SQL and held against the tape.

use std::{fs, time::Duration};

use anyhow::{Context, ensure};
use octrace_export::postgres::migrate::{MIGRATIONS, VERSION};
use octrace_testkit::{
    Fault, Output, PATIENCE, Postgres, Proxy, Run, Serve, Sql, eventually,
    script::{Script, Step},
};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::stage::{Stage, collect};

const URL: &str = "AGENT_TRACE_DATABASE_URL";

/// Files that are written, edited, and changed by a shell, each in a session `SCRIPT:one`, `SCRIPT:two`, …
fn script() -> Script {
    ["one", "two", "three", "four"].into_iter().fold(Script::new(), |script, name| {
        let path = format!("{name}.txt");
        // Postgres has no text with a NUL.
        let content = format!("{name} a\n{name} b\n{name} \0\n");
        let from = format!("{name} b");
        script.on(
            name,
            [
                Step::call("write", json!({"filePath": path, "content": content})),
                Step::call(
                    "edit",
                    json!({"filePath": path, "oldString": from, "newString": "new\nlines"}),
                ),
                Step::call(
                    "bash",
                    json!({"command": format!("sed -i '1s/$/ more/' {path}"), "description": "Change"}),
                ),
                Step::text("done"),
            ],
        )
    })
}

/// A home and a database for it.
struct Traced {
    stage: Stage,
    url: String,
}

impl Traced {
    fn new(url: String) -> anyhow::Result<Self> {
        Ok(Self { stage: Stage::new(script())?, url })
    }

    /// `octrace run -- opencode run`, with the database in its environment.
    fn run(&self, name: &str) -> anyhow::Result<Output> {
        self.with_url(self.stage.run("mock/scripted", &format!("SCRIPT:{name}")))
            .output()?
            .success()
    }

    fn with_url(&self, run: Run) -> Run {
        run.env(URL, &self.url)
    }

    /// octrace, with the database in its environment.
    fn octrace<const N: usize>(&self, arguments: [&str; N]) -> anyhow::Result<Output> {
        self.with_url(self.stage.octrace(arguments)).output()
    }

    /// Delivers what waits.
    fn flush(&self) -> anyhow::Result<()> {
        self.octrace(["flush", "--timeout", "60"])?.success().map(drop)
    }

    /// The only destination, as `queue --json` tells of it.
    fn queue(&self) -> anyhow::Result<Value> {
        let queue = self.stage.json(["queue"])?;
        ensure!(queue["destinations"].as_array().is_some_and(|all| all.len() == 1), "{queue}");
        ensure!(queue["dead_letters"] == json!([]), "{queue}");
        Ok(queue["destinations"][0].clone())
    }

    /// Something waits, and `queue list` says why.
    fn waits(&self, why: &str) -> anyhow::Result<()> {
        // A recorder outlives its OpenCode by as long as it tries.
        eventually(PATIENCE, || {
            let queue = self.queue()?;
            let said = queue["error"].as_str().unwrap_or_default();
            ensure!(said.contains(why) && queue["waiting"].as_u64() > Some(0), "{queue}");
            anyhow::Ok(())
        })?;
        let told = self.stage.octrace(["queue", "list"]).output()?.success()?.stdout;
        ensure!(told.contains(why), "{told}");
        Ok(())
    }

    /// Every record, every range and every event of the tape is in the database, once, and nothing waits. `url` is the
    /// straight way to it.
    fn is_complete(&self, url: &str) -> anyhow::Result<()> {
        let sql = Sql::connect(url)?;
        let export = self.stage.octrace(["export", "agent-trace"]).args(self.stage.sessions()?);
        let exported = export.output()?.success()?.stdout;
        let mut records = lines(exported.lines())?;
        ensure!(!records.is_empty(), "no records");
        let stored = sql.run("SELECT record FROM agent_trace_records")?;
        let mut stored = lines(stored.iter().map(String::as_str))?;
        for list in [&mut records, &mut stored] {
            list.sort_by_key(|record| record["id"].to_string());
        }
        ensure!(stored == records, "{stored:#?}\nnot\n{records:#?}");
        let in_database = sql.run(
            "SELECT record_id, position, path, start_line, end_line, content_hash
             FROM agent_trace_ranges ORDER BY record_id, position",
        )?;
        assert_eq!(in_database, ranges(&records));
        let events = self.events()?;
        let in_database = sql.run(
            "SELECT event_name, session_id, (extract(epoch FROM at) * 1000000)::bigint
             FROM agent_trace_events ORDER BY event_id",
        )?;
        assert_eq!(sorted(in_database), sorted(events.clone()));
        let seen = sql.number("SELECT count(*) FROM agent_trace_dedupe")?;
        assert_eq!(usize::try_from(seen)?, records.len() + events.len());
        let queue = self.queue()?;
        assert_eq!((&queue["waiting"], &queue["dead"]), (&json!(0), &json!(0)), "{queue}");
        Ok(())
    }

    /// The events on the tape that are to be delivered: name, session, time.
    fn events(&self) -> anyhow::Result<Vec<String>> {
        let tape = self.stage.home.data().join("octrace/tape.db");
        let tape = Connection::open_with_flags(tape, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let mut select = tape.prepare(
            "SELECT replace(kind, 'hook.', '') || '|' || coalesce(session, '-') || '|' || at_us FROM events
             WHERE kind GLOB 'hook.tool.execute.*' OR kind GLOB 'session.*' OR kind GLOB 'message.*'
                OR kind = 'command.executed'",
        )?;
        let rows = select.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Lines of JSON.
fn lines<'a>(lines: impl Iterator<Item = &'a str>) -> anyhow::Result<Vec<Value>> {
    Ok(lines.map(serde_json::from_str).collect::<Result<_, _>>()?)
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

/// What the database should have as ranges.
fn ranges(records: &[Value]) -> Vec<String> {
    let array = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut all = Vec::new();
    for record in records {
        let mut position = 0;
        for file in array(&record["files"]) {
            for range in array(&file["conversations"]).iter().flat_map(|one| array(&one["ranges"]))
            {
                position += 1;
                let fields = [&record["id"], &json!(position), &file["path"], &range["start_line"]];
                let fields = fields.into_iter().chain([&range["end_line"], &range["content_hash"]]);
                let fields = fields.map(|field| match field {
                    // Lines in which something was redacted have no hash.
                    Value::Null => "-".to_owned(),
                    Value::String(text) => text.clone(),
                    field => field.to_string(),
                });
                let fields: Vec<_> = fields.collect();
                all.push(fields.join("|"));
            }
        }
    }
    all
}

/// The database of this URL, by another way.
fn through(proxy: &Proxy, server: &Postgres, url: &str) -> String {
    url.replace(&format!(":{}/", server.port()), &format!(":{}/", proxy.port()))
}

/// A session while the database is as `bad` made it; all of it is there after `good` and a flush.
fn weathered(bad: &str, why: &str, good: &str) -> anyhow::Result<()> {
    let traced = Traced::new(Postgres::shared()?.database()?)?;
    traced.octrace(["migrate"])?.success()?;
    let sql = Sql::connect(&traced.url)?;
    sql.run(bad)?;
    traced.run("one")?;
    traced.waits(why)?;
    sql.run(good)?;
    traced.flush()?;
    traced.is_complete(&traced.url)
}

#[test]
fn down_for_a_whole_session_and_the_next_recorder_delivers_it() -> anyhow::Result<()> {
    let mut server = Postgres::start(&[])?;
    let traced = Traced::new(server.database()?)?;
    server.stop()?;
    traced.run("one")?;
    traced.waits("no connection to 127.0.0.1")?;
    let flushed = traced.octrace(["flush", "--timeout", "1"])?;
    assert_eq!(flushed.code, 1);
    ensure!(flushed.stderr.contains("not all is delivered"), "{flushed:?}");
    let without = traced.stage.octrace(["flush"]).output()?.success()?;
    ensure!(without.stderr.contains("its URL is not in this environment"), "{without:?}");
    let doctor = traced.octrace(["doctor"])?.stdout;
    ensure!(doctor.contains("nothing is delivered now: no connection"), "{doctor}");
    for output in [&flushed.stderr, &without.stderr, &doctor] {
        ensure!(!output.contains(server.password()), "{output}");
    }
    server.resume()?;
    traced.run("two")?;
    eventually(PATIENCE, || traced.is_complete(&traced.url))
}

#[test]
fn restarted_in_the_middle() -> anyhow::Result<()> {
    let mut server = Postgres::start(&[])?;
    let traced = Traced::new(server.database()?)?;
    let opencode = Serve::of(traced.with_url(traced.stage.serve()))?;
    let dir = traced.stage.home.project();
    let session = opencode.session(&dir)?;
    let prompt =
        |name: &str| opencode.prompt(&dir, &session, "mock/scripted", &format!("SCRIPT:{name}"));
    prompt("one")?;
    let arrived = || {
        let sql = Sql::connect(&traced.url)?;
        let count = sql.number("SELECT count(*) FROM agent_trace_records")?;
        ensure!(count > 0, "nothing has arrived");
        anyhow::Ok(())
    };
    eventually(PATIENCE, arrived)?;
    server.stop()?;
    prompt("two")?;
    traced.waits("no connection to 127.0.0.1")?;
    server.resume()?;
    prompt("three")?;
    drop(opencode);
    traced.flush()?;
    traced.is_complete(&traced.url)
}

#[test]
fn slow() -> anyhow::Result<()> {
    let traced = Traced::new(Postgres::shared()?.database()?)?;
    traced.octrace(["migrate"])?.success()?;
    Sql::connect(&traced.url)?.run(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         PERFORM pg_sleep(1); RETURN NULL; END $$;
         CREATE TRIGGER slow BEFORE INSERT ON agent_trace_dedupe EXECUTE FUNCTION slow()",
    )?;
    traced.run("one")?;
    traced.flush()?;
    traced.is_complete(&traced.url)
}

#[test]
fn full() -> anyhow::Result<()> {
    weathered(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
         CREATE TRIGGER full_disk BEFORE INSERT ON agent_trace_events EXECUTE FUNCTION full_disk()",
        "No space left on device (SQLSTATE 53100)",
        "DROP TRIGGER full_disk ON agent_trace_events",
    )
}

#[test]
fn read_only() -> anyhow::Result<()> {
    let set =
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = %s',
        current_database(),";
    weathered(
        &format!("{set} 'on'); END $$"),
        "read-only transaction",
        &format!("SET default_transaction_read_only = off; {set} 'off'); END $$"),
    )
}

#[test]
fn newer() -> anyhow::Result<()> {
    weathered(
        "INSERT INTO agent_trace_migrations (version) VALUES (99)",
        "have version 99, this octrace knows versions up to",
        "DELETE FROM agent_trace_migrations WHERE version = 99",
    )
}

#[test]
fn older() -> anyhow::Result<()> {
    let traced = Traced::new(Postgres::shared()?.database()?)?;
    let sql = Sql::connect(&traced.url)?;
    sql.run(MIGRATIONS[0].sql)?;
    traced.run("one")?;
    traced.flush()?;
    let newest = i64::from(VERSION);
    assert_eq!(sql.number("SELECT max(version) FROM agent_trace_migrations")?, newest);
    traced.is_complete(&traced.url)
}

#[test]
fn cut_during_copy() -> anyhow::Result<()> {
    let server = Postgres::shared()?;
    let straight = server.database()?;
    let proxy = Proxy::to(server.port())?;
    let traced = Traced::new(through(&proxy, server, &straight))?;
    traced.octrace(["migrate"])?.success()?;
    proxy.set(Fault::CutAsked(10_000));
    traced.run("one")?;
    traced.waits("no connection to 127.0.0.1")?;
    // What comes before the rows is shorter, a full batch is longer.
    proxy.set(Fault::CutAsked(20_000));
    let flushed = traced.octrace(["flush", "--timeout", "2"])?;
    assert_eq!(flushed.code, 1, "{flushed:?}");
    let cut = "STATEMENT:  COPY agent_trace_events";
    ensure!(server.log().contains(cut), "not cut in its rows: {}", server.log());
    proxy.set(Fault::None);
    traced.flush()?;
    traced.is_complete(&straight)
}

#[test]
fn the_agent_does_not_wait_for_a_database() -> anyhow::Result<()> {
    let server = Postgres::shared()?;
    let url = server.database()?;
    let (dead, hanging) = (Proxy::to(server.port())?, Proxy::to(server.port())?);
    dead.set(Fault::Refuse);
    hanging.set(Fault::Stall);
    let stage = &Stage::new(script())?;
    let urls = [String::new(), through(&dead, server, &url), through(&hanging, server, &url)];
    // The shortest of a few, in turns.
    let shortest = |runs: &[&dyn Fn() -> Run]| -> anyhow::Result<[Duration; 3]> {
        let mut shortest = [Duration::MAX; 3];
        for run in runs {
            for (url, shortest) in urls.iter().zip(&mut shortest) {
                let took = run().env(URL, url).output()?.success()?.took;
                *shortest = took.min(*shortest);
            }
        }
        Ok(shortest)
    };
    let [one, two] =
        ["SCRIPT:one", "SCRIPT:two"].map(|prompt| move || stage.run("mock/scripted", prompt));
    let took = shortest(&[&one, &two])?;
    ensure!(took[1] < took[0] * 2 && took[2] < took[0] * 2, "{took:?}");
    ensure!(dead.connections() > 0 && hanging.connections() > 0, "nobody tried");
    // What waits is no reason to stay when the command has ended, either.
    let brief = || stage.octrace(["run", "--", "true"]);
    let took = shortest(&[&brief, &brief, &brief])?;
    ensure!(took[1] < took[0] * 5 && took[2] < took[0] * 5, "{took:?}");

    // All of it waits for its own.
    hanging.set(Fault::None);
    stage.octrace(["flush", "--timeout", "60"]).env(URL, &urls[2]).output()?.success()?;
    let sessions = "SELECT count(DISTINCT session_id) FROM agent_trace_records";
    assert_eq!(Sql::connect(&url)?.number(sessions)?, 2);
    Ok(())
}

#[test]
fn only_what_was_meant_for_a_database_goes_there() -> anyhow::Result<()> {
    let traced = Traced::new(Postgres::shared()?.database()?)?;
    let Traced { stage, url } = &traced;
    let run = |name: &str| stage.run("mock/scripted", &format!("SCRIPT:{name}"));
    run("one").output()?.success()?;
    // Like an application's own.
    run("two").env("DATABASE_URL", url).output()?.success()?;
    traced.flush()?;
    let sql = Sql::connect(url)?;
    let tables = "SELECT count(*) FROM pg_class WHERE relname LIKE 'agent_trace%'";
    assert_eq!(sql.number(tables)?, 0, "nobody has asked for tables");
    ensure!(stage.json(["queue"])?["destinations"] == json!([]));

    let before = stage.sessions()?;
    let meant = run("three").env("DATABASE_URL", url).env("AGENT_TRACE_ENABLED", "true");
    meant.output()?.success()?;
    let other = stage.home.add_project("other")?;
    run("four").dir(other).output()?.success()?;
    traced.flush()?;
    let sessions = stage.sessions()?;
    assert_eq!((before.len(), sessions.len()), (2, 4));
    for table in ["agent_trace_records", "agent_trace_ranges", "agent_trace_events"] {
        let there = format!("SELECT DISTINCT session_id FROM {table} WHERE session_id IS NOT NULL");
        assert_eq!(sql.run(&there)?, sessions[2..3], "{table}");
    }
    assert_eq!(sql.number("SELECT count(*) FROM agent_trace_records")?, 3);
    Ok(())
}

#[test]
fn the_password_is_nowhere() -> anyhow::Result<()> {
    let server = Postgres::shared()?;
    let show = "echo $AGENT_TRACE_DATABASE_URL; echo $AGENT_TRACE_DATABASE_URL | cut -d@ -f1 | cut -d: -f3";
    let stage = Stage::new(Script::new().on(
        "show",
        [
            Step::call("bash", json!({"command": show, "description": "Show"})),
            Step::call("write", json!({"filePath": "a.txt", "content": server.password()})),
            Step::text("done"),
        ],
    ))?;
    let traced = Traced { stage, url: server.database()? };
    let stage = &traced.stage;
    let password = server.password().as_bytes();
    let holds = |bytes: &[u8]| bytes.windows(password.len()).any(|window| window == password);
    let opencode = Serve::of(traced.with_url(stage.serve()))?;
    let dir = stage.home.project();
    let session = opencode.session(&dir)?;
    let prompt = |prompt: &str| opencode.prompt(&dir, &session, "mock/scripted", prompt);
    prompt("hello")?;
    let mut files = Vec::new();
    collect(&stage.home.runtime().join("octrace"), &mut files)?;
    ensure!(!files.is_empty(), "no spool");
    prompt("SCRIPT:show")?;
    drop(opencode);
    traced.flush()?;
    files.extend(stage.kept()?);
    for (path, bytes) in files {
        ensure!(!holds(&bytes), "{}", path.display());
    }
    ensure!(holds(&fs::read(dir.join("a.txt"))?), "there was something to hide");
    let mut told = Vec::new();
    for arguments in [
        &["queue"][..],
        &["queue", "--json"],
        &["config"],
        &["config", "--json"],
        &["doctor"],
        &["doctor", "--json"],
        &["export", "jsonl"],
        &["show", &session, "--json"],
    ] {
        let output = traced.with_url(stage.octrace([]).args(arguments)).output()?;
        told.push(format!("{arguments:?}\n{}{}", output.stdout, output.stderr));
    }
    ensure!(told[2].contains("(with a password)"), "{}", told[2]);
    let sql = Sql::connect(&traced.url)?;
    told.extend(sql.run("SELECT to_json(e)::text FROM agent_trace_events e")?);
    told.extend(sql.run("SELECT to_json(r)::text FROM agent_trace_records r")?);
    for told in &told {
        ensure!(!holds(told.as_bytes()), "{told}");
    }
    traced.is_complete(&traced.url)
}

#[test]
fn tables_that_psql_made_are_taken() -> anyhow::Result<()> {
    let traced = Traced::new(Postgres::shared()?.database()?)?;
    let psql = |arguments: &[&str]| {
        let psql = traced.stage.home.command("psql").args(["-X", "-q", "-v", "ON_ERROR_STOP=1"]);
        psql.args(arguments).arg(&traced.url).output()
    };
    if psql(&["--version"]).is_err() {
        // It is no part of what tests need.
        return Ok(());
    }
    let sql = Sql::connect(&traced.url)?;
    for migration in MIGRATIONS.iter().chain(&MIGRATIONS) {
        let path = traced.stage.home.path().join(migration.name);
        fs::write(&path, migration.sql)?;
        psql(&["-f", path.to_str().context("a path")?])?.success()?;
    }
    let newest = i64::from(VERSION);
    assert_eq!(sql.number("SELECT max(version) FROM agent_trace_migrations")?, newest);
    traced.run("one")?;
    traced.flush()?;
    traced.is_complete(&traced.url)
}
