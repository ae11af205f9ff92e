//! What the commands cost that people wait for: whole processes of the built binary, from being started to having
//! ended, on tapes as long as months of work. Their output goes to a pipe; the files are in the system's cache.
//!
//! `cargo bench -p octrace --bench commands` makes its tapes in a temporary folder (some minutes) and prints a line per
//! figure. After `--`:
//!
//! * `--quick` takes short tapes and few repeats, to see that it works.
//! * `--keep=FOLDER` makes the tapes there, or takes those that an earlier run has left there.

#![expect(clippy::print_stdout, reason = "a line per figure is what it is for")]

mod tape;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, ensure};
use octrace_testkit::{Figures, history};

/// The sessions that stand for a gigabyte of JSONL: some 126 MB each.
const LONG: usize = 8;
const TURNS: u32 = 200;

/// Sessions in months of work, and exchanges in each.
const MANY: usize = 500;
const EXCHANGES: usize = 200;

/// How often each command is tried, after once that does not count.
const REPEATS: usize = 21;

/// A command, on which tape, and how long it took each time.
struct Tried {
    id: Option<&'static str>,
    home: PathBuf,
    arguments: Vec<String>,
    /// Something that its output has.
    shows: String,
    milliseconds: Vec<f64>,
}

fn main() -> anyhow::Result<()> {
    let is_asked = |flag: &str| std::env::args().any(|argument| argument == flag);
    let quick = is_asked("--quick");
    let kept = std::env::args().find_map(|argument| Some(argument.strip_prefix("--keep=")?.into()));
    let temporary = tempfile::tempdir()?;
    let folder: PathBuf = kept.unwrap_or_else(|| temporary.path().to_owned());
    if cfg!(debug_assertions) {
        println!("a debug build: its figures say nothing");
    }
    let mut figures = Figures::new()?;
    let (repeats, share) = if quick { (5, 20) } else { (REPEATS, 1) };

    // Not in one piece: the sources of this repository are what is read in these sessions.
    let word = ["zqx", "needle", "7731"].concat();
    let many = home(&folder, "many", |path| {
        history(path, MANY, EXCHANGES / share).map(|history| history.body_bytes)
    })?;
    let long = home(&folder, "long", |path| {
        tape::write(path, LONG, TURNS / u32::try_from(share)?, &word)
    })?;

    let session = tape::id(LONG / 2);
    let tried = |id, home: &Home, line: &[&str], shows: &str| Tried {
        id,
        home: home.folder.clone(),
        arguments: line.iter().map(|&word| word.to_owned()).collect(),
        shows: shows.to_owned(),
        milliseconds: Vec::new(),
    };
    let mut all = [
        tried(None, &long, &["--version"], "octrace"),
        tried(Some("commands.sessions"), &many, &["sessions"], "ses_"),
        tried(None, &long, &["sessions"], "ses_long"),
        tried(Some("commands.show"), &long, &["show", &session], "Read all of it"),
        tried(Some("commands.search"), &long, &["search", &word], &word),
    ];
    for repeat in 0..=repeats {
        for tried in &mut all {
            let took = tried.run()?;
            if repeat > 0 {
                tried.milliseconds.push(took);
            }
        }
    }

    let floor = all.first().map_or(f64::NAN, |version| median(&version.milliseconds));
    for tried in &all {
        let Tried { id, arguments, milliseconds, .. } = tried;
        let on = if tried.home == many.folder { &many } else { &long };
        let note = format!("{}; `octrace --version` in the same run: {floor:.1} ms", on.about);
        match id {
            Some(id) => println!("{}", figures.tell(id, milliseconds, &note)?),
            None => println!("octrace {}: {:.1} ms", arguments.join(" "), median(milliseconds)),
        }
    }
    Ok(())
}

/// A folder that octrace takes for its own, with a tape in it.
struct Home {
    folder: PathBuf,
    about: String,
}

/// Makes a tape with `write`, which says how many bytes its bodies have, unless it is there.
fn home(
    folder: &Path,
    name: &str,
    write: impl FnOnce(&Path) -> anyhow::Result<u64>,
) -> anyhow::Result<Home> {
    let folder = folder.join(name);
    fs::create_dir_all(&folder)?;
    let (tape, bytes) = (folder.join("tape.db"), folder.join("bytes"));
    if !bytes.exists() {
        ensure!(!tape.exists(), "{} is unfinished: delete it", tape.display());
        fs::write(&bytes, write(&tape)?.to_string())?;
    }
    let bytes: f64 = fs::read_to_string(&bytes)?.parse().context("how many bytes it stands for")?;
    let about = format!(
        "{:.0} MB of bodies on a tape of {:.1} MB",
        bytes / 1e6,
        fs::metadata(&tape)?.len() as f64 / 1e6
    );
    println!("{name}: {about}");
    Ok(Home { folder, about })
}

impl Tried {
    /// Once, and how many milliseconds it took.
    fn run(&self) -> anyhow::Result<f64> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_octrace"));
        command.env("OCTRACE_HOME", &self.home).args(&self.arguments);
        command.stdin(Stdio::null());
        let begun = Instant::now();
        let output = command.output()?;
        let took = begun.elapsed();
        let shown = String::from_utf8_lossy(&output.stdout);
        let line = self.arguments.join(" ");
        ensure!(
            output.status.success() && shown.contains(&self.shows),
            "octrace {line}: {output:?}"
        );
        Ok(took.as_secs_f64() * 1e3)
    }
}

/// Of an odd number of values, as these are.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
