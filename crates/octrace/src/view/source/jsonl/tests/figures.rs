//! What a long history costs. A gigabyte, for a release build:
//! `cargo test --release -p octrace --bin octrace -- --ignored --nocapture a_gigabyte`.

use std::{
    fs::{self, File},
    io::BufWriter,
    time::Instant,
};

use octrace_testkit::session::write_history;

use super::{Pace, Place, Watch};

/// Megabytes of memory that this process has in use.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1000
}

#[test]
#[ignore = "slow: a gigabyte, in a release build"]
fn a_gigabyte_is_there_at_once() {
    const BYTES: u64 = 1_000_000_000;
    for sessions in [1, 100] {
        let place = Place::new();
        let path = place.path("history.jsonl");
        let exchanges =
            write_history(&mut BufWriter::new(File::create(&path).unwrap()), BYTES, sessions)
                .unwrap();
        let before = resident();
        let start = Instant::now();
        let mut watch = Watch::open(&path, false).unwrap();
        while watch.sessions.is_empty() {
            watch.step();
        }
        let listed = start.elapsed();
        watch.ask("ses_0000");
        let mut longest = std::time::Duration::ZERO;
        let mut first = None;
        loop {
            let step = Instant::now();
            let pace = watch.step();
            longest = longest.max(step.elapsed());
            if first.is_none() && !watch.rows.is_empty() {
                first = Some(start.elapsed());
            }
            if pace == Pace::Idle {
                break;
            }
        }
        let whole = start.elapsed();
        let rows = watch.rows.len();
        let with_rows = resident() - before;
        watch.rows.clear();
        let found = Instant::now();
        let places = watch.find(None, "\"nothing like this\"").len();
        let found = found.elapsed();
        let mut idle = Instant::now();
        watch.look();
        let looked = idle.elapsed();
        idle = Instant::now();
        println!(
            "{exchanges} exchanges in {sessions} sessions: listed {listed:?}, first rows {first:?}, whole {whole:?}, {} MB/s, \
             longest step {longest:?}, {rows} rows, {with_rows} MB with them, search {found:?} ({places}), a look {looked:?} {idle:?}",
            BYTES / 1_000_000 * 1000 / (whole.as_millis() as u64).max(1)
        );
        assert!(listed.as_millis() < 1000 && first.unwrap().as_millis() < 1000);
        assert!(with_rows < 100, "{with_rows} MB");
    }
}
