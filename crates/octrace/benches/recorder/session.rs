//! A long session, recorded while it goes on: what the recorder needs for it and afterwards, and what is on the tape.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::ensure;
use octrace_store::Tape;
use octrace_testkit::{Figures, Needs, script::Dialect, session::Session};

use super::{
    stage::Stage,
    tape::{self, Size},
};

const SEED: u64 = 7;

/// What passes between a request and its answer, and between an answer and the next request: more than the recorder
/// needs to see each by itself.
const PACE: Duration = Duration::from_millis(30);

/// The search index follows when nothing has come for two seconds; a recorder that has not worked for longer will not.
const AT_REST: Duration = Duration::from_secs(4);

struct Wanted {
    turns: u32,
    repeats: usize,
    /// How long it is watched while it does nothing.
    idle: Duration,
}

/// What one recording needed.
struct Recorded {
    /// Until the whole session was on the tape.
    needs: Needs,
    /// The same until the search index was complete.
    indexed: Needs,
    idle_ms_per_minute: f64,
    tape: Size,
    body_bytes: u64,
}

pub(crate) fn measure(figures: &mut Figures, quick: bool) -> anyhow::Result<()> {
    let wanted = if quick {
        Wanted { turns: 20, repeats: 1, idle: Duration::from_secs(2) }
    } else {
        Wanted { turns: 200, repeats: 5, idle: Duration::from_secs(30) }
    };
    let recorded = (0..wanted.repeats).map(|_| record(&wanted)).collect::<Result<Vec<_>, _>>()?;
    let mut tell = |id: &str, note: &str, value: fn(&Recorded) -> f64| -> anyhow::Result<()> {
        let values: Vec<_> = recorded.iter().map(value).collect();
        println!("{}", figures.tell(id, &values, note)?);
        Ok(())
    };
    let turns = wanted.turns;
    let bodies = recorded.first().map_or(0.0, |one| megabytes(one.body_bytes));
    let mean = |value: fn(&Recorded) -> f64| {
        recorded.iter().map(value).sum::<f64>() / recorded.len() as f64
    };
    let index = mean(|it| (it.indexed.cpu - it.needs.cpu).as_secs_f64());
    let cpu = format!(
        "{turns} turns, {bodies:.0} MB of bodies; user and system; search index and packing, afterwards, take {index:.2} s more"
    );
    tell("recorder.session.cpu", &cpu, |it| it.needs.cpu.as_secs_f64())?;
    tell(
        "recorder.memory.busy",
        "peak of resident memory, the program's own pages included",
        |it| megabytes(it.indexed.peak),
    )?;
    tell("recorder.memory.idle", "resident, the program's own pages included", |it| {
        megabytes(it.indexed.resident)
    })?;
    let idle = format!("by the scheduler's clock, over {} s", wanted.idle.as_secs());
    tell("recorder.idle.cpu", &idle, |it| it.idle_ms_per_minute)?;
    let pages = "pages in use after a checkpoint";
    tell("recorder.tape", &format!("{pages}, less those of the index's tables"), |it| {
        it.tape.plain as f64 / 1e6
    })?;
    tell("recorder.tape_indexed", pages, |it| it.tape.indexed as f64 / 1e6)
}

fn record(wanted: &Wanted) -> anyhow::Result<Recorded> {
    let stage = Stage::new()?;
    let mut author = stage.author();
    let recorder = stage.record(&author)?;
    let mut session = Session::new(Dialect::Anthropic, SEED);
    let mut body_bytes = 0;
    for number in 1..=wanted.turns {
        let turn = session.next_turn();
        body_bytes += turn.request.len() as u64;
        author.asks(number, &session, &turn);
        thread::sleep(PACE);
        author.is_answered(number, &turn);
        thread::sleep(PACE);
    }
    recorder.wait_for(author.position())?;
    let needs = recorder.needs()?;
    recorder.wait_idle(AT_REST)?;
    let indexed = recorder.needs()?;
    let (before, begun) = (recorder.worked()?, Instant::now());
    thread::sleep(wanted.idle);
    let (worked, minutes) = (recorder.worked()? - before, begun.elapsed().as_secs_f64() / 60.0);
    drop(recorder);
    let rows = Tape::open(&stage.tape())?.exchanges(Session::ID)?.len();
    ensure!(rows == wanted.turns as usize, "{rows} exchanges on the tape");
    let idle_ms_per_minute = worked.as_secs_f64() * 1e3 / minutes;
    let tape = tape::size(&stage.tape())?;
    Ok(Recorded { needs, indexed, idle_ms_per_minute, tape, body_bytes })
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
