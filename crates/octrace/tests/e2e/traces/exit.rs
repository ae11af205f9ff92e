//! OpenCode ends as if nobody was told of it, and everybody is.

use std::time::{Duration, Instant};

use anyhow::ensure;
use octrace_testkit::{Answer, Receiver, Run};

use super::session;
use crate::stage::Stage;

fn with(run: Run, receiver: &Receiver) -> Run {
    run.env("NEATLOGS_API_KEY", "some-key").env("NEATLOGS_ENDPOINT", receiver.url())
}

#[test]
fn a_run_that_exits_at_once_waits_for_no_backend_and_all_of_it_arrives() -> anyhow::Result<()> {
    let receiver = Receiver::otlp()?;
    receiver.always(Answer::Silence);
    let stage = Stage::new(session::script())?;
    // It has ended, though the backend has not said a word.
    with(stage.run("mock/scripted", "SCRIPT:fine"), &receiver).output()?.success()?;
    ensure!(receiver.received().iter().all(|one| one.answered.is_none()), "it is silent");
    receiver.release();
    // The recorder is still at it, or leaves it to the next one.
    with(stage.octrace(["flush", "--timeout", "60"]), &receiver).output()?.success()?;
    let spans = receiver.spans()?;
    ensure!(spans.iter().any(|span| span.text("output.value") == "Well again."), "{spans:#?}");
    Ok(())
}

#[test]
#[ignore = "prints how long `opencode run` takes, with and without; takes minutes"]
fn the_exit_in_figures() -> anyhow::Result<()> {
    let receiver = Receiver::otlp()?;
    receiver.always(Answer::Silence);
    let stage = Stage::new(session::script())?;
    let mut took: [Vec<Duration>; 2] = Default::default();
    for _ in 0..7 {
        let arguments = ["run", "--model", "mock/scripted", "SCRIPT:fine"];
        let start = Instant::now();
        stage.home.opencode(arguments).output()?.success()?;
        took[0].push(start.elapsed());
        let start = Instant::now();
        with(stage.run("mock/scripted", "SCRIPT:fine"), &receiver).output()?.success()?;
        took[1].push(start.elapsed());
    }
    receiver.release();
    for (name, took) in ["without", "with"].iter().zip(&mut took) {
        took.sort();
        println!("{name}: median {:.2?}, {:.2?} to {:.2?}", took[3], took[0], took[6]);
    }
    Ok(())
}
