//! Where a recording is to go, by the settings of the OpenCode that is recorded: its environment and its plugin's
//! options, as the spool has them, and the user's `config.toml`. The environment of whoever records is another one,
//! and does not count.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    path::{Path, PathBuf},
};

use octrace_store::delivery::{Identity, Rules};
use octrace_wire::payload::{Hello, Instance, Settings as Environment};

use super::{deliver::destination, place::Place};
use crate::config::{self, Options, Origin, Problem, Settings, agent_trace::Labels};

/// In the folder of the JSONL files, or in that of octrace's state.
pub(crate) const DIAGNOSTICS: &str = "opencode-api-tracer.debug.jsonl";

/// Where diagnostics go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Diagnosed<'a> {
    /// The file.
    pub(crate) file: &'a Path,
    /// The one to take where that cannot be written: it may be in the very folder that is wrong.
    pub(crate) spare: &'a Path,
}

/// The settings of one OpenCode process.
#[derive(Default)]
pub(crate) struct Wishes {
    config: PathBuf,
    user: PathBuf,
    state: PathBuf,
    environment: Environment,
    cwd: PathBuf,
    /// By the directory that OpenCode works in.
    instances: BTreeMap<String, Options>,
    /// Where requests go that come from no directory of these, or from an unknown one.
    folder: Option<String>,
    folders: HashMap<String, Option<String>>,
    traced: Option<Labels>,
    /// Where it is delivered to, and how.
    destinations: Vec<(Identity, Rules)>,
    diagnostics: Option<PathBuf>,
    spare: PathBuf,
    /// What was said already of settings without effect.
    said: HashSet<String>,
}

impl Wishes {
    /// Of a process that has not said anything yet.
    pub(crate) fn new(place: &Place) -> Self {
        let (config, user, state) = (place.config.clone(), place.user.clone(), place.state.clone());
        let spare = state.join(DIAGNOSTICS);
        Self { config, user, state, spare, ..Self::default() }
    }

    /// The process says what its environment is.
    pub(crate) fn hello(&mut self, hello: &Hello) {
        self.environment = hello.settings.clone();
        self.cwd = PathBuf::from(&hello.cwd);
        self.settle();
    }

    /// OpenCode works in one more directory.
    pub(crate) fn instance(&mut self, instance: &Instance) {
        let options = instance.options.as_ref().map_or("{}", |options| options.get());
        self.options(&instance.directory, options);
    }

    /// The same, with the options as JSON.
    pub(crate) fn options(&mut self, directory: &str, options: &str) {
        // What is no object has no options.
        let options = serde_json::from_str(options).unwrap_or_default();
        self.instances.insert(directory.to_owned(), options);
        self.settle();
    }

    /// The folder that requests from this directory go to as JSONL. Of an unknown one, it is that of the only
    /// directory there is.
    pub(crate) fn folder(&self, directory: &str) -> Option<&str> {
        let known = self.folders.get(directory);
        let only = self
            .folders
            .values()
            .next()
            .filter(|_| directory.is_empty() && self.folders.len() == 1);
        known.or(only).unwrap_or(&self.folder).as_deref()
    }

    /// What Agent Trace records say of where they come from; `None` where it is switched off, or nothing was said yet.
    pub(crate) fn traced(&self) -> Option<&Labels> {
        self.traced.as_ref()
    }

    /// Where what is recorded from now on is delivered to. Of several directories with patterns of their own, all hold:
    /// nothing that one of them would blank leaves from another.
    pub(crate) fn destinations(&self) -> &[(Identity, Rules)] {
        &self.destinations
    }

    /// The file for diagnostics; `None` where it is switched off.
    pub(crate) fn diagnostics(&self) -> Option<Diagnosed<'_>> {
        self.diagnostics.as_deref().map(|file| Diagnosed { file, spare: &self.spare })
    }

    fn settle(&mut self) {
        let plain = self.load(&Options::new());
        let loaded: Vec<_> = self
            .instances
            .iter()
            .map(|(directory, options)| (directory.clone(), self.load(options)))
            .collect();
        for settings in loaded.iter().map(|(_, settings)| settings).chain([&plain]) {
            self.say(&settings.problems);
        }
        let instances: Vec<_> = loaded.iter().map(|(_, settings)| settings).collect();
        let traces = destination::traces(&plain, &instances, &self.environment.keys);
        let traced = plain.agent_trace;
        let all = instances.iter().map(|settings| &settings.agent_trace).chain([&traced]);
        let patterns = all.flat_map(|traced| traced.patterns.value.1.iter().cloned()).collect();
        self.destinations = destination::postgres(&traced, patterns).into_iter().collect();
        self.destinations.extend(traces);
        self.traced = traced.enabled.value.then_some(traced.labels);
        self.folder = self.text(plain.jsonl_dir.value.as_deref(), &self.cwd);
        self.folders = loaded
            .into_iter()
            .map(|(directory, Settings { jsonl_dir: dir, .. })| {
                // An option is written for the project that it stands in.
                let base =
                    if dir.origin == Origin::Option { Path::new(&directory) } else { &self.cwd };
                let folder = self.text(dir.value.as_deref(), base);
                (directory, folder)
            })
            .collect();
        let named = plain.diagnostics_file.value.as_deref();
        let named = named.and_then(|path| self.resolve(path, &self.cwd));
        let folder = self.folders.values().flatten().min().or(self.folder.as_ref());
        let folder = folder.map_or(self.state.as_path(), Path::new);
        let is_on = plain.diagnostics.value;
        self.diagnostics = is_on.then(|| named.unwrap_or_else(|| folder.join(DIAGNOSTICS)));
    }

    fn load(&self, options: &Options) -> Settings {
        let Environment { jsonl_dir, debug, debug_file, agent_trace, .. } = &self.environment;
        let variable = |name: &str| match name {
            "OPENCODE_API_TRACER_DIR" => Some(jsonl_dir),
            "OPENCODE_API_TRACER_DEBUG" => Some(debug),
            "OPENCODE_API_TRACER_DEBUG_FILE" => Some(debug_file),
            "AGENT_TRACE_ENABLED" => Some(&agent_trace.enabled),
            "AGENT_TRACE_DATABASE_URL" => Some(&agent_trace.database),
            "DATABASE_URL" => Some(&agent_trace.application_database),
            "AGENT_TRACE_REDACTION" => Some(&agent_trace.redaction),
            "AGENT_TRACE_SPEC_VERSION" => Some(&agent_trace.spec_version),
            "AGENT_TRACE_TOOL_NAME" => Some(&agent_trace.tool_name),
            "AGENT_TRACE_TOOL_VERSION" => Some(&agent_trace.tool_version),
            _ => None,
        };
        config::load(&self.config, &self.state, options, |name| {
            let set = variable(name).filter(|value| !value.is_empty());
            // Of those, an empty one says that it is set to what cannot be told.
            set.or_else(|| self.environment.variables.get(name)).map(Into::into)
        })
    }

    /// Each problem once, however often the settings are looked at.
    fn say(&mut self, problems: &[Problem]) {
        for problem in problems.iter().map(Problem::to_string) {
            if !self.said.contains(&problem) {
                tracing::warn!("a setting of OpenCode's has no effect: {problem}");
                self.said.insert(problem);
            }
        }
    }

    fn text(&self, path: Option<&Path>, base: &Path) -> Option<String> {
        Some(self.resolve(path?, base)?.to_str()?.to_owned())
    }

    /// `None` for what means nothing: relative to an unknown place.
    fn resolve(&self, path: &Path, base: &Path) -> Option<PathBuf> {
        let path = match path.strip_prefix("~") {
            Ok(below) => self.user.join(below),
            Err(_) => base.join(path),
        };
        path.is_absolute().then_some(path)
    }
}

#[cfg(test)]
mod tests {
    use octrace_wire::payload;

    use super::*;

    fn wishes(config: &str, environment: Environment) -> (tempfile::TempDir, Wishes) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        std::fs::write(&file, config).unwrap();
        let mut wishes = Wishes {
            config: file,
            user: "/home/u".into(),
            state: "/state".into(),
            ..Wishes::default()
        };
        wishes.hello(&Hello { cwd: "/project".into(), settings: environment, ..Hello::default() });
        (folder, wishes)
    }

    fn diagnostics(wishes: &Wishes) -> Option<&str> {
        wishes.diagnostics().and_then(|place| place.file.to_str())
    }

    #[test]
    fn the_environment_beats_the_options_and_these_the_file() {
        let file = "jsonl.dir = '~/traces'";
        let (_folder, mut wishes) = wishes(file, Environment::default());
        assert_eq!(wishes.folder(""), Some("/home/u/traces"));
        wishes.options("/project", r#"{"dir":"out"}"#);
        wishes.options("/other", "null");
        assert_eq!(wishes.folder("/project"), Some("/project/out"));
        assert_eq!(wishes.folder("/other"), Some("/home/u/traces"));
        assert_eq!(wishes.folder("/unknown"), Some("/home/u/traces"));
        let environment = Environment { jsonl_dir: "now".into(), ..Environment::default() };
        wishes.hello(&Hello { cwd: "/cwd".into(), settings: environment, ..Hello::default() });
        assert_eq!(wishes.folder("/project"), Some("/cwd/now"));
    }

    #[test]
    fn records_are_named_as_the_recorded_opencode_says() {
        let (_folder, mut wishes) =
            wishes("agent_trace.tool_name = 'mine'", Environment::default());
        let labels = wishes.traced().unwrap();
        assert_eq!((labels.tool_name.value.as_str(), &labels.tool_version.value), ("mine", &None));
        let mut said = |agent_trace| {
            let settings = Environment { agent_trace, ..Environment::default() };
            wishes.hello(&Hello { settings, ..Hello::default() });
            wishes.traced().map(|labels| labels.tool_name.value.clone())
        };
        let theirs = payload::AgentTrace { tool_name: "theirs".into(), ..Default::default() };
        assert_eq!(said(theirs).as_deref(), Some("theirs"));
        assert_eq!(said(payload::AgentTrace { enabled: "off".into(), ..Default::default() }), None);
    }

    #[test]
    fn what_is_recorded_goes_where_its_own_settings_say() {
        let file = "agent_trace.redactPatterns = ['MINE']";
        let (_folder, mut wishes) = wishes(file, Environment::default());
        let destination = |wishes: &Wishes| {
            let to = wishes.destinations().first().map(|(to, _)| to);
            to.map(|to| format!("{} {} {}", to.kind, to.name, to.options))
        };
        assert_eq!(destination(&wishes), None);
        let mut said = |database: &str, application: &str, enabled: &str, redaction: &str| {
            let agent_trace = payload::AgentTrace {
                enabled: enabled.into(),
                database: database.into(),
                application_database: application.into(),
                redaction: redaction.into(),
                ..Default::default()
            };
            let settings = Environment { agent_trace, ..Environment::default() };
            wishes.hello(&Hello { settings, ..Hello::default() });
            destination(&wishes)
        };
        let (a, b) = ("postgres://me@a/db", "postgres://b/db");
        assert_eq!(said(a, b, "0", ""), None);
        assert_eq!(said("", b, "", ""), None, "an application's own");
        let plain = r#"{"redaction":false,"patterns":[]}"#;
        assert_eq!(said("", b, "1", "off"), Some(format!("postgres {b} {plain}")));
        let mine = r#"{"redaction":true,"patterns":["MINE"]}"#;
        assert_eq!(said(a, b, "1", ""), Some(format!("postgres {a} {mine}")));
        wishes.options("/b", r#"{"redactPatterns":["THEIRS", "MINE"]}"#);
        wishes.options("/a", "{}");
        let both = r#"{"redaction":true,"patterns":["MINE","THEIRS"]}"#;
        assert_eq!(destination(&wishes), Some(format!("postgres {a} {both}")));
    }

    /// What is recorded goes there, by an environment with these variables and fingerprints.
    fn traces(
        wishes: &mut Wishes,
        variables: &[(&str, &str)],
        keys: &[(&str, &str)],
    ) -> Vec<String> {
        let owned = |list: &[(&str, &str)]| {
            list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let settings = Environment {
            variables: owned(variables),
            keys: owned(keys),
            ..Environment::default()
        };
        wishes.hello(&Hello { cwd: "/project".into(), settings, ..Hello::default() });
        let told = |(to, _): &(Identity, _)| format!("{} {} {}", to.kind, to.name, to.options);
        wishes.destinations().iter().map(told).collect()
    }

    #[test]
    fn turns_go_to_the_backends_that_the_recorded_opencode_has_keys_of() {
        let file = "neatlogs.workflow_name = 'mine'\nhelicone.api_key = 'k'\n\
            [[otlp]]\nendpoint = 'https://a.example'\nheaders.x = '${TOKEN}'\ncontent = 'metadata_only'\n";
        let (_folder, mut wishes) = wishes(file, Environment::default());
        let variables = [
            ("OPENCODE_HELICONE_EXPORT_MODE", "metadata_only"),
            ("OCTRACE_OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318"),
        ];
        let keys = [("NEATLOGS_API_KEY", "00000001"), ("TOKEN", "00000002")];
        insta::assert_snapshot!(traces(&mut wishes, &variables, &keys).join("\n"), @r#"
        neatlogs https://ingest.neatlogs.com {"key":"00000001","profile":"neatlogs","content":"full","system_prompt":false,"name":"mine","patterns":[]}
        helicone https://api.worker.helicone.ai {"key":"3c6820e7","profile":"genai","content":"metadata_only","system_prompt":false,"name":"/opencode","patterns":[]}
        otlp http://127.0.0.1:4318 {"key":null,"profile":"genai","content":"full","system_prompt":false,"name":"","patterns":[]}
        otlp https://a.example {"key":"c6e9933a","profile":"genai","content":"metadata_only","system_prompt":false,"name":"","patterns":[]}
        "#);
        insta::assert_snapshot!(traces(&mut wishes, &[], &[]).join("\n"), @r#"helicone https://api.worker.helicone.ai {"key":"3c6820e7","profile":"genai","content":"full","system_prompt":false,"name":"/opencode","patterns":[]}"#);
        let off = [("OPENCODE_HELICONE_EXPORT_MODE", "off")];
        assert_eq!(traces(&mut wishes, &off, &[]), [""; 0]);
        // Set, but to what is no key or no URL: the file's own does not stand in for it.
        assert_eq!(traces(&mut wishes, &[], &[("HELICONE_API_KEY", "")]), [""; 0]);
        assert_eq!(traces(&mut wishes, &[("HELICONE_ENDPOINT", "")], &[]), [""; 0]);
        assert_eq!(traces(&mut wishes, &off, &[("TOKEN", "")]), [""; 0]);
        let headers = [("OCTRACE_OTEL_EXPORTER_OTLP_HEADERS", "")];
        assert_eq!(traces(&mut wishes, &[off[0], variables[1]], &headers), [""; 0]);
    }

    #[test]
    fn of_several_directories_all_patterns_hold_and_any_may_keep_helicone_out() {
        let file = "helicone.redactPatterns = ['MINE']\nhelicone.maxRetries = 7";
        let (_folder, mut wishes) = wishes(file, Environment::default());
        let keys = [("HELICONE_API_KEY", "00000001")];
        wishes.options(
            "/b",
            r#"{"redactPatterns": ["B"], "sessionPathPrefix": "/b", "flushInterval": 5}"#,
        );
        wishes.options("/a", r#"{"redactPatterns": ["A"], "sessionPathPrefix": "/a"}"#);
        wishes.options("/c", "{}");
        insta::assert_snapshot!(traces(&mut wishes, &[], &keys).join("\n"), @r#"helicone https://api.worker.helicone.ai {"key":"00000001","profile":"genai","content":"full","system_prompt":false,"name":"/a","patterns":["A","B","MINE"],"rules":{"batch_size":50,"backlog_size":0,"flush_ms":5,"retry_max":7,"retry_base_ms":1000,"max_bytes":52428800,"max_age_ms":604800000}}"#);
        let (_, rules) = wishes.destinations()[0];
        assert_eq!((rules.flush_ms, rules.retry_max, rules.max_bytes), (5, 7, Some(50 << 20)));
        // What others have waiting there is not served as a project wants it.
        wishes.options("/b", r#"{"redactPatterns": ["B"]}"#);
        let [(to, rules)] = wishes.destinations() else { panic!() };
        assert_eq!((to.options.contains("rules"), rules.flush_ms), (false, 30_000));
        wishes.options("/c", r#"{"enable": false}"#);
        assert_eq!(wishes.destinations(), []);
    }

    #[test]
    fn a_cloned_repository_redirects_nothing() {
        let (_folder, mut wishes) = wishes("neatlogs.api_key = 'k'", Environment::default());
        let keys = [("HELICONE_API_KEY", "00000001")];
        let before = traces(&mut wishes, &[], &keys);
        assert_eq!(before.len(), 2);
        let theirs = r#"{"endpoint": "https://theirs.example", "apiKey": "theirs", "mode": "full",
            "database_url": "postgres://theirs/db", "otlp": [{"endpoint": "https://theirs.example"}],
            "neatlogs": {"endpoint": "https://theirs.example"}, "system_prompt": true,
            "capture_system_prompt": true, "headers": {"a": "b"}, "redactPatterns": [], "enable": true}"#;
        wishes.options("/cloned", theirs);
        assert_eq!(traces(&mut wishes, &[], &keys), before);
        let prefix = r#"{"sessionPathPrefix": "/x\r\nHelicone-User-Id: them"}"#;
        wishes.options("/cloned", prefix);
        assert_eq!(traces(&mut wishes, &[], &keys), before);
    }

    #[test]
    fn two_projects_with_other_keys_modes_or_patterns_share_nothing() {
        let (_folder, mut wishes) = wishes("", Environment::default());
        let key = |key| [("HELICONE_API_KEY", key), ("NEATLOGS_API_KEY", key)];
        let mut seen = traces(&mut wishes, &[], &key("00000001"));
        assert_eq!(traces(&mut wishes, &[], &key("00000001")), seen);
        seen.extend(traces(&mut wishes, &[], &key("00000002")));
        let url = [
            ("HELICONE_ENDPOINT", "https://b.example"),
            ("NEATLOGS_ENDPOINT", "https://b.example"),
        ];
        seen.extend(traces(&mut wishes, &url, &key("00000001")));
        let shape = [
            ("OPENCODE_HELICONE_EXPORT_MODE", "metadata_only"),
            ("NEATLOGS_CAPTURE_SYSTEM_PROMPT", "true"),
        ];
        seen.extend(traces(&mut wishes, &shape, &key("00000001")));
        wishes.options("/d", r#"{"redactPatterns": ["X"]}"#);
        seen.extend(traces(&mut wishes, &[], &key("00000001")));
        let all: HashSet<_> = seen.iter().collect();
        assert_eq!((all.len(), seen.len()), (10, 10));
    }

    #[test]
    fn a_request_from_nowhere_known_goes_where_all_go() {
        let (_folder, mut wishes) = wishes("", Environment::default());
        assert_eq!(wishes.folder(""), None);
        wishes.options("/project", r#"{"dir":"/out"}"#);
        assert_eq!(wishes.folder(""), Some("/out"));
        assert_eq!(wishes.folder("/elsewhere"), None, "of another project, it is none of ours");
        wishes.options("/second", r#"{"dir":"/second/out"}"#);
        assert_eq!(wishes.folder(""), None, "one of two");
    }

    #[test]
    fn diagnostics_are_beside_the_files_or_where_they_are_told() {
        let (_folder, mut plain) = wishes("", Environment::default());
        assert_eq!(diagnostics(&plain), Some("/state/opencode-api-tracer.debug.jsonl"));
        plain.options("/project", r#"{"dir":"/out"}"#);
        assert_eq!(diagnostics(&plain), Some("/out/opencode-api-tracer.debug.jsonl"));
        let told = |debug: &str, file: &str| {
            let settings = Environment {
                debug: debug.into(),
                debug_file: file.into(),
                ..Environment::default()
            };
            let (_folder, wishes) = wishes("", settings);
            diagnostics(&wishes).map(str::to_owned)
        };
        assert_eq!(told("0", "/x.jsonl"), None);
        assert_eq!(told("1", "x.jsonl").as_deref(), Some("/project/x.jsonl"));
        assert_eq!(told("maybe", "").as_deref(), Some("/state/opencode-api-tracer.debug.jsonl"));
    }
}
