//! Many small events at once: how fast they come onto the tape.

use std::time::Instant;

use anyhow::ensure;
use octrace_testkit::{Figures, session::small_events};
use rusqlite::Connection;

use super::stage::Stage;

const SEED: u64 = 11;

pub(crate) fn measure(figures: &mut Figures, quick: bool) -> anyhow::Result<()> {
    let (events, repeats) = if quick { (2_000_u32, 1) } else { (100_000, 5) };
    let (mut rates, mut cpu, mut bytes) = (Vec::new(), 0.0, 0_u64);
    for _ in 0..repeats {
        let stage = Stage::new()?;
        let mut author = stage.author();
        bytes = 0;
        for (kind, properties) in small_events(SEED).take(events as usize) {
            bytes += properties.to_string().len() as u64;
            author.event(kind, &properties);
        }
        let begun = Instant::now();
        let mut recorder = stage.record(&author)?;
        recorder.is_alone();
        // The spool is deleted after the tape was synced; no event waits for the index of words.
        recorder.wait_until("everything is durable", || Ok(!author.folder.exists()))?;
        rates.push(f64::from(events) / begun.elapsed().as_secs_f64());
        cpu += recorder.end()?.cpu.as_secs_f64() / f64::from(repeats);
        let tape = Connection::open(stage.tape())?;
        let found: u32 = tape.query_row("SELECT count(*) FROM events", [], |row| row.get(0))?;
        ensure!(found == events, "{found} events on the tape");
    }
    let note = format!(
        "{events} events of {} bytes in a spool, from the recorder's start until they are synced and the spool is deleted; {cpu:.2} s of CPU up to its end, packing included",
        bytes / u64::from(events)
    );
    println!("{}", figures.tell("recorder.events", &rates, &note)?);
    Ok(())
}
