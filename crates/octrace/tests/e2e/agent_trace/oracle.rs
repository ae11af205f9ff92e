//! Who wrote which line: known from the marks in it, and from the files as they were between any two answers of the
//! model.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context, ensure};
use blake2::{Blake2s256, Digest};
use serde_json::Value;

/// The project's files at a moment, by their path relative to it.
pub(super) type Snapshot = BTreeMap<String, Arc<Vec<u8>>>;

/// All that was seen.
#[derive(Default)]
pub(super) struct Oracle {
    seen: Vec<(String, Snapshot)>,
}

/// What records say, against the truth.
#[derive(Debug, Default)]
pub(super) struct Judged {
    /// Lines in ranges, each of which is the record's call's.
    pub(super) right: usize,
    /// What is not true.
    pub(super) wrong: Vec<String>,
    /// Lines of calls that no range has.
    pub(super) missed: Vec<String>,
}

impl Oracle {
    /// Takes down the project's files, and those beside it.
    pub(super) fn look(&mut self, project: &Path, when: &str) -> anyhow::Result<()> {
        let mut now = Snapshot::new();
        let before = self.seen.last().map(|(_, snapshot)| snapshot);
        collect(project, "", before, &mut now)?;
        collect(&project.join("../outside"), "../outside/", before, &mut now)?;
        self.seen.push((when.to_owned(), now));
        Ok(())
    }

    /// Compares records with what was seen.
    pub(super) fn judge(&self, records: &[Value]) -> anyhow::Result<Judged> {
        let mut judged = Judged::default();
        let mut found: BTreeMap<String, BTreeSet<(String, Vec<u8>)>> = BTreeMap::new();
        for record in records {
            let mut marks = BTreeSet::new();
            for file in array(&record["files"]) {
                let path = file["path"].as_str().context("a path")?;
                for range in array(&file["conversations"]).flat_map(|talk| array(&talk["ranges"])) {
                    let Some(lines) = self.lines_of(path, range) else {
                        judged.wrong.push(format!("{path} never had {range}"));
                        continue;
                    };
                    for line in lines {
                        if line.len() < 2 {
                            // Braces and empty lines stand in several places, and have no mark.
                            continue;
                        }
                        let Some(mark) = author(path, &line) else {
                            judged.wrong.push(format!("{path}: {} is a person's", text(&line)));
                            continue;
                        };
                        judged.right += 1;
                        found.entry(mark.clone()).or_default().insert((path.to_owned(), line));
                        marks.insert(mark);
                    }
                }
            }
            if marks.len() > 1 {
                judged.wrong.push(format!("{marks:?} are one record's: {}", record["id"]));
            }
        }
        for (mark, lines) in self.truth() {
            let found = found.get(&mark);
            let missed =
                lines.into_iter().filter(|line| !found.is_some_and(|found| found.contains(line)));
            judged.missed.extend(missed.map(|(path, line)| format!("{path}: {}", text(&line))));
        }
        Ok(judged)
    }

    /// Compares what `blame` says of a file, as it is at the end, with the truth. `calls` says which call each mark is of.
    pub(super) fn judge_blame(
        path: &str,
        blamed: &Value,
        calls: &BTreeMap<String, String>,
        judged: &mut Judged,
    ) {
        for row in array(&blamed["lines"]) {
            let line = row["text"].as_str().unwrap_or_default();
            let told = || format!("{path}: {line}: {} {}", row["who"], row["why"]);
            let call = row["call"]["call"].as_str();
            match (author(path, line.as_bytes()), row["who"].as_str()) {
                (Some(mark), Some("agent")) if calls.get(&mark).map(String::as_str) == call => {
                    judged.right += 1;
                }
                (None, Some("agent")) if line.len() < 2 => {}
                (None, Some("person")) => judged.right += 1,
                (_, Some("unknown")) => judged.missed.push(told()),
                _ => judged.wrong.push(told()),
            }
        }
    }

    /// Which call each mark is of, as records have it.
    pub(super) fn calls(&self, records: &[Value]) -> BTreeMap<String, String> {
        let mut calls = BTreeMap::new();
        for record in records {
            let call = record["metadata"]["io.opencode.call_id"].as_str().unwrap_or_default();
            for file in array(&record["files"]) {
                let path = file["path"].as_str().unwrap_or_default();
                let ranges = array(&file["conversations"]).flat_map(|talk| array(&talk["ranges"]));
                let lines = ranges.filter_map(|range| self.lines_of(path, range)).flatten();
                let marks = lines.filter_map(|line| author(path, &line));
                calls.extend(marks.map(|mark| (mark, call.to_owned())));
            }
        }
        calls
    }

    /// The files at the end that people can read on a page.
    pub(super) fn pages(&self) -> impl Iterator<Item = &String> {
        let last = self.seen.last().into_iter().flat_map(|(_, snapshot)| snapshot);
        last.filter(|(_, content)| content.len() < 10_000).map(|(path, _)| path)
    }

    /// The lines that each call is seen to have written, in the first snapshot that has any of them.
    fn truth(&self) -> BTreeMap<String, BTreeSet<(String, Vec<u8>)>> {
        let mut truth: BTreeMap<String, BTreeSet<(String, Vec<u8>)>> = BTreeMap::new();
        for (_, snapshot) in &self.seen {
            let mut here: BTreeMap<String, BTreeSet<(String, Vec<u8>)>> = BTreeMap::new();
            for (path, content) in snapshot {
                // A mark of many bytes: whoever has none need not be cut into lines.
                if memchr::memmem::find(content, "‹a".as_bytes()).is_none() {
                    continue;
                }
                for line in lines(content) {
                    if let Some(mark) = author(path, line) {
                        here.entry(mark).or_default().insert((path.clone(), line.to_vec()));
                    }
                }
            }
            for (mark, lines) in here {
                truth.entry(mark).or_insert(lines);
            }
        }
        truth
    }

    /// The lines that a range speaks of, by its hash.
    fn lines_of(&self, path: &str, range: &Value) -> Option<Vec<Vec<u8>>> {
        let (start, end) = (range["start_line"].as_u64()?, range["end_line"].as_u64()?);
        let (start, end) = (usize::try_from(start).ok()?, usize::try_from(end).ok()?);
        let expected = range["content_hash"].as_str()?;
        let candidates: HashMap<*const u8, &Arc<Vec<u8>>> = self
            .seen
            .iter()
            .filter_map(|(_, snapshot)| snapshot.get(path))
            .map(|content| (content.as_ptr(), content))
            .collect();
        candidates.values().find_map(|content| {
            let lines: Vec<&[u8]> = lines(content).collect();
            let here = lines.get(start.checked_sub(1)?..end)?;
            (hash(here) == expected).then(|| here.iter().map(|line| line.to_vec()).collect())
        })
    }
}

/// The call whose line this is: the last mark in it. Lines that the formatter changed are the call's after which it
/// ran.
fn author(path: &str, line: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(line);
    let mark =
        text.rmatch_indices("‹a").next().and_then(|(at, _)| text.get(at..at + "‹a00›".len()));
    let formatted = || (path == "old.fmt" && line.starts_with(b"\t")).then_some("‹a08›");
    mark.or_else(formatted).map(str::to_owned)
}

/// `blake2s:` and the hash of the lines without their ends, joined with line feeds.
fn hash(lines: &[&[u8]]) -> String {
    let digest = Blake2s256::digest(lines.join(&b'\n'));
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("blake2s:{hex}")
}

fn lines(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    content.split_inclusive(|byte| *byte == b'\n').map(|line| {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        line.strip_suffix(b"\r").unwrap_or(line)
    })
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(line: &[u8]) -> String {
    String::from_utf8_lossy(line).into_owned()
}

fn collect(
    folder: &Path,
    prefix: &str,
    before: Option<&Snapshot>,
    into: &mut Snapshot,
) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path: PathBuf = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).context("a name")?.to_owned();
        if name == ".git" || name == ".opencode" || path.is_symlink() {
            continue;
        }
        let name = format!("{prefix}{name}");
        if path.is_dir() {
            collect(&path, &format!("{name}/"), before, into)?;
            continue;
        }
        let content = fs::read(&path)?;
        let known = before.and_then(|before| before.get(&name)).filter(|known| ***known == content);
        into.insert(name, known.cloned().unwrap_or_else(|| Arc::new(content)));
    }
    ensure!(into.len() < 1000, "a project that grows without end");
    Ok(())
}
