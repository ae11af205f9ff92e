//! The agent, a person and git take turns, in any order: whatever they do, no line is said to be somebody else's.

use octrace_testkit::Watched;

use super::stage::{Stage, agent, person};

/// The same numbers each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % end.max(1)
    }
}

/// Takes some lines out.
fn cut(text: &str, at: usize, lines: usize) -> String {
    let kept = text.split_inclusive('\n').enumerate();
    kept.filter(|(line, _)| !(at..at + lines).contains(line)).map(|(_, line)| line).collect()
}

/// Puts some lines elsewhere.
fn moved(text: &str, from: usize, to: usize) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    if from < lines.len() {
        let line = lines.remove(from);
        lines.insert(to.min(lines.len()), line);
    }
    lines.concat()
}

/// `most`: the share of lines that may be unknown at the end, in percent.
fn play(seed: u64, turns: usize, most: usize) -> anyhow::Result<()> {
    let mut stage = Stage::new()?;
    let mut numbers = Numbers(seed);
    let mut name = "a.txt".to_owned();
    let mut said = Vec::new();
    let mut stashed = false;
    for turn in 0..turns {
        let count = stage.read(&name)?.lines().count();
        let (at, to) = (numbers.below(count + 1), numbers.below(count + 1));
        let mark = format!("{seed}.{turn}");
        let what = numbers.below(14);
        let done = match what {
            0..=2 => stage.agent(&name, at, &agent(&mark, 1 + to % 3)),
            3 | 4 => stage.hand(&name, at, &person(&mark, 1 + to % 3)),
            5 => stage.write(&name, &cut(&stage.read(&name)?, at, 2)),
            6 => stage.write(&name, &moved(&stage.read(&name)?, at, to)),
            7 => {
                let path = stage.path(&name);
                let text = moved(&stage.read(&name)?, at, to) + &agent(&mark, 1);
                let write = || Ok(std::fs::write(&path, text)?);
                stage.coder.runs("make", Watched::Yes, &[&path], write).map(drop)
            }
            8 => {
                let text = cut(&stage.read(&name)?, at, 1);
                stage.coder.writes("edit", &stage.path(&name), &text).map(drop)
            }
            9 if !stashed => stage.commit(&mark),
            10 if !stashed => {
                stashed = stage.git(["stash", "--quiet"]).is_ok()
                    && !stage.git(["stash", "list"])?.is_empty();
                Ok(())
            }
            11 if stashed => {
                // Onto what nobody has changed it fits.
                stage.git(["checkout", "--quiet", "--", "."])?;
                stashed = false;
                stage.git(["stash", "pop", "--quiet"]).map(drop)
            }
            12 if !stashed => {
                stage.git(["add", "--all"])?;
                stage.git(["commit", "--quiet", "--amend", "--no-edit", "--allow-empty"]).map(drop)
            }
            13 if !stashed => {
                let new = format!("{turn}.txt");
                stage.git(["add", "--all"])?;
                stage.git(["mv", &name, &new])?;
                name = new;
                stage.commit(&mark)
            }
            _ => Ok(()),
        };
        said.push(what);
        // What git refuses, nothing to commit say, is no turn.
        if done.is_ok() {
            let checked = stage.check(&name, usize::MAX);
            checked.map_err(|error| error.context(format!("seed {seed}, turns {said:?}")))?;
        }
    }
    let letters = stage.check(&name, usize::MAX)?;
    let unknown = letters.matches('?').count();
    anyhow::ensure!(
        unknown * 100 <= letters.len() * most,
        "seed {seed}, turns {said:?}: {letters}"
    );
    Ok(())
}

#[test]
fn whatever_happens_nobody_is_blamed_for_anothers_line() -> anyhow::Result<()> {
    (1..=4).try_for_each(|seed| play(seed, 30, 10))
}

/// `cargo test -p octrace --test e2e blame::random::for_hours -- --ignored`
#[test]
#[ignore = "takes minutes"]
fn for_hours() -> anyhow::Result<()> {
    (100..200).try_for_each(|seed| play(seed, 60, 100))
}
