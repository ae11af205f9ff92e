//! How soon an exchange is there, as it ended, for whoever asks `octrace show --json`.
//!
//! The tape is asked for the session as that command asks it, by the library: what the command itself takes is a figure of
//! its own.

use std::{
    collections::BTreeMap,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use octrace_core::exchange::{Outcome, Purpose};
use octrace_store::Tape;
use octrace_testkit::{Figures, eventually, script::Server};

use crate::{
    home,
    script::{self, MANY},
};

/// How many exchanges are looked at.
const EXCHANGES: usize = 40;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(1);

pub(crate) fn measure(figures: &mut Figures, is_quick: bool) -> anyhow::Result<()> {
    let exchanges = if is_quick { 5 } else { EXCHANGES };
    let server = Server::start(script::script(exchanges))?;
    let home = home::recorded(&server.url())?;
    let path = home.data().join("octrace/tape.db");
    let mut run = home.opencode_run("mock/scripted", MANY).timeout(home::PATIENCE).spawn()?;
    let tape = eventually(home::PATIENCE, || Tape::open_existing(&path)?.context("no tape"))?;
    let seen = look(&tape, exchanges)?;
    run.wait()?.success()?;
    let asked = server.requests().into_iter().filter(|asked| !asked.is_title);
    // When it was handed to the connection: OpenCode has it a moment later.
    let sent: Vec<_> = asked.filter_map(|asked| Some(asked.sent.last()?.1)).collect();
    ensure!(sent.len() == seen.len(), "{} of {} answers are there", seen.len(), sent.len());
    let after = sent.iter().zip(seen.values()).map(|(sent, seen): (_, &Instant)| *seen - *sent);
    let after: Vec<_> = after.map(|after| 1e3 * after.as_secs_f64()).collect();
    let note =
        "after the model's last byte; the tape is asked by the library, as `show --json` asks it";
    println!("{}", figures.tell("opencode.visible", &after, note)?);
    home::is_left(&home)
}

/// When each exchange was there for the first time as one that has ended, until there are so many.
fn look(tape: &Tape, all: usize) -> anyhow::Result<BTreeMap<i64, Instant>> {
    let (mut seen, begun) = (BTreeMap::new(), Instant::now());
    while seen.len() < all {
        ensure!(begun.elapsed() < home::PATIENCE, "{} of {all} exchanges came", seen.len());
        thread::sleep(LOOK_EVERY);
        let Some(row) = tape.sessions()?.pop() else { continue };
        let Some(session) = tape.session(&row.id)? else { continue };
        let at = Instant::now();
        let calls = session.turns.iter().flat_map(|turn| &turn.calls).chain(&session.unplaced);
        let main = calls.filter(|call| call.purpose == Purpose::Main);
        for attempt in main.flat_map(|call| &call.attempts) {
            if attempt.outcome == Outcome::Complete {
                seen.entry(attempt.id).or_insert(at);
            }
        }
    }
    Ok(seen)
}
