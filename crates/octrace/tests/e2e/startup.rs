//! What octrace costs at a start: of itself, and of OpenCode.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use crate::stage::OCTRACE;

#[test]
fn the_version_is_there_at_once() -> anyhow::Result<()> {
    let mut times = Vec::new();
    for _ in 0..31 {
        let begun = Instant::now();
        let output = std::process::Command::new(OCTRACE).arg("--version").output()?;
        times.push(begun.elapsed());
        ensure!(output.status.success() && output.stdout.starts_with(b"octrace "));
    }
    // The quickest: the other tests have the machine busy at the same time, and that is not its cost.
    let quickest = times.into_iter().min().context("times")?;
    ensure!(quickest < Duration::from_millis(10), "quickest of 31 starts: {quickest:?}");
    Ok(())
}
