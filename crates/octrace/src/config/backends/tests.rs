//! What each place may say of tracing backends, and what happens to what it may not.

use octrace_core::trace::Content;
use serde_json::json;

use crate::config::{Settings, tests::given as settings};

fn told(settings: &Settings) -> String {
    let lines = settings.backends.all();
    let lines = lines
        .iter()
        .map(|(spec, value)| format!("{} = {} ({:?})\n", spec.key, value.value, value.origin));
    lines.chain([problems(settings)]).collect()
}

fn problems(settings: &Settings) -> String {
    settings.problems.iter().map(|problem| format!("{problem}\n")).collect()
}

#[test]
fn nothing_is_sent_to_anybody_without_a_key() {
    insta::assert_snapshot!(told(&settings("", "{}", &[])), @"
    neatlogs.api_key = (not set) (Default)
    neatlogs.endpoint = https://ingest.neatlogs.com (Default)
    neatlogs.workflow_name = opencode (Default)
    neatlogs.capture_system_prompt = false (Default)
    neatlogs.redactPatterns = 0 in use (Default)
    helicone.api_key = (not set) (Default)
    helicone.endpoint = https://api.worker.helicone.ai (Default)
    helicone.mode = full (Default)
    helicone.enable = true (Default)
    helicone.flushInterval = 30000 (Default)
    helicone.sessionPathPrefix = /opencode (Default)
    helicone.maxSpoolSize = 52428800 (Default)
    helicone.maxSpoolAge = 604800000 (Default)
    helicone.maxRetries = 5 (Default)
    helicone.retryBaseDelay = 1000 (Default)
    helicone.capture_system_prompt = false (Default)
    helicone.redactPatterns = 0 in use (Default)
    helicone.spoolDirectory = (not set) (Default)
    otlp.endpoint = (not set) (Default)
    otlp.headers = (not set) (Default)
    otlp.protocol = http/protobuf (Default)
    otlp.redactPatterns = 0 in use (Default)
    otlp = (not set) (Default)
    ");
}

#[test]
fn each_place_says_what_it_may_and_what_is_wrong_is_named() {
    let file = r#"
[neatlogs]
api_key = "file-key"
workflow_name = ""
capture_system_prompt = true

[helicone]
api_key = 5
endpoint = "https://helicone.example/"
mode = "metadata_only"
flushInterval = "soon"
capture_system_prompt = true
redactPatterns = ["ACME-\\d+", "("]
colour = "blue"

[otlp]
endpoint = "http://127.0.0.1:4318"
"#;
    let options = r#"{"sessionPathPrefix": "/mine/", "maxSpoolSize": 0, "maxRetries": 2,
        "redactPatterns": ["BETA", "["], "spoolDirectory": "x", "enable": true}"#;
    let variables = [
        ("NEATLOGS_ENDPOINT", "https://neatlogs.example/base/"),
        ("NEATLOGS_CAPTURE_SYSTEM_PROMPT", "maybe"),
        ("HELICONE_API_KEY", "of-the-environment"),
        ("OCTRACE_OTEL_EXPORTER_OTLP_ENDPOINT", "https://otlp.example:4318"),
        ("OCTRACE_OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20Z2Vo,x-a=1"),
    ];
    insta::assert_snapshot!(told(&settings(file, options, &variables)), @"
    neatlogs.api_key = set (…58243c00) (File)
    neatlogs.endpoint = https://neatlogs.example/base (Environment)
    neatlogs.workflow_name = opencode (Default)
    neatlogs.capture_system_prompt = true (File)
    neatlogs.redactPatterns = 1 in use (Option)
    helicone.api_key = set (…f48741a8) (Environment)
    helicone.endpoint = https://helicone.example (File)
    helicone.mode = metadata_only (File)
    helicone.enable = true (Option)
    helicone.flushInterval = 30000 (Default)
    helicone.sessionPathPrefix = /mine (Option)
    helicone.maxSpoolSize = 52428800 (Default)
    helicone.maxSpoolAge = 604800000 (Default)
    helicone.maxRetries = 2 (Option)
    helicone.retryBaseDelay = 1000 (Default)
    helicone.capture_system_prompt = true (File)
    helicone.redactPatterns = 1 in use (Option)
    helicone.spoolDirectory = x (Option)
    otlp.endpoint = https://otlp.example:4318 (Environment)
    otlp.headers = authorization, x-a set (…4d3716cb) (Environment)
    otlp.protocol = http/protobuf (Default)
    otlp.redactPatterns = 1 in use (Option)
    otlp = http://127.0.0.1:4318 (genai, full, without system prompts, redactPatterns: 0 in use, no headers) (File)
    /config.toml:4: `neatlogs.workflow_name` must be a string that is not empty
    /config.toml:8: `helicone.api_key` must be a key: ASCII characters, without a line break; nothing is sent there
    /config.toml:11: `helicone.flushInterval` must be a whole number, 0 or more
    /config.toml:14: `helicone.colour` is not a setting
    the plugin's option `redactPatterns`: pattern 2 cannot be read: unclosed character class
    NEATLOGS_CAPTURE_SYSTEM_PROMPT: must be true or false; it is passed over
    the plugin's option `spoolDirectory`: has no effect: what waits for Helicone is on the tape
    the plugin's option `maxSpoolSize`: must be a whole number, 1 or more; it is passed over
    ");
}

#[test]
fn a_project_can_set_no_endpoint_and_no_key() {
    let theirs = r#"{"endpoint": "https://theirs.example", "apiKey": "theirs", "api_key": "theirs",
        "neatlogs.endpoint": "https://theirs.example", "mode": "full", "otlp": [{"endpoint": "x"}],
        "headers": {"a": "b"}, "baseURL": "https://theirs.example", "system_prompt": true}"#;
    let variables = [("NEATLOGS_API_KEY", "mine"), ("HELICONE_API_KEY", "mine")];
    let [with, without] = [theirs, "{}"].map(|options| settings("", options, &variables));
    let listed = |settings: &Settings| format!("{:?}", settings.all());
    assert_eq!(listed(&with), listed(&without));
    insta::assert_snapshot!(problems(&with), @"
    the plugin's options: `apiKey` is not for a project to set
    the plugin's options: `api_key` is not for a project to set
    the plugin's options: `baseURL` is not for a project to set
    the plugin's options: `endpoint` is not for a project to set
    the plugin's options: `headers` is not for a project to set
    the plugin's options: `mode` is not a setting
    the plugin's options: `neatlogs.endpoint` is not a setting
    the plugin's options: `otlp` is not for a project to set
    the plugin's options: `system_prompt` is not a setting
    ");
}

#[test]
fn a_project_cannot_exhaust_who_records_it_by_patterns() {
    let patterns = |count: usize| (0..count).map(|n| format!("A{n}")).collect::<Vec<_>>();
    let options = |count| json!({"redactPatterns": patterns(count)}).to_string();
    let [all, too_many] = [100, 101].map(|count| settings("", &options(count), &[]));
    assert_eq!(all.problems, []);
    for settings in [&all, &too_many] {
        assert_eq!(settings.backends.helicone.patterns.value.1, patterns(100));
        assert_eq!(settings.backends.otlp.patterns.value.1, patterns(100));
    }
    assert!(problems(&too_many).contains("`redactPatterns`: has more than 100; the others"));
    let mine = settings(&format!("helicone.redactPatterns = {:?}", patterns(101)), "{}", &[]);
    assert_eq!(mine.backends.helicone.patterns.value.1.len(), 101, "a user knows what they do");
}

#[test]
fn a_slip_of_the_pen_sends_nothing_to_anybody() {
    let file = "neatlogs = { api_key = 'file', endpoint = 'https://mine.example' }\n\
        helicone = { api_key = 'file', mode = 'metadata_only' }";
    let of =
        |variables: &[(&str, &str)], options: &str| settings(file, options, variables).backends;
    assert!(of(&[], "{}").neatlogs.endpoint.value.is_some());
    for url in ["https://me:geheim@mine.example", "mine.example", "https://mine.example?a=b", ""] {
        assert_eq!(of(&[("NEATLOGS_ENDPOINT", url)], "{}").neatlogs.endpoint.value, None, "{url}");
        assert_eq!(of(&[("HELICONE_ENDPOINT", url)], "{}").helicone.endpoint.value, None, "{url}");
    }
    let all = settings(file, "{}", &[("NEATLOGS_ENDPOINT", "mine.example")]).all();
    let told = all.iter().find(|(spec, _)| spec.key == "neatlogs.endpoint");
    assert_eq!(told.map(|(_, value)| value.value.as_str()), Some("(cannot be used)"));
    assert_eq!(of(&[("NEATLOGS_API_KEY", "two\nlines")], "{}").neatlogs.key.value, None);
    let content = |mode: &str, options: &str| {
        of(&[("OPENCODE_HELICONE_EXPORT_MODE", mode)], options).helicone.content()
    };
    assert_eq!(content("full", "{}"), Some(Content::Full));
    assert_eq!(content("metadata-only", "{}"), None);
    assert_eq!(content("off", "{}"), None);
    assert_eq!(content("full", r#"{"enable": "false"}"#), None);
    assert_eq!(of(&[], "{}").helicone.content(), Some(Content::MetadataOnly));

    let otlp = |variables: &[(&str, &str)]| {
        let here = ("OCTRACE_OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
        let variables: Vec<_> = variables.iter().copied().chain([here]).collect();
        settings("", "{}", &variables).backends.otlp.of_environment(&super::Prints::new()).is_some()
    };
    assert!(otlp(&[]));
    assert!(otlp(&[("OCTRACE_OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")]));
    assert!(!otlp(&[("OCTRACE_OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]));
    assert!(!otlp(&[("OCTRACE_OTEL_EXPORTER_OTLP_HEADERS", "Bearer x")]));
}

#[test]
fn each_table_is_a_backend_and_one_with_a_slip_is_none() {
    let file = r#"
[[otlp]]
endpoint = "https://langfuse.example/api/public/otel"
headers = { "Authorization" = "Basic ${LANGFUSE_AUTH}", "x-langfuse-ingestion-version" = "4" }
profile = "langfuse"

[[otlp]]
endpoint = "http://127.0.0.1:6006"
profile = "openinference"
content = "metadata_only"
system_prompt = true
redactPatterns = ["ACME", "BETA"]

[[otlp]]
endpoint = "https://other.example"
headers.authorization = "Bearer ${NOT_SET}"

[[otlp]]
headers = { a = "b" }

[[otlp]]
endpoint = "https://other.example"
contents = "metadata_only"

[[otlp]]
endpoint = "https://other.example"
content = "metadata-only"
redactPatterns = ["("]
profile = 5
protocol = "grpc"
"#;
    let variables = [("LANGFUSE_AUTH", "Z2VoZWlt")];
    let settings = settings(file, "{}", &variables);
    let tables = &settings.backends.otlp.tables;
    assert_eq!(
        tables.iter().map(|table| table.line).collect::<Vec<_>>(),
        [Some(2), Some(7), Some(14)]
    );
    let rows = settings.all();
    let rows = rows.iter().filter(|(spec, _)| spec.key == "otlp");
    let rows: Vec<_> = rows.map(|(_, value)| value.value.as_str()).collect();
    insta::assert_snapshot!(rows.join("\n"), @"
    https://langfuse.example/api/public/otel (langfuse, full, without system prompts, redactPatterns: 0 in use, Authorization, x-langfuse-ingestion-version set (…d78a7ffa))
    http://127.0.0.1:6006 (openinference, metadata_only, with system prompts, redactPatterns: 2 in use, no headers)
    https://other.example (genai, full, without system prompts, redactPatterns: 0 in use, off: NOT_SET is not set)
    ");
    insta::assert_snapshot!(problems(&settings), @r#"
    /config.toml:18: `otlp` has no `endpoint`; nothing is sent there
    /config.toml:23: `otlp.contents` is not a setting; nothing is sent there
    /config.toml:27: `otlp.content` must be `full` or `metadata_only`; nothing is sent there
    /config.toml:28: `otlp.redactPatterns` must be a list of regular expressions, `["a", "b"]`; nothing is sent there
    /config.toml:29: `otlp.profile` must be `genai`, `openinference`, `langfuse` or `neatlogs`; nothing is sent there
    /config.toml:30: `otlp.protocol` must be `http/protobuf`, the one that octrace has; nothing is sent there
    "#);
    for file in ["otlp = 'x'", "otlp = ['x']", "[[otlp]]\nendpoint = 'https://a'\n[[otlp]]\n"] {
        assert_eq!(super::super::tests::given(file, "{}", &[]).problems.len(), 1, "{file}");
    }
}

#[test]
fn the_plugin_finds_the_variables_that_tables_name() {
    #[derive(serde::Deserialize)]
    struct Vectors {
        files: Vec<Vector>,
    }
    #[derive(serde::Deserialize)]
    struct Vector {
        text: String,
        variables: Vec<String>,
    }
    let vectors = include_str!("../../../../../fixtures/wire/keys.json");
    let Vectors { files } = serde_json::from_str(vectors).unwrap();
    let mut named = 0;
    for Vector { text, variables } in files {
        for table in &settings(&text, "{}", &[]).backends.otlp.tables {
            for name in table.value.headers.variables() {
                assert!(variables.iter().any(|variable| variable == name), "{name}");
                named += 1;
            }
        }
    }
    assert_eq!(named, 3);
}

#[test]
fn no_setting_shows_a_key() {
    let file = "neatlogs.api_key = 'geheim-1'\nhelicone.api_key = 'geheim-2'\n\
        [[otlp]]\nendpoint = 'https://a.example'\nheaders.authorization = 'Basic geheim-3 ${AUTH}'\n";
    let keys = [
        ("AUTH", "geheim-4"),
        ("NEATLOGS_API_KEY", "geheim-5"),
        ("HELICONE_API_KEY", "geheim-6\n"),
        ("NEATLOGS_ENDPOINT", "https://me:geheim-7@a.example"),
        ("OCTRACE_OTEL_EXPORTER_OTLP_ENDPOINT", "https://a.example/?key=geheim-8"),
        ("OCTRACE_OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=geheim-9"),
    ];
    for (file, keys) in [("", &keys[..]), (file, &keys), (file, &[])] {
        let settings = settings(file, "{}", keys);
        let shown = format!("{} {settings:?} {:?}", told(&settings), settings.all());
        assert!(!shown.contains("geheim"), "{shown}");
    }
}
