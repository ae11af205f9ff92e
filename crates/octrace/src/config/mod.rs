//! Settings, and where each value came from: the environment, then the plugin's options, then the user's
//! `config.toml`, then the default.
//!
//! * [`registry`]: which settings there are, the one table of them.
//! * [`value`]: the types of their values.
//! * [`limit`]: sizes and lengths of time.
//! * [`agent_trace`]: those of Agent Trace. [`database`]: the URL of a Postgres, which has a password in it.
//! * [`backends`]: those of tracing backends.
//! * [`file`](mod@file): reading `config.toml`, whatever state it is in.
//!
//! A setting that cannot be used is named with its place and passed over; it never stops anything.

pub(crate) mod agent_trace;
pub(crate) mod backends;
pub(crate) mod database;
mod file;
mod limit;
mod registry;
mod value;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

use octrace_core::redact::Patterns;
use serde::Serialize;

pub(crate) use self::{
    agent_trace::AgentTrace,
    backends::Backends,
    limit::{Age, Bytes, Limit},
    registry::{HOME, HOME_VARIABLE, Spec},
};
use self::{
    registry::{
        DIAGNOSTICS, DIAGNOSTICS_FILE, JSONL_DIR, MAX_AGE, MAX_SIZE, PATTERNS,
        REQUIRE_PROVIDER_HEADER,
    },
    value::{Absolute, Raw, Setting},
};

/// The options beside the plugin's name in OpenCode's configuration.
pub(crate) type Options = serde_json::Map<String, serde_json::Value>;

/// Where a value came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    /// A variable of the environment.
    Environment,
    /// `DATABASE_URL`: a variable that is there for an application.
    Application,
    /// An option beside the plugin's name in OpenCode's configuration.
    Option,
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

impl<T> Value<T> {
    fn told(&self, tell: impl FnOnce(&T) -> String) -> Value<String> {
        Value { value: tell(&self.value), origin: self.origin, line: self.line }
    }

    fn map<U>(self, convert: impl FnOnce(T) -> U) -> Value<U> {
        Value { value: convert(self.value), origin: self.origin, line: self.line }
    }
}

impl<T: Setting> Value<T> {
    fn shown(&self) -> Value<String> {
        self.told(T::show)
    }
}

/// All settings.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The user's file, whether it exists or not.
    pub(crate) file: PathBuf,
    /// octrace's own folder.
    pub(crate) home: Value<PathBuf>,
    /// How large the tape may be on the disk.
    pub(crate) max_size: Value<Limit<Bytes>>,
    /// How long a session is kept after its last activity.
    pub(crate) max_age: Value<Limit<Age>>,
    /// What else is blanked, as far as it can be read.
    pub(crate) patterns: Value<Patterns>,
    /// Where JSONL files go, as written; may be relative to where OpenCode was started.
    pub(crate) jsonl_dir: Value<Option<PathBuf>>,
    /// Whether there is a diagnostics file.
    pub(crate) diagnostics: Value<bool>,
    /// Which one, as written; may be relative to where OpenCode was started.
    pub(crate) diagnostics_file: Value<Option<PathBuf>>,
    /// Whether requests without a provider's header are left alone.
    pub(crate) require_provider_header: Value<bool>,
    /// Which lines the agent wrote, and where that goes.
    pub(crate) agent_trace: AgentTrace,
    /// Which tracing backends there are.
    pub(crate) backends: Backends,
    /// What was passed over.
    pub(crate) problems: Vec<Problem>,
}

impl Settings {
    /// Each setting with its value as people read it.
    pub(crate) fn all(&self) -> Vec<(&'static Spec, Value<String>)> {
        let mut all = vec![
            (&HOME, self.home.shown()),
            (&MAX_SIZE, self.max_size.shown()),
            (&MAX_AGE, self.max_age.shown()),
            (&PATTERNS, self.patterns.told(counted)),
            (&JSONL_DIR, self.jsonl_dir.shown()),
            (&DIAGNOSTICS, self.diagnostics.shown()),
            (&DIAGNOSTICS_FILE, self.diagnostics_file.shown()),
            (&REQUIRE_PROVIDER_HEADER, self.require_provider_header.shown()),
        ];
        all.extend(self.agent_trace.all());
        all.extend(self.backends.all());
        all
    }
}

/// Not the patterns themselves: they may say what is secret.
fn counted(patterns: &Patterns) -> String {
    format!("{} in use", patterns.len())
}

/// Reads the settings. `data` is the XDG data folder; `variable` gives a variable that is set and not
/// empty.
pub(crate) fn load(
    file: &Path,
    data: &Path,
    options: &Options,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Settings {
    let mut sources = Sources { file: file::read(file), options, variable, problems: Vec::new() };
    let home = sources.value(&HOME, Absolute(data.join("octrace"))).map(|Absolute(path)| path);
    let max_size = sources.value(&MAX_SIZE, Limit::To(Bytes(2 << 30)));
    let max_age = sources.value(&MAX_AGE, Limit::To(Age(Duration::from_secs(30 * 24 * 60 * 60))));
    let patterns = sources.patterns(&PATTERNS).map(|(patterns, _)| patterns);
    let jsonl_dir = sources.value(&JSONL_DIR, None);
    let diagnostics = sources.value(&DIAGNOSTICS, true);
    let diagnostics_file = sources.value(&DIAGNOSTICS_FILE, None);
    let require_provider_header = sources.value(&REQUIRE_PROVIDER_HEADER, false);
    let agent_trace = agent_trace::load(&mut sources);
    let backends = backends::load(&mut sources);
    sources.name_unknown_options();
    let mut problems = sources.file.problems;
    for problem in sources.problems {
        // One option may be for several settings.
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    Settings {
        file: file.to_owned(),
        home,
        max_size,
        max_age,
        patterns,
        jsonl_dir,
        diagnostics,
        diagnostics_file,
        require_provider_header,
        agent_trace,
        backends,
        problems,
    }
}

/// What has no effect in options beside the plugin's name, whatever else is set.
pub(crate) fn problems_of(options: &Options) -> Vec<Problem> {
    // Neither a file nor a folder has this name.
    load(Path::new(""), Path::new("/"), options, |_| None).problems
}

/// Where values come from.
struct Sources<'a, F> {
    file: file::Contents,
    options: &'a Options,
    variable: F,
    /// Of the other places than the file.
    problems: Vec<Problem>,
}

impl<F: Fn(&str) -> Option<OsString>> Sources<'_, F> {
    /// What holds: of the places in their order, the first that has a value which can be used. The others are
    /// looked at all the same, so that what is wrong in them is named.
    fn value<T: Setting>(&mut self, spec: &Spec, default: T) -> Value<T> {
        let places = self.places(spec, ["", "; it is passed over"]);
        let usable = |Value { value, origin, line }| Some(Value { value: value?, origin, line });
        let found = places.into_iter().filter_map(usable).next();
        found.unwrap_or(Value { value: default, origin: Origin::Default, line: None })
    }

    /// The same where a slip of the pen must not send anything to anybody: the first place that says anything decides,
    /// and if what it says cannot be used, there is no value.
    fn strict<T: Setting>(&mut self, spec: &Spec, default: Option<T>) -> Value<Option<T>> {
        let places = self.places(spec, ["; nothing is sent there"; 2]);
        let first = places.into_iter().next();
        first.unwrap_or(Value { value: default, origin: Origin::Default, line: None })
    }

    /// What each place says that says anything, the first one first; `None` in it is no value. `or_else` is what happens
    /// then: to one of the file, to one of the others.
    fn places<T: Setting>(&mut self, spec: &Spec, or_else: [&str; 2]) -> Vec<Value<Option<T>>> {
        let [of_file, of_others] = or_else;
        let mut places = Vec::new();
        if let Some((value, line)) = self.file.value(spec, of_file) {
            places.push(Value { value, origin: Origin::File, line: Some(line) });
        }
        let option = spec.option.and_then(|name| Some((name, self.options.get(name)?)));
        if let Some((name, raw)) = option.map(|(name, value)| (name, Raw::from(value))) {
            let value = self.read(&raw, &of_option(name), of_others);
            places.push(Value { value, origin: Origin::Option, line: None });
        }
        let variable = spec.variable.and_then(|name| Some((name, (self.variable)(name)?)));
        if let Some((name, text)) = variable {
            // A path that is not UTF-8 could not be written down anywhere.
            let raw = text.into_string().map_or(Raw::Other, Raw::Variable);
            let value = self.read(&raw, name, of_others);
            places.push(Value { value, origin: Origin::Environment, line: None });
        }
        places.reverse();
        places
    }

    /// Those that can be read, and all as they were written; the others are named by their numbers.
    fn patterns(&mut self, spec: &Spec) -> Value<(Patterns, Vec<String>)> {
        let mut written: Value<Vec<String>> = self.value(spec, Vec::new());
        if written.origin == Origin::Option && written.value.len() > PROJECT_PATTERNS {
            written.value.truncate(PROJECT_PATTERNS);
            let what = format!("has more than {PROJECT_PATTERNS}; the others are passed over");
            self.wrong(spec, &written, &what);
        }
        let (patterns, bad) = Patterns::new(&written.value);
        for bad in bad {
            self.wrong(spec, &written, &bad.to_string());
        }
        written.map(|written| (patterns, written))
    }

    /// Names what is wrong with a value, in the place that it came from.
    fn wrong<T>(&mut self, spec: &Spec, value: &Value<T>, what: &str) {
        match (value.origin, value.line, spec.option) {
            (_, Some(line), _) => self.file.wrong(spec.key, line, what),
            (Origin::Option, _, Some(name)) => self.name(&of_option(name), what),
            _ => self.name(spec.variable.unwrap_or_default(), what),
        }
    }

    fn name(&mut self, place: &str, what: &str) {
        let (place, what) = (place.to_owned(), what.to_owned());
        self.problems.push(Problem { place, line: None, what });
    }

    fn name_unknown_options(&mut self) {
        let is_known = |name: &str| registry::ALL.iter().any(|spec| spec.option == Some(name));
        let unknown: Vec<_> = self.options.keys().filter(|name| !is_known(name)).cloned().collect();
        for name in unknown {
            let is_private = PRIVATE.iter().any(|private| name.eq_ignore_ascii_case(private));
            let what = if is_private { "is not for a project to set" } else { "is not a setting" };
            self.name("the plugin's options", &format!("`{name}` {what}"));
        }
    }

    fn read<T: Setting>(&mut self, raw: &Raw, place: &str, or_else: &str) -> Option<T> {
        let value = T::read(raw);
        if value.is_none() {
            self.name(place, &format!("must be {}{or_else}", T::MUST_BE));
        }
        value
    }
}

/// Each pattern may take a mebibyte in memory and a while to read; a project whose list is longer would keep its user's
/// recorder from recording.
const PROJECT_PATTERNS: usize = 100;

/// What would redirect or unlock what others wrote, however it is called. It comes from the environment and the user's
/// file.
const PRIVATE: [&str; 10] = [
    "api_key",
    "apiKey",
    "baseUrl",
    "database_url",
    "databaseUrl",
    "endpoint",
    "headers",
    "key",
    "otlp",
    "url",
];

fn of_option(name: &str) -> String {
    format!("the plugin's option `{name}`")
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fs;

    use super::*;

    /// The settings by this `config.toml`, these options of the plugin, in JSON, and these variables.
    pub(crate) fn given(file: &str, options: &str, variables: &[(&str, &str)]) -> Settings {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        fs::write(&path, file).unwrap();
        let options: Options = serde_json::from_str(options).unwrap();
        let mut settings = load(&path, Path::new("/data"), &options, |name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| value.into())
        });
        for problem in &mut settings.problems {
            problem.place = problem.place.replace(&dir.path().display().to_string(), "");
        }
        settings
    }

    fn settings(file: &str, home: Option<&str>) -> Settings {
        let home = home.map(|home| ("OCTRACE_HOME", home));
        given(file, "{}", home.as_slice())
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
        /config.toml:2: `home` must be an absolute path
        /config.toml:3: `colour` is not a setting
        /config.toml:6: `capture.level` is not a setting
        OCTRACE_HOME: must be an absolute path; it is passed over
        ");
    }

    #[test]
    fn the_plugins_options_stand_between_the_environment_and_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config.toml");
        fs::write(&file, "[jsonl]\ndir = \"/file\"\n[diagnostics]\nenabled = false\n").unwrap();
        let told = |option: serde_json::Value, variable: Option<&str>| {
            let options = Options::from_iter([("dir".to_owned(), option)]);
            let settings = load(&file, Path::new("/data"), &options, |name| {
                (name == "OPENCODE_API_TRACER_DIR").then_some(variable)?.map(OsString::from)
            });
            assert!(!settings.diagnostics.value);
            let Value { value, origin, .. } = settings.jsonl_dir.clone();
            (value.unwrap().display().to_string(), origin, problems(&settings))
        };
        let none = String::new;
        assert_eq!(told("opt".into(), None), ("opt".into(), Origin::Option, none()));
        assert_eq!(told("opt".into(), Some("env")), ("env".into(), Origin::Environment, none()));
        let problem = "the plugin's option `dir`: must be a path; it is passed over\n".to_owned();
        assert_eq!(told(5.into(), None), ("/file".into(), Origin::File, problem));
    }

    #[test]
    fn an_option_that_is_no_setting_is_named() {
        let options = Options::from_iter([("apiKey".to_owned(), serde_json::Value::Null)]);
        let settings = load(Path::new("/none"), Path::new("/data"), &options, |_| None);
        insta::assert_snapshot!(problems(&settings), @"the plugin's options: `apiKey` is not for a project to set");
        assert_eq!(problems_of(&options), settings.problems);
        assert_eq!(problems_of(&Options::new()), []);
    }

    #[test]
    fn a_bad_pattern_is_named_without_being_shown_and_the_others_hold() {
        let settings =
            settings("[redact]\npatterns = [\n  'ACME-\\d+',\n  'mine(',\n  'BETA',\n]\n", None);
        insta::assert_snapshot!(problems(&settings), @"/config.toml:2: `redact.patterns` pattern 2 cannot be read: unclosed group");
        let all = settings.all();
        let told = all.iter().find(|(spec, _)| spec.key == "redact.patterns");
        assert_eq!(told.map(|(_, value)| value.value.as_str()), Some("2 in use"));

        let lists = [("redact.patterns = 'one'", 1), ("redact = { patterns = [1] }", 1)];
        for (file, line) in lists {
            let settings = super::tests::settings(file, None);
            assert_eq!(settings.patterns.value.len(), 0);
            assert_eq!(settings.problems[0].line, Some(line), "{file}");
        }
    }

    #[test]
    fn every_setting_is_in_the_table_and_listed() {
        let settings = settings("", None);
        let listed: Vec<_> = settings.all().iter().map(|(spec, _)| spec.key).collect();
        assert_eq!(listed, registry::ALL.map(|spec| spec.key));
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
        let load = || load(&file, Path::new("/data"), &Options::new(), |_| None);

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
