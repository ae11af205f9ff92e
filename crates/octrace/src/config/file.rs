//! Reading `config.toml`, whatever state it is in: missing, a folder, huge, not TOML. What is wrong is
//! told with its line, and the rest is used.

use std::{
    fs::OpenOptions,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::fs::OFlags;
use toml::de::{DeTable, DeValue};

use super::{
    Problem,
    registry::{ALL, Spec},
    value::{Raw, Setting},
};

/// Far above what settings need, and nothing to wait for.
const LARGEST: u64 = 1 << 20;

/// What the file says.
pub(super) struct Contents {
    pub(super) problems: Vec<Problem>,
    place: String,
    values: Vec<Entry>,
}

/// A key with its value.
struct Entry {
    key: String,
    line: usize,
    value: Raw,
}

impl Contents {
    /// The value that a setting has in the file, and its line.
    pub(super) fn value<T: Setting>(&mut self, spec: &Spec) -> Option<(T, usize)> {
        let entry = self.values.iter().find(|entry| entry.key == spec.key)?;
        let value = T::read(&entry.value);
        let line = entry.line;
        if value.is_none() {
            self.wrong(spec, line, &format!("must be {}", T::MUST_BE));
        }
        Some((value?, line))
    }

    /// Names what is wrong with a setting in this line.
    pub(super) fn wrong(&mut self, spec: &Spec, line: usize, what: &str) {
        let what = format!("`{}` {what}", spec.key);
        let problem = Problem { place: self.place.clone(), line: Some(line), what };
        // In the order of the file.
        let at = self.problems.partition_point(|other| other.line <= problem.line);
        self.problems.insert(at, problem);
    }
}

/// Reads the file; nothing about it is an error.
pub(super) fn read(path: &Path) -> Contents {
    let place = path.display().to_string();
    let mut read = Contents { problems: Vec::new(), place, values: Vec::new() };
    match text(path) {
        Ok(None) => {}
        Ok(Some(text)) => read.parse(&text),
        Err(error) => read.problem(None, format!("cannot be read: {error}")),
    }
    read
}

impl Contents {
    fn problem(&mut self, line: Option<usize>, what: String) {
        self.problems.push(Problem { place: self.place.clone(), line, what });
    }

    fn parse(&mut self, text: &str) {
        let line_of = |offset: usize| {
            text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
        };
        let table = match DeTable::parse(text) {
            Ok(table) => table.into_inner(),
            Err(error) => {
                let line = error.span().map(|span| line_of(span.start));
                return self.problem(line, format!("is not TOML: {}", error.message()));
            }
        };
        let mut found = Vec::new();
        collect("", &table, &mut found);
        found.sort_by_key(|(offset, ..)| *offset);
        for (offset, key, value) in found {
            let line = line_of(offset);
            if ALL.iter().any(|spec| spec.key == key) {
                self.values.push(Entry { key, line, value });
            } else {
                self.problem(Some(line), format!("`{key}` is not a setting"));
            }
        }
    }
}

/// Every key under `table` that is not itself a table, with its place and its value.
fn collect(prefix: &str, table: &DeTable<'_>, found: &mut Vec<(usize, String, Raw)>) {
    for (name, value) in table {
        let key = match prefix {
            "" => name.get_ref().to_string(),
            prefix => format!("{prefix}.{}", name.get_ref()),
        };
        match value.get_ref() {
            DeValue::Table(inner) if !ALL.iter().any(|spec| spec.key == key) => {
                collect(&key, inner, found);
            }
            value => found.push((name.span().start, key, value.into())),
        }
    }
}

/// The file's text; `None` when there is no file.
fn text(path: &Path) -> io::Result<Option<String>> {
    // A pipe in its place must not make us wait.
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other("it is too large to be settings"));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| io::Error::other("it is not UTF-8"))
}
