//! Whatever happens to the way and to the server: nothing lost, nothing twice.

use std::time::Duration;

use octrace_export::postgres::{Client, Database, Item, Unavailable, Verdict};
use octrace_testkit::{Fault, Postgres, Proxy, Sql};

use crate::{all_accepted, client, counts, event, items, record};

/// Nothing was accepted; why.
fn waiting(client: &mut Client, items: &[Item]) -> Unavailable {
    let outcome = client.send(items);
    assert_eq!(outcome.verdicts, vec![Verdict::Waiting; items.len()]);
    match outcome.unavailable {
        Some(why) => why,
        None => panic!("everything waits and nobody says why"),
    }
}

fn code(why: &Unavailable) -> &str {
    match why {
        Unavailable::Refused { code, .. } => code,
        other => panic!("{other}"),
    }
}

/// The database of this URL, by another port.
fn through(proxy: &Proxy, server: &Postgres, url: &str) -> String {
    url.replace(&format!(":{}/", server.port()), &format!(":{}/", proxy.port()))
}

/// Sends batches through a way that is cut after ever more bytes, until one is not cut any more: from `first` bytes before the
/// end, by `step`. Says how many had arrived although nobody heard of it.
fn cut_everywhere(fault: fn(usize) -> Fault, first: usize, step: usize) -> anyhow::Result<u32> {
    let server = Postgres::shared()?;
    let url = server.database()?;
    client(&url).migrate()?;
    let proxy = Proxy::to(server.port())?;
    let there = through(&proxy, server, &url);
    let batch = |number: u32| -> Vec<Item> {
        let numbers = number * 40..(number + 1) * 40;
        numbers.map(|n| if n % 2 == 0 { record(n) } else { event(n) }).collect()
    };
    let counted = |batches: u32| {
        let n = i64::from(batches) * 20;
        [n, n, n * 3, n * 2]
    };
    all_accepted(&client(&there).send(&batch(0)));
    let (asked, answered) = proxy.bytes();
    let whole = if fault(0) == Fault::CutAsked(0) { asked } else { answered };
    let mut cut = whole.saturating_sub(first);
    let mut unheard = 0;
    for number in 1.. {
        let items = batch(number);
        proxy.set(fault(cut));
        let outcome = client(&there).send(&items);
        if outcome.unavailable.is_none() {
            all_accepted(&outcome);
            break;
        }
        assert_eq!(outcome.verdicts, vec![Verdict::Waiting; 40]);
        let arrived = counts(&url);
        assert!([counted(number), counted(number + 1)].contains(&arrived), "{arrived:?}");
        unheard += u32::from(arrived == counted(number + 1));
        proxy.set(Fault::None);
        all_accepted(&client(&there).send(&items));
        assert_eq!(counts(&url), counted(number + 1));
        cut += step;
    }
    Ok(unheard)
}

#[test]
fn cut_anywhere_on_its_way_a_batch_arrives_whole_and_once() {
    cut_everywhere(Fault::CutAsked, usize::MAX, 2500).unwrap();
}

#[test]
fn a_batch_whose_answer_is_cut_arrives_once() {
    let unheard = cut_everywhere(Fault::CutAnswered, 240, 10).unwrap();
    assert!(unheard > 0, "no cut came between the commit and its answer");
}

#[test]
fn a_server_that_restarts_is_found_again() {
    let mut server = Postgres::start(&[]).unwrap();
    let url = server.database().unwrap();
    let items = items(60);
    let mut client = client(&url);
    all_accepted(&client.send(&items[..20]));
    server.stop().unwrap();
    let why = waiting(&mut client, &items[20..40]);
    assert!(matches!(why, Unavailable::Connection { .. }), "{why:?}");
    waiting(&mut client, &items[20..40]);
    server.resume().unwrap();
    all_accepted(&client.send(&items[10..]));
    assert_eq!(counts(&url), [40, 20, 60, 60]);
}

#[test]
fn a_connection_that_ended_while_it_stood_idle_costs_nothing() {
    let url = Postgres::shared().unwrap().database().unwrap();
    let mut client = client(&url);
    all_accepted(&client.send(&items(3)));
    let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
        WHERE datname = current_database() AND application_name = 'octrace'";
    assert_eq!(Sql::connect(&url).unwrap().number(kill).unwrap(), 1);
    all_accepted(&client.send(&items(6)));
    assert_eq!(counts(&url), [4, 2, 6, 6]);
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for() {
    let server = Postgres::shared().unwrap();
    let url = server.database().unwrap();
    let proxy = Proxy::to(server.port()).unwrap();
    let database = Database::parse(&through(&proxy, server, &url)).unwrap();
    let patience = Duration::from_secs(2);
    let mut client = Client::new(database, None).with_limit(patience);
    all_accepted(&client.send(&items(3)));
    proxy.set(Fault::Stall);
    // On a connection that there was, and on a new one.
    for _ in 0..2 {
        let why = waiting(&mut client, &items(6));
        assert!(matches!(why, Unavailable::Silent { limit, .. } if limit == patience), "{why:?}");
    }
    proxy.set(Fault::Refuse);
    assert!(matches!(waiting(&mut client, &items(6)), Unavailable::Connection { .. }));
    proxy.set(Fault::None);
    all_accepted(&client.send(&items(6)));
    assert_eq!(counts(&url), [4, 2, 6, 6]);
}

#[test]
fn a_table_that_somebody_holds_is_not_waited_for_without_end() {
    let url = Postgres::shared().unwrap().database().unwrap();
    let mut client = Client::new(Database::parse(&url).unwrap(), None);
    all_accepted(&client.send(&items(3)));
    let mut client = client.with_limit(Duration::from_secs(1));
    let holder = Sql::connect(&url).unwrap();
    holder.run("BEGIN; LOCK TABLE agent_trace_events").unwrap();
    assert!(matches!(waiting(&mut client, &items(6)), Unavailable::Silent { .. }));
    holder.run("COMMIT").unwrap();
    let mut client = client.with_limit(Duration::from_secs(60));
    all_accepted(&client.send(&items(6)));
    assert_eq!(counts(&url), [4, 2, 6, 6]);
}

#[test]
fn a_database_that_cannot_be_written_to_is_waited_for() {
    let url = Postgres::shared().unwrap().database().unwrap();
    let (name, sql) = (url.rsplit('/').next().unwrap(), Sql::connect(&url).unwrap());
    client(&url).migrate().unwrap();
    sql.run(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on")).unwrap();
    let mut client = client(&url);
    let why = waiting(&mut client, &items(6));
    assert_eq!(code(&why), "25006", "{why}");
    assert_eq!(why.hint(), Some("Name a server that can be written to."));
    sql.run(&format!("ALTER DATABASE {name} RESET default_transaction_read_only")).unwrap();
    all_accepted(&client.send(&items(6)));
    assert_eq!(counts(&url), [4, 2, 6, 6]);
}

/// A full disk as the server tells of it; a real one would be the whole machine's.
#[test]
fn a_full_disk_blames_no_item() {
    let url = Postgres::shared().unwrap().database().unwrap();
    let sql = Sql::connect(&url).unwrap();
    client(&url).migrate().unwrap();
    sql.run(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$; \
         CREATE TRIGGER full_disk BEFORE INSERT ON agent_trace_ranges EXECUTE FUNCTION full_disk()",
    )
    .unwrap();
    let mut client = client(&url);
    let why = waiting(&mut client, &items(6));
    assert_eq!(code(&why), "53100");
    assert!(why.to_string().contains("No space left on device (SQLSTATE 53100)"), "{why}");
    assert_eq!(counts(&url), [0; 4]);
    sql.run("DROP TRIGGER full_disk ON agent_trace_ranges").unwrap();
    all_accepted(&client.send(&items(6)));
    assert_eq!(counts(&url), [4, 2, 6, 6]);
}

#[test]
fn who_is_not_let_in_is_told_why_without_the_password() {
    let server = Postgres::shared().unwrap();
    let url = server.database().unwrap();
    let name = url.rsplit('/').next().unwrap();
    let sql = Sql::connect(&url).unwrap();
    let user = format!("full_{name}");
    sql.run(&format!("CREATE ROLE {user} LOGIN PASSWORD 'pw' CONNECTION LIMIT 0")).unwrap();
    let (real, wrong) = (server.password(), "wrong-pass/word");
    let cases = [
        (url.replace(real, "wrong-pass%2Fword"), "28P01"),
        (url.replace(name, "nowhere"), "3D000"),
        (url.replace(&format!("postgres:{real}"), &format!("{user}:pw")), "53300"),
    ];
    for (url, expected) in cases {
        let mut client = client(&url);
        let why = waiting(&mut client, &items(2));
        assert_eq!(code(&why), expected, "{why}");
        for told in [why.to_string(), format!("{why:?}"), client.place().to_owned()] {
            assert!(!told.contains(real) && !told.contains(wrong), "{told}");
            assert!(told.contains("127.0.0.1"), "{told}");
        }
    }
}

#[test]
fn nobody_there_is_said_and_another_host_is_tried() {
    let server = Postgres::shared().unwrap();
    let url = server.database().unwrap();
    let nobody = octrace_testkit::refused_url();
    let nobody = nobody.unwrap().rsplit(':').next().unwrap().trim_matches('/').to_owned();
    let closed = url.replace(&format!(":{}/", server.port()), &format!(":{nobody}/"));
    let why = waiting(&mut client(&closed), &items(2));
    let told = why.to_string();
    assert!(matches!(why, Unavailable::Connection { .. }) && told.contains("refused"), "{told}");
    assert!(told.contains(&nobody) && !told.contains(server.password()), "{told}");
    let first = format!("@127.0.0.1:{nobody},127.0.0.1:");
    all_accepted(&client(&url.replace("@127.0.0.1:", &first)).send(&items(3)));
}

#[test]
fn a_socket_is_a_host() {
    let server = Postgres::shared().unwrap();
    let url = server.database().unwrap();
    let folder = server.folder().display().to_string();
    let (port, encoded) = (server.port(), folder.replace('/', "%2F"));
    let host = format!("@127.0.0.1:{port}/");
    all_accepted(&client(&url.replace(&host, &format!("@{encoded}:{port}/"))).send(&items(3)));
    let parameters = format!("?host={folder}&port={port}&sslmode=require");
    all_accepted(&client(&(url.replace(&host, "@/") + &parameters)).send(&items(6)));
    assert_eq!(counts(&url), [4, 2, 6, 6]);
}
