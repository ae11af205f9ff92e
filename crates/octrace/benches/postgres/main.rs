//! What delivery to Postgres costs beside what Postgres itself does: events through octrace's client, each once whatever is
//! repeated, against `COPY BINARY` of the same rows by who does nothing else, into a table without any index.
//!
//! `cargo bench -p octrace --bench postgres` starts a server of its own (`OCTRACE_TEST_POSTGRES`, or what
//! `cargo xtask setup` installs) and prints a line per figure. `-- --quick` takes few rows, to see that it works.

#![expect(clippy::print_stdout, reason = "a line per figure is what it is for")]

mod rows;

use std::time::{Duration, Instant};

use anyhow::ensure;
use octrace_export::postgres::{Client, Database, Item, Verdict};
use octrace_testkit::{Figures, Postgres, Sql};

/// Rows in a transaction of the bare client: with so many it is at its fastest.
const BARE: usize = 5_000;

/// Events in a batch: the first is what a recorder sends where so many wait, and what counts; the second what it waits
/// for.
const BATCHES: [usize; 3] = [1_000, 50, BARE];

/// As a server comes out of its package, but for the testkit's haste.
const SERVER: [&str; 3] = ["shared_buffers=128MB", "fsync=on", "full_page_writes=on"];

fn main() -> anyhow::Result<()> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    if cfg!(debug_assertions) {
        println!("a debug build: its figures say nothing");
    }
    let (count, repeats) = if quick { (2_000, 3) } else { (20_000, 7) };
    let mut figures = Figures::new()?;
    let server = Postgres::start(&SERVER)?;
    let url = server.database()?;
    let sql = Sql::connect(&url)?;
    let mut client = Client::new(Database::parse(&url)?, None);
    client.migrate()?;
    sql.run(rows::BARE_TABLE)?;

    let mut shares = BATCHES.map(|_| Vec::new());
    let mut bare_rates = Vec::new();
    let rate = |took: Duration| count as f64 / took.as_secs_f64();
    // The first round warms up and does not count.
    for round in 0..=repeats {
        let items = rows::events(round, count);
        sql.run("TRUNCATE bare; CHECKPOINT")?;
        let begun = Instant::now();
        for batch in items.chunks(BARE) {
            sql.copy_in(rows::BARE_COPY, rows::binary(batch)?)?;
        }
        let bare = rate(begun.elapsed());
        all_there(&sql, "bare", count)?;
        if round > 0 {
            bare_rates.push(bare);
        }
        for (size, shares) in BATCHES.into_iter().zip(&mut shares) {
            sql.run("TRUNCATE agent_trace_events, agent_trace_dedupe; CHECKPOINT")?;
            let sent = rate(sent(&mut client, &items, size)?);
            all_there(&sql, "agent_trace_events", count)?;
            if round > 0 {
                shares.push(sent / bare);
            }
        }
    }
    let about = |size: usize| {
        format!(
            "events of {:.1} kB, {size} in a batch, against {:.0} rows a second by COPY of {BARE} in a batch without an index",
            rows::payload_bytes(count) as f64 / 1e3,
            median(&bare_rates)
        )
    };
    for (size, shares) in BATCHES.into_iter().zip(&shares) {
        if size == BATCHES[0] {
            println!("{}", figures.tell("postgres.share_of_copy", shares, &about(size))?);
        } else {
            println!("{:.3} {}", median(shares), about(size));
        }
    }
    Ok(())
}

/// Makes sure that what is measured has happened.
fn all_there(sql: &Sql, table: &str, count: usize) -> anyhow::Result<()> {
    let rows = sql.number(&format!("SELECT count(*) FROM {table}"))?;
    ensure!(rows == i64::try_from(count)?, "{rows} of {count} rows are in {table}");
    Ok(())
}

/// Sends all in batches of this size; how long it took.
fn sent(client: &mut Client, items: &[Item], size: usize) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    for batch in items.chunks(size) {
        let outcome = client.send(batch);
        let is_in = |verdict: &Verdict| *verdict == Verdict::Accepted;
        ensure!(outcome.verdicts.iter().all(is_in), "{:?}", outcome.unavailable);
    }
    Ok(begun.elapsed())
}

/// Of an odd number of values, as these are.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
