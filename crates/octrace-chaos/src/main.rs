//! What octrace survives: cycles of random sessions, random deaths and bad weather, and after each of them the truth, held
//! against the tape, the files, Postgres and a tracing backend. `cargo xtask chaos` builds and runs it.
//!
//! All that is decided is decided by a cycle's seed. Which frame a death falls on is the machine's business: a seed brings
//! back the same cast, the same frames and the same weather, and within a few tries nearly always the same finding.
//!
//! * [`plan`], [`writer`]: processes that stand in for OpenCode and write what its plugin would; `agent.ts` is the plugin itself.
//! * [`world`], [`disk`]: a home with a small disk, and backends. [`weather`]: what goes wrong with all of them.
//! * [`cycle`]: who is in one. [`truth`]: what is there afterwards, and what should be.
//!
//! Left out is the system's clock, which nobody may set without privileges: the clock of frames jumps by hours and days, the
//! recorder's own does not.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "lines of text are what it is for")]

mod cycle;
mod dice;
mod disk;
mod findings;
mod plan;
mod truth;
mod weather;
mod world;
mod writer;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use anyhow::{Context, bail};

use self::{cycle::Cast, findings::Findings, world::Ground};

const USAGE: &str = "usage: octrace-chaos --octrace PATH [--cycles N] [--seed S] [--cast writers|plugins|opencodes|crowd]";

struct Wish {
    octrace: PathBuf,
    cycles: u64,
    seed: u64,
    cast: Option<Cast>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", seed, name, done] => write(seed, name, Path::new(done)),
        _ => chaos(&arguments),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("chaos: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn write(seed: &str, name: &str, done: &Path) -> anyhow::Result<ExitCode> {
    writer::write(seed.parse()?, name, done)?;
    Ok(ExitCode::SUCCESS)
}

fn parse(arguments: &[String]) -> anyhow::Result<Wish> {
    let mut wish = Wish { octrace: PathBuf::new(), cycles: 20, seed: 1, cast: None };
    let mut rest = arguments.iter();
    while let Some(option) = rest.next() {
        let value = rest.next().with_context(|| format!("{option} needs a value; {USAGE}"))?;
        match option.as_str() {
            "--octrace" => wish.octrace = PathBuf::from(value),
            "--cycles" => {
                wish.cycles = value.parse().with_context(|| format!("--cycles {value}"))?;
            }
            "--seed" => wish.seed = value.parse().with_context(|| format!("--seed {value}"))?,
            "--cast" => {
                let found = Cast::ALL.iter().find(|(name, _)| name == value);
                wish.cast = Some(found.with_context(|| format!("--cast {value}; {USAGE}"))?.1);
            }
            _ => bail!("{option} is not known; {USAGE}"),
        }
    }
    Ok(wish)
}

fn chaos(arguments: &[String]) -> anyhow::Result<ExitCode> {
    let wish = parse(arguments)?;
    if let Some(status) = disk::run_inside()? {
        return Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    if !disk::is_possible() {
        println!("no disk is ever full here: `unshare --user --mount` is not allowed");
    }
    let mut ground = Ground::new(wish.octrace)?;
    let begun = Instant::now();
    let mut total = Findings::default();
    let mut failed = 0;
    for number in 0..wish.cycles {
        let seed = wish.seed.wrapping_add(number);
        let cycle = Instant::now();
        println!("cycle {} of {}, seed {seed}", number + 1, wish.cycles);
        let (cast, found) = match cycle::play(&mut ground, seed, wish.cast) {
            Ok(played) => played,
            Err(error) => {
                failed += 1;
                println!("  could not be played: {error:#}");
                continue;
            }
        };
        println!("  {cast:?}, {:.1} s: {found}", cycle.elapsed().as_secs_f32());
        for (kind, what) in &found.all {
            println!("  {kind:?}: {what}");
        }
        total.add(found);
    }
    println!(
        "\n{} cycles in {:.0} s, {failed} of them not played\n{total}",
        wish.cycles,
        begun.elapsed().as_secs_f32()
    );
    let is_fine = failed == 0 && total.all.is_empty();
    Ok(if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
