//! Who wrote a file of a work tree, line by line: `octrace blame`.
//!
//! What recording saw of the file, and the file as it is now, go through the same tracker as Agent Trace records do;
//! git says which commit each line came with; and what a person is said to have written is weighed against everything
//! that may have happened unseen (`octrace_core::attribution::blame`).
//!
//! * [`follow`]: files that this one may have its lines from, by a rename or by copying.
//! * [`target`]: which file and which of its lines are meant.

mod follow;
pub(crate) mod target;

use std::{
    collections::BTreeMap,
    fs, io, iter,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use octrace_core::{
    attribution::{
        blame::{Circumstances, Commit, Files},
        line::{self, contents},
        observed::{Found, Observed},
        timeline::{Call, Moment, Observation, Origin, Seen},
        track::track,
    },
    redact::{Patterns, Redactor},
};
use octrace_store::Tape;
use octrace_view::blame::{self, File, Line};

use self::follow::Sources;
use crate::git::{Git, WorkTree};

/// OpenCode leaves larger files out of its snapshots, if git does not know them.
const COVERED_BYTES: usize = 2 << 20;

/// A file as it is now.
pub(crate) struct Now {
    /// Absolute, links followed.
    path: PathBuf,
    bytes: Vec<u8>,
    changed_us: i64,
    at_us: i64,
}

impl Now {
    /// Reads it. The time is µs since the Unix epoch.
    ///
    /// # Errors
    /// When it is not there, no regular file, or cannot be read.
    pub(crate) fn read(path: &Path, at_us: i64) -> io::Result<Self> {
        let path = path.canonicalize()?;
        let found = fs::metadata(&path)?;
        if !found.is_file() {
            // To read a pipe would be to wait for whoever writes to it.
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        let changed_us = found.mtime().saturating_mul(1_000_000) + found.mtime_nsec() / 1_000;
        let bytes = fs::read(&path)?;
        Ok(Self { path, bytes, changed_us, at_us })
    }

    /// How many lines it has.
    pub(crate) fn lines(&self) -> usize {
        contents(&self.bytes).count()
    }

    /// It as one more observation, with the secrets blanked that a recorder would blank.
    fn observation(&self, redactor: &Redactor) -> Observation {
        let lines = lines(redactor, &self.path, self.bytes.clone());
        Observation {
            id: 0,
            at_us: self.at_us,
            moment: Moment::Now,
            seen: Seen::Text(lines.into()),
            changed_us: Some(self.changed_us),
        }
    }
}

/// The lines of a file as a recorder would have put them on the tape.
fn lines(redactor: &Redactor, path: &Path, bytes: Vec<u8>) -> Vec<line::Line> {
    let seen = redactor.file(Observed {
        session: String::new(),
        moment: Moment::Now,
        path: path.to_string_lossy().into_owned(),
        named: None,
        at_us: 0,
        found: Found::Text(bytes),
        exact: true,
        mark: String::new(),
        changed_us: None,
    });
    match seen.get() {
        Observed { found: Found::Text(bytes), exact, .. } => line::lines(bytes, *exact),
        _ => Vec::new(),
    }
}

/// What git said of the file.
#[derive(Default)]
struct Said {
    /// The commit of each line that was asked for.
    commits: Vec<Option<Arc<Commit>>>,
    /// It leaves the file out of everything, or did not say.
    ignored: bool,
}

/// Who wrote these lines of the file (from, to; from 1, both included). `all`: also which commit has the lines that calls
/// wrote.
///
/// # Errors
/// When the tape cannot be read. What git cannot say is not known, and that is no error.
pub(crate) fn ask(
    now: &Now,
    (from, to): (usize, usize),
    tape: Option<&Tape>,
    patterns: &Patterns,
    all: bool,
) -> Result<File, octrace_store::Error> {
    let redactor = Redactor::new("").with_patterns(patterns);
    let parent = now.path.parent().unwrap_or(Path::new("/"));
    let git = Git::at(parent);
    // Without git there are no commits, and everything else is as it is.
    let tree = git.work_tree().unwrap_or_default();
    let said = tree.clone().map(|tree| {
        let (git, path, bytes) = (git.clone(), now.path.clone(), now.bytes.clone());
        // While the tape is read.
        thread::spawn(move || Said {
            commits: git.blame(&path, bytes, (from, to), &tree).unwrap_or_default(),
            ignored: git.ignores(&path).unwrap_or(true),
        })
    });

    let path = redactor.text(now.path.to_string_lossy()).get().clone();
    let observation = now.observation(&redactor);
    let calls = tape.map(|tape| tape.call_times_between(i64::MIN, now.at_us)).transpose()?;
    let mut calls = calls.unwrap_or_default();
    let sources = match tape {
        Some(tape) => Sources::read(tape, tree.as_ref(), &path, observation, &calls)?,
        None => Sources::unrecorded(&path, observation),
    };
    if let Some(tape) = tape {
        tape.tell_asked(&sources.histories, &mut calls)?;
    }
    let tracked = track(&sources.histories, &calls);

    let origins = tracked.get(Sources::OWN).and_then(|file| file.states.last());
    let origins = origins.map(|state| state.origins.iter().skip(from - 1).take(to + 1 - from));
    let mut by_calls =
        origins.into_iter().flatten().map(|origin| matches!(origin, Origin::Call { .. }));
    let said = said.filter(|_| all || !by_calls.all(|is| is));
    // A thread that panicked has said nothing.
    let said = said.and_then(|said| said.join().ok()).unwrap_or_default();

    let covered = tree.is_some() && !said.ignored && now.bytes.len() <= COVERED_BYTES;
    let pruned = match (tape, &tree) {
        (None, _) => Vec::new(),
        (Some(tape), None) => tape.pruned_at(parent)?,
        (Some(tape), Some(tree)) => {
            let places = tree.others.iter().chain([&tree.root]);
            let pruned = places.map(|root| tape.pruned_at(root)).collect::<Result<Vec<_>, _>>()?;
            pruned.concat()
        }
    };
    let circumstances = Circumstances { calls: &calls, covered, pruned: &pruned };
    let files = Files { histories: &sources.histories, tracked: &tracked };
    let commits: Vec<_> = iter::repeat_n(None, from - 1).chain(said.commits).collect();
    let mut blamed = circumstances.blame(files, Sources::OWN, &commits);
    if let Some(tape) = tape {
        sources.look_elsewhere(tape, &mut calls, &tracked, &mut blamed)?;
    }
    let blamed = blamed.into_iter().enumerate().skip(from - 1).take(to + 1 - from);
    let texts: Vec<&[u8]> = contents(&now.bytes).collect();
    let lines = blamed.map(|(at, blamed)| Line {
        number: at + 1,
        text: texts
            .get(at)
            .map(|text| String::from_utf8_lossy(text).into_owned())
            .unwrap_or_default(),
        blamed,
    });
    let mut file = File {
        name: name(&now.path, tree.as_ref()),
        path: now.path.to_string_lossy().into_owned(),
        root: tree.map(|tree| tree.root.to_string_lossy().into_owned()),
        lines: lines.collect(),
        authors: Vec::new(),
    };
    if let Some(tape) = tape {
        name_authors(&mut file, tape, &calls)?;
    }
    Ok(file)
}

/// Puts the calls that lines name into the file, and has the lines name them there.
fn name_authors(file: &mut File, tape: &Tape, calls: &[Call]) -> Result<(), octrace_store::Error> {
    let named = file.lines.iter().filter_map(|line| blame::calls_of(&line.blamed.who));
    let mut places: BTreeMap<usize, usize> = named.map(|call| (call, 0)).collect();
    let mut ids = Vec::with_capacity(places.len());
    for (call, place) in &mut places {
        *place = ids.len();
        ids.extend(calls.get(*call).map(|call| call.id.clone()));
    }
    for line in &mut file.lines {
        let place = |call| places.get(&call).copied().unwrap_or(usize::MAX);
        line.blamed.who = blame::renumbered(&line.blamed.who, place);
    }
    file.authors = tape.authors(&ids)?;
    Ok(())
}

/// A path as people call it: below the root of its work tree.
fn name(path: &Path, tree: Option<&WorkTree>) -> String {
    let below = tree.and_then(|tree| path.strip_prefix(&tree.root).ok());
    below.unwrap_or(path).to_string_lossy().into_owned()
}
