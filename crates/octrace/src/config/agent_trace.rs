//! The settings of Agent Trace: what is recorded of who wrote what, how records name their tool, and which Postgres
//! they are delivered to.

use std::{ffi::OsString, num::NonZeroU32};

use octrace_core::redact::Patterns;

use super::{
    Origin, Sources, Spec, Value, counted,
    database::DatabaseUrl,
    registry::{
        TRACE_BATCH_SIZE, TRACE_DATABASE, TRACE_ENABLED, TRACE_FLUSH, TRACE_PATTERNS,
        TRACE_REDACTION, TRACE_RETRY_MAX, TRACE_SPEC_VERSION, TRACE_TOOL_NAME, TRACE_TOOL_VERSION,
    },
    value::{Raw, Setting},
};

/// The variable of [`Origin::Application`].
pub(crate) const APPLICATION_DATABASE: &str = "DATABASE_URL";

/// How Agent Trace is set.
#[derive(Clone, Debug)]
pub(crate) struct AgentTrace {
    /// Whether there is any.
    pub(crate) enabled: Value<bool>,
    /// Where it is delivered to as well.
    pub(crate) database: Value<Option<DatabaseUrl>>,
    /// How many items are sent at once.
    pub(crate) batch_size: Value<NonZeroU32>,
    /// For how many milliseconds items wait for more of them.
    pub(crate) flush_ms: Value<u32>,
    /// How often an item that is refused is tried again.
    pub(crate) retry_max: Value<u32>,
    /// Whether what is delivered is searched for secrets once more.
    pub(crate) redaction: Value<bool>,
    /// What else is blanked then, as far as it can be read; and as it was written.
    pub(crate) patterns: Value<(Patterns, Vec<String>)>,
    /// What records say of where they come from.
    pub(crate) labels: Labels,
}

/// What records say of where they come from.
#[derive(Clone, Debug)]
pub(crate) struct Labels {
    /// The version of the specification.
    pub(crate) spec_version: Value<SpecVersion>,
    /// The tool's name.
    pub(crate) tool_name: Value<String>,
    /// The tool's version; without one, it is that of the OpenCode which was recorded.
    pub(crate) tool_version: Value<Option<String>>,
}

impl AgentTrace {
    /// Each setting with its value as people read it.
    pub(super) fn all(&self) -> [(&'static Spec, Value<String>); 10] {
        let Labels { spec_version, tool_name, tool_version } = &self.labels;
        [
            (&TRACE_ENABLED, self.enabled.shown()),
            (&TRACE_DATABASE, self.database.shown()),
            (&TRACE_BATCH_SIZE, self.batch_size.shown()),
            (&TRACE_FLUSH, self.flush_ms.shown()),
            (&TRACE_RETRY_MAX, self.retry_max.shown()),
            (&TRACE_REDACTION, self.redaction.shown()),
            (&TRACE_PATTERNS, self.patterns.told(|(patterns, _)| counted(patterns))),
            (&TRACE_SPEC_VERSION, spec_version.shown()),
            (&TRACE_TOOL_NAME, tool_name.shown()),
            (&TRACE_TOOL_VERSION, tool_version.shown()),
        ]
    }
}

/// `0.1.0`: three numbers, as the specification's schema wants them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SpecVersion(pub(crate) String);

impl Setting for SpecVersion {
    const MUST_BE: &str = "a version of three numbers, \"0.1.0\"";

    fn read(raw: &Raw) -> Option<Self> {
        let text = String::read(raw)?;
        let mut numbers = text.split('.');
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
        let three = numbers.by_ref().take(3).filter(|text| is_number(text)).count() == 3;
        (three && numbers.next().is_none()).then_some(Self(text))
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

pub(super) fn load<F: Fn(&str) -> Option<OsString>>(sources: &mut Sources<'_, F>) -> AgentTrace {
    AgentTrace {
        enabled: sources.value(&TRACE_ENABLED, true),
        database: database(sources),
        batch_size: sources.value(&TRACE_BATCH_SIZE, NonZeroU32::MIN.saturating_add(49)),
        flush_ms: sources.value(&TRACE_FLUSH, 500),
        retry_max: sources.value(&TRACE_RETRY_MAX, 5),
        redaction: sources.value(&TRACE_REDACTION, true),
        patterns: sources.patterns(&TRACE_PATTERNS),
        labels: Labels {
            spec_version: sources.value(&TRACE_SPEC_VERSION, SpecVersion("0.1.0".to_owned())),
            tool_name: sources.value(&TRACE_TOOL_NAME, "opencode".to_owned()),
            tool_version: sources.value(&TRACE_TOOL_VERSION, None),
        },
    }
}

/// An application's own database is not written to by accident: it counts only where the environment also says
/// that there is to be Agent Trace.
fn database<F: Fn(&str) -> Option<OsString>>(
    sources: &mut Sources<'_, F>,
) -> Value<Option<DatabaseUrl>> {
    let told = sources.value(&TRACE_DATABASE, None);
    let set = |name: Option<&str>| (sources.variable)(name?);
    let text = |name| set(name)?.into_string().ok().map(Raw::Variable);
    let is_meant = text(TRACE_ENABLED.variable).and_then(|raw| bool::read(&raw)) == Some(true);
    if !is_meant || set(TRACE_DATABASE.variable).is_some() {
        return told;
    }
    let Some(raw) = text(Some(APPLICATION_DATABASE)) else { return told };
    match sources.read(&raw, APPLICATION_DATABASE, "; it is passed over") {
        Some(url) => Value { value: Some(url), origin: Origin::Application, line: None },
        None => told,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Settings, tests::given as settings};

    fn told(settings: &Settings) -> String {
        let traced = settings.agent_trace.all();
        let lines = traced
            .iter()
            .map(|(spec, value)| format!("{} = {} ({:?})\n", spec.key, value.value, value.origin));
        let problems = settings.problems.iter().map(|problem| format!("{problem}\n"));
        lines.chain(problems).collect()
    }

    fn database(variables: &[(&str, &str)]) -> (Option<String>, Origin) {
        let file = "agent_trace.database_url = 'postgres://file/db'";
        let found = settings(file, "{}", variables).agent_trace.database;
        (found.value.map(|url| url.name().to_owned()), found.origin)
    }

    #[test]
    fn all_of_it_has_defaults() {
        insta::assert_snapshot!(told(&settings("", "{}", &[])), @"
        agent_trace.enabled = true (Default)
        agent_trace.database_url = (not set) (Default)
        agent_trace.batch_size = 50 (Default)
        agent_trace.flush_ms = 500 (Default)
        agent_trace.retry_max = 5 (Default)
        agent_trace.redaction = true (Default)
        agent_trace.redactPatterns = 0 in use (Default)
        agent_trace.spec_version = 0.1.0 (Default)
        agent_trace.tool_name = opencode (Default)
        agent_trace.tool_version = (not set) (Default)
        ");
    }

    #[test]
    fn each_place_says_what_it_may_and_what_is_wrong_is_named() {
        let file = "[agent_trace]\nbatch_size = 0\nflush_ms = 100\nredactPatterns = ['(']\n\
             database_url = 'mysql://me:geheim@db/x'\n";
        let options =
            r#"{"redactPatterns": ["ACME-\\d+", "["], "database_url": "postgres://their/db"}"#;
        let variables = [
            ("AGENT_TRACE_BATCH_SIZE", "5"),
            ("AGENT_TRACE_RETRY_MAX", "often"),
            ("AGENT_TRACE_REDACTION", "off"),
            ("AGENT_TRACE_SPEC_VERSION", "1.2"),
            ("AGENT_TRACE_TOOL_VERSION", "local"),
        ];
        insta::assert_snapshot!(told(&settings(file, options, &variables)), @r#"
        agent_trace.enabled = true (Default)
        agent_trace.database_url = (not set) (Default)
        agent_trace.batch_size = 5 (Environment)
        agent_trace.flush_ms = 100 (File)
        agent_trace.retry_max = 5 (Default)
        agent_trace.redaction = false (Environment)
        agent_trace.redactPatterns = 1 in use (Option)
        agent_trace.spec_version = 0.1.0 (Default)
        agent_trace.tool_name = opencode (Default)
        agent_trace.tool_version = local (Environment)
        /config.toml:2: `agent_trace.batch_size` must be a whole number, 1 or more
        /config.toml:5: `agent_trace.database_url` must be the URL of a Postgres, `postgres://user:password@host/database`, with its host before the database
        AGENT_TRACE_RETRY_MAX: must be a whole number, 0 or more; it is passed over
        the plugin's option `redactPatterns`: pattern 2 cannot be read: unclosed character class
        AGENT_TRACE_SPEC_VERSION: must be a version of three numbers, "0.1.0"; it is passed over
        the plugin's options: `database_url` is not for a project to set
        "#);
    }

    #[test]
    fn an_applications_database_is_taken_only_where_that_is_said() {
        let file = (Some("postgres://file/db".to_owned()), Origin::File);
        let application = ("DATABASE_URL", "postgres://app/db");
        let trace = ("AGENT_TRACE_DATABASE_URL", "postgres://trace/db");
        assert_eq!(database(&[]), file);
        assert_eq!(database(&[application]), file);
        assert_eq!(database(&[application, ("AGENT_TRACE_ENABLED", "maybe")]), file);
        for enabled in ["true", "1", "ON"] {
            let enabled = ("AGENT_TRACE_ENABLED", enabled);
            let found = database(&[application, enabled]);
            assert_eq!(found, (Some("postgres://app/db".to_owned()), Origin::Application));
            let found = database(&[application, enabled, trace]);
            assert_eq!(found, (Some("postgres://trace/db".to_owned()), Origin::Environment));
            let wrong = ("AGENT_TRACE_DATABASE_URL", "trace");
            assert_eq!(database(&[application, enabled, wrong]), file, "a slip of the pen");
        }
    }

    #[test]
    fn no_setting_shows_a_password() {
        let url = "postgres://me:geheim@db/x?password=geheim";
        let file = format!("agent_trace.database_url = '{url}'");
        for variables in [
            vec![],
            vec![("AGENT_TRACE_DATABASE_URL", url)],
            vec![("AGENT_TRACE_DATABASE_URL", "postgres://me:geheim/heim@db/x")],
            vec![("AGENT_TRACE_ENABLED", "1"), ("DATABASE_URL", url)],
            vec![("AGENT_TRACE_ENABLED", "1"), ("DATABASE_URL", "mysql://me:geheim@db/x")],
        ] {
            let settings = settings(&file, "{}", &variables);
            assert!(!format!("{} {settings:?}", told(&settings)).contains("geheim"));
        }
    }
}
