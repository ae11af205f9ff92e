//! What a long history costs. A gigabyte, for a release build:
//! `cargo test --release -p octrace --bin octrace -- --ignored --nocapture a_gigabyte`.

use std::{
    fs::{self, File},
    io::BufWriter,
    time::Instant,
};

use octrace_testkit::session::write_history;

use super::{Place, Watch};

/// Megabytes of memory that this process has in use.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) / 1000
}

#[test]
#[ignore = "slow: a gigabyte, in a release build"]
fn a_gigabyte_in_figures() {
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
        watch.settle();
        let whole = start.elapsed();
        let held = resident().saturating_sub(before);

        // Whoever opens a session at once has its first rows while the rest is read.
        let again = Instant::now();
        let mut other = Watch::open(&path, false).unwrap();
        other.ask("ses_0000");
        while other.rows.is_empty() {
            other.step();
        }
        let first = again.elapsed();
        drop(other);
        let found = Instant::now();
        let places = watch.find(None, "\"nothing like this\"").len();
        let found = found.elapsed();
        let look = Instant::now();
        watch.look();
        let look = look.elapsed();
        println!(
            "{exchanges} exchanges in {sessions} sessions: listed {listed:?}, first rows {first:?}, whole {whole:?} \
             ({} MB/s), {held} MB, a search that finds {places} {found:?}, a look {look:?}",
            BYTES / 1000 / (whole.as_millis() as u64).max(1)
        );
        assert!(listed.as_millis() < 1000 && first.as_millis() < 1000, "{listed:?} {first:?}");
        assert!(held < 60, "{held} MB");
    }
}
