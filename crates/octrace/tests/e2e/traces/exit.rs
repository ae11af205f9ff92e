//! What OpenCode's exit costs, in figures. That it waits for nobody is shown in `arrival`.

use std::{fs, time::Duration};

use anyhow::ensure;
use octrace_testkit::{Answer, Receiver, Response, Run};

use super::session;
use crate::stage::Stage;

fn with(run: Run, receiver: &Receiver) -> Run {
    run.env("NEATLOGS_API_KEY", "some-key").env("NEATLOGS_ENDPOINT", receiver.url())
}

/// How often each is started to be measured.
const ROUNDS: usize = 9;

/// What an `opencode run` takes where octrace is installed and a backend is named that keeps everybody waiting, against
/// homes without that: `cargo test --release -p octrace --test e2e -- exit_in_figures --ignored --nocapture`.
#[test]
#[ignore = "prints figures; takes minutes"]
fn the_exit_in_figures() -> anyhow::Result<()> {
    let (late, silent) = (Receiver::otlp()?, Receiver::otlp()?);
    let answer = Response::new(200, "");
    // A byte at a time, 37 in all.
    late.always(Answer::Slowly(answer, Duration::from_millis(135)));
    silent.always(Answer::Silence);
    let kinds = [
        ("no plugin", None),
        ("a plugin that does nothing", None),
        ("octrace, no backend", None),
        ("octrace, a backend that answers after 5 s", Some(&late)),
        ("octrace, a backend that never answers", Some(&silent)),
    ];
    let mut all = Vec::new();
    for (name, receiver) in kinds {
        let stage = Stage::new(session::script())?;
        if name.starts_with("octrace") {
            stage.octrace(["install"]).output()?.success()?;
        } else if name.starts_with("a plugin") {
            let plugins = stage.home.config().join("plugins");
            fs::create_dir(&plugins)?;
            fs::write(plugins.join("nothing.ts"), "export default async () => ({})\n")?;
        }
        all.push((name, receiver, stage, Vec::new()));
    }
    for round in 0..=ROUNDS {
        for at in 0..all.len() {
            // Whatever the machine does meanwhile, it does it to all of them.
            let at = (at + round) % kinds.len();
            let (_, receiver, stage, took) = &mut all[at];
            let run = stage.home.opencode_run("mock/scripted", "SCRIPT:fine");
            let run = receiver.iter().fold(run, |run, receiver| with(run, receiver));
            let output = run.output()?.success()?;
            ensure!(output.stdout.contains("Well again."), "{output:?}");
            // In its first start a home is set up.
            if round > 0 {
                took.push(output.took);
            }
        }
    }
    for receiver in [&late, &silent] {
        let asked = receiver.received().len();
        ensure!(asked > 0, "the backend was asked");
    }
    silent.release();
    for (name, _, _, mut took) in all {
        took.sort();
        let (least, most) = (took[0], took[ROUNDS - 1]);
        println!("{name:<42} median {:.2?}, {least:.2?} to {most:.2?}", took[ROUNDS / 2]);
    }
    Ok(())
}
