//! What octrace costs at a start: of itself, and of OpenCode.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::stage::OCTRACE;

fn median(mut times: Vec<Duration>) -> Option<Duration> {
    times.sort();
    times.get(times.len() / 2).copied()
}

#[test]
fn the_version_is_there_at_once() -> anyhow::Result<()> {
    let mut times = Vec::new();
    for _ in 0..31 {
        let begun = Instant::now();
        let output = std::process::Command::new(OCTRACE).arg("--version").output()?;
        times.push(begun.elapsed());
        ensure!(output.status.success() && output.stdout.starts_with(b"octrace "));
    }
    let median = median(times).context("times")?;
    ensure!(median < Duration::from_millis(10), "median of 31 starts: {median:?}");
    Ok(())
}
