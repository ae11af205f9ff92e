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
    registry::{ALL, OTLP, Spec},
    value::{Raw, Setting},
};

/// Far above what settings need, and nothing to wait for.
const LARGEST: u64 = 1 << 20;

/// What the file says.
pub(super) struct Contents {
    pub(super) problems: Vec<Problem>,
    /// Each `[[otlp]]`.
    pub(super) tables: Vec<Table>,
    place: String,
    values: Vec<Entry>,
}

/// One of several tables of the same name.
pub(super) struct Table {
    key: &'static str,
    line: usize,
    /// Whether there is nothing wrong with it.
    is_whole: bool,
    entries: Vec<Entry>,
}

impl Table {
    /// Where it begins, from 1.
    pub(super) fn line(&self) -> usize {
        self.line
    }
}

/// A key with its value.
struct Entry {
    key: String,
    line: usize,
    value: Raw,
}

impl Contents {
    /// The value that a setting has in the file, if it is one, and its line. `or_else` says what happens if it is none.
    pub(super) fn value<T: Setting>(
        &mut self,
        spec: &Spec,
        or_else: &str,
    ) -> Option<(Option<T>, usize)> {
        let entry = self.values.iter().find(|entry| entry.key == spec.key)?;
        let value = T::read(&entry.value);
        let line = entry.line;
        if value.is_none() {
            self.wrong(spec.key, line, &format!("must be {}{or_else}", T::MUST_BE));
        }
        Some((value, line))
    }

    /// Names what is wrong with a setting in this line.
    pub(super) fn wrong(&mut self, key: &str, line: usize, what: &str) {
        let what = format!("`{key}` {what}");
        let problem = Problem { place: self.place.clone(), line: Some(line), what };
        // In the order of the file.
        let at = self.problems.partition_point(|other| other.line <= problem.line);
        self.problems.insert(at, problem);
    }

    /// The value of a table's setting, taken out of it; `None` where it is none, or needs one and has none.
    pub(super) fn of_table<T: Setting>(
        &mut self,
        table: &mut Table,
        name: &str,
        default: Option<T>,
    ) -> Option<T> {
        let found = table.entries.iter().position(|entry| entry.key == name);
        let value = match found.map(|at| table.entries.remove(at)) {
            Some(entry) => {
                let value = T::read(&entry.value);
                if value.is_none() {
                    let key = format!("{}.{name}", table.key);
                    let what = format!("must be {}; nothing is sent there", T::MUST_BE);
                    self.wrong(&key, entry.line, &what);
                }
                value
            }
            None => {
                if default.is_none() {
                    let what = format!("has no `{name}`; nothing is sent there");
                    self.wrong(table.key, table.line, &what);
                }
                default
            }
        };
        table.is_whole &= value.is_some();
        value
    }

    /// Names what else is in a table. `None` if there is anything wrong with it.
    pub(super) fn rest_of_table(&mut self, table: Table) -> Option<()> {
        let Table { key: name, is_whole, entries, .. } = table;
        let is_whole = is_whole && entries.is_empty();
        for Entry { key, line, .. } in entries {
            let what = "is not a setting; nothing is sent there";
            self.wrong(&format!("{name}.{key}"), line, what);
        }
        is_whole.then_some(())
    }
}

/// Reads the file; nothing about it is an error.
pub(super) fn read(path: &Path) -> Contents {
    let place = path.display().to_string();
    let mut read = Contents { problems: Vec::new(), tables: Vec::new(), place, values: Vec::new() };
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
                let value = Raw::from(value);
                self.values.push(Entry { key, line, value });
            } else {
                self.problem(Some(line), format!("`{key}` is not a setting"));
            }
        }
        if let Some((name, value)) = table.get_key_value(OTLP.key) {
            self.tables(&OTLP, name.span().start, value.get_ref(), line_of);
        }
    }

    /// Takes each table of that name; a single one is one of several, too.
    fn tables(
        &mut self,
        spec: &Spec,
        offset: usize,
        value: &DeValue<'_>,
        line_of: impl Fn(usize) -> usize,
    ) {
        let tables: Option<Vec<_>> = match value {
            DeValue::Table(table) => Some(vec![(offset, table)]),
            DeValue::Array(list) => list
                .iter()
                .map(|value| match value.get_ref() {
                    DeValue::Table(table) => Some((value.span().start, table)),
                    _ => None,
                })
                .collect(),
            _ => None,
        };
        let Some(tables) = tables else {
            return self.wrong(spec.key, line_of(offset), "must be tables, `[[otlp]]`");
        };
        for (offset, table) in tables {
            let entries = table.iter().map(|(name, value)| Entry {
                key: name.get_ref().to_string(),
                line: line_of(name.span().start),
                value: value.get_ref().into(),
            });
            let mut entries: Vec<_> = entries.collect();
            entries.sort_by_key(|entry| entry.line);
            let line = line_of(offset);
            self.tables.push(Table { key: spec.key, line, is_whole: true, entries });
        }
    }
}

/// Every key under `table` that is not itself a table, with its place and its value.
fn collect<'a, 'i>(
    prefix: &str,
    table: &'a DeTable<'i>,
    found: &mut Vec<(usize, String, &'a DeValue<'i>)>,
) {
    for (name, value) in table {
        let key = match prefix {
            "" => name.get_ref().to_string(),
            prefix => format!("{prefix}.{}", name.get_ref()),
        };
        match value.get_ref() {
            // Those are read by themselves.
            _ if key == OTLP.key => {}
            DeValue::Table(inner) if !ALL.iter().any(|spec| spec.key == key) => {
                collect(&key, inner, found);
            }
            value => found.push((name.span().start, key, value)),
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
