//! Settings, and where each value came from: the environment, then the user's `config.toml`, then the
//! default.
//!
//! * [`registry`]: which settings there are, the one table of them.
//! * [`file`](mod@file): reading `config.toml`, whatever state it is in.
//!
//! A setting that cannot be used is named with its place and passed over; it never stops anything.

mod file;
mod registry;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use octrace_core::redact::Patterns;
use serde::Serialize;

pub(crate) use self::registry::{HOME, PATTERNS, Spec};

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    /// A variable of the environment.
    Environment,
    /// The user's `config.toml`.
    File,
    /// Nobody said anything.
    Default,
}

/// A setting's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Value<T> {
    /// What holds.
    pub(crate) value: T,
    /// Who said so.
    pub(crate) origin: Origin,
    /// The line in `config.toml`, from 1.
    pub(crate) line: Option<usize>,
}

impl<T> Value<T> {
    fn told(&self, tell: impl FnOnce(&T) -> String) -> Value<String> {
        Value { value: tell(&self.value), origin: self.origin, line: self.line }
    }
}

/// Something in a place of settings that has no effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Problem {
    /// The file, or the variable.
    pub(crate) place: String,
    /// The line in the file, from 1.
    pub(crate) line: Option<usize>,
    /// What is wrong with it; never a value, which may be a key.
    pub(crate) what: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.place, self.what),
            None => write!(f, "{}: {}", self.place, self.what),
        }
    }
}

/// All settings.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The user's file, whether it exists or not.
    pub(crate) file: PathBuf,
    /// octrace's own folder.
    pub(crate) home: Value<PathBuf>,
    /// What else is blanked, as far as it can be read.
    pub(crate) patterns: Value<Patterns>,
    /// What was passed over.
    pub(crate) problems: Vec<Problem>,
}

impl Settings {
    /// Each setting with its value as people read it.
    pub(crate) fn all(&self) -> Vec<(&'static Spec, Value<String>)> {
        vec![
            (&HOME, self.home.told(|home| home.display().to_string())),
            // Not the patterns themselves: they may say what is secret.
            (&PATTERNS, self.patterns.told(|patterns| format!("{} in use", patterns.len()))),
        ]
    }
}

/// Reads the settings. `data` is the XDG data folder; `variable` gives a variable that is set and not
/// empty.
pub(crate) fn load(
    file: &Path,
    data: &Path,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Settings {
    let mut read = file::read(file);
    let mut home = Value { value: data.join("octrace"), origin: Origin::Default, line: None };
    if let Some((path, line)) = read.path(&HOME) {
        home = Value { value: path, origin: Origin::File, line: Some(line) };
    }
    if let Some(path) = variable(HOME.variable).map(PathBuf::from) {
        if path.is_absolute() {
            home = Value { value: path, origin: Origin::Environment, line: None };
        } else {
            read.problems.push(Problem {
                place: HOME.variable.to_owned(),
                line: None,
                what: "must be an absolute path; it is passed over".to_owned(),
            });
        }
    }
    let patterns = patterns(&mut read, variable(PATTERNS.variable));
    Settings { file: file.to_owned(), home, patterns, problems: read.problems }
}

fn patterns(read: &mut file::Contents, variable: Option<OsString>) -> Value<Patterns> {
    if let Some(lines) = variable {
        let lines = lines.to_string_lossy();
        let lines: Vec<_> = lines.lines().map(str::to_owned).collect();
        let (value, bad) = Patterns::new(&lines);
        read.problems.extend(bad.iter().map(|bad| Problem {
            place: PATTERNS.variable.to_owned(),
            line: None,
            what: bad.to_string(),
        }));
        return Value { value, origin: Origin::Environment, line: None };
    }
    let Some((list, line)) = read.list(&PATTERNS) else {
        return Value { value: Patterns::default(), origin: Origin::Default, line: None };
    };
    let (value, bad) = Patterns::new(&list);
    for bad in bad {
        read.wrong(&PATTERNS, line, &bad.to_string());
    }
    Value { value, origin: Origin::File, line: Some(line) }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn settings(content: &str, home: Option<&str>) -> Settings {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        fs::write(&file, content).unwrap();
        let mut settings = load(&file, Path::new("/data"), |name| {
            (name == "OCTRACE_HOME").then_some(home)?.map(OsString::from)
        });
        for problem in &mut settings.problems {
            problem.place = problem.place.replace(&dir.path().display().to_string(), "");
        }
        settings
    }

    fn problems(settings: &Settings) -> String {
        settings.problems.iter().map(|problem| format!("{problem}\n")).collect()
    }

    #[test]
    fn the_environment_beats_the_file_and_the_file_the_default() {
        let told = |settings: Settings| (settings.home.value, settings.home.origin);
        let file = "home = \"/file\"";
        assert_eq!(told(settings("", None)), ("/data/octrace".into(), Origin::Default));
        assert_eq!(told(settings(file, None)), ("/file".into(), Origin::File));
        assert_eq!(told(settings(file, Some("/env"))), ("/env".into(), Origin::Environment));
        assert_eq!(settings("\n\nhome = \"/file\"", None).home.line, Some(3));
    }

    #[test]
    fn what_has_no_effect_is_named_with_its_place() {
        let settings = settings(
            "# mine\nhome = 5\ncolour = \"secret\"\n\n[capture]\nlevel = 3\n",
            Some("relative"),
        );
        assert_eq!(settings.home.origin, Origin::Default);
        insta::assert_snapshot!(problems(&settings), @"
        /config.toml:2: `home` must be an absolute path in quotes
        /config.toml:3: `colour` is not a setting
        /config.toml:6: `capture.level` is not a setting
        OCTRACE_HOME: must be an absolute path; it is passed over
        ");
    }

    #[test]
    fn a_bad_pattern_is_named_without_being_shown_and_the_others_hold() {
        let settings =
            settings("[redact]\npatterns = [\n  'ACME-\\d+',\n  'mine(',\n  'BETA',\n]\n", None);
        insta::assert_snapshot!(problems(&settings), @"/config.toml:2: `redact.patterns` pattern 2 cannot be read: unclosed group");
        let told: Vec<_> = settings.all().into_iter().map(|(_, value)| value.value).collect();
        assert_eq!(told, ["/data/octrace", "2 in use"]);

        let lists = [("redact.patterns = 'one'", 1), ("redact = { patterns = [1] }", 1)];
        for (file, line) in lists {
            let settings = super::tests::settings(file, None);
            assert_eq!(settings.patterns.value.len(), 0);
            assert_eq!(settings.problems[0].line, Some(line), "{file}");
        }
    }

    #[test]
    fn a_file_that_is_not_toml_says_where() {
        let settings = settings("home = \"/file\"\nhome == 2\n", None);
        assert_eq!(settings.home.origin, Origin::Default);
        assert_eq!(settings.problems.len(), 1);
        assert_eq!(settings.problems[0].line, Some(2));
    }

    #[test]
    fn whatever_stands_in_the_files_place_is_named_and_stops_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        let load = || load(&file, Path::new("/data"), |_| None);

        assert_eq!(load().problems, []);
        fs::create_dir(&file).unwrap();
        assert!(load().problems[0].what.contains("not a regular file"));
        fs::remove_dir(&file).unwrap();
        std::os::unix::fs::symlink("config.toml", &file).unwrap();
        assert_eq!(load().problems.len(), 1);
        fs::remove_file(&file).unwrap();
        fs::write(&file, [b'#', 0xff]).unwrap();
        assert!(load().problems[0].what.contains("UTF-8"));
        fs::write(&file, vec![b'#'; (1 << 20) + 1]).unwrap();
        assert!(load().problems[0].what.contains("too large"));
    }
}
