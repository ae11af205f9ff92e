//! Which destinations a recording has, by the settings of the OpenCode that is recorded.
//!
//! The settings decide: those of the environment and of the user's file say where things go and with which key, options
//! of a project how much Helicone gets, and what is blanked. One OpenCode may work in several directories, each with
//! options of its own, while a turn goes to all destinations of its process: see [`traces`].

use std::iter;

use octrace_core::{
    redact::{Patterns, Redactor},
    trace::Content,
};
use octrace_export::{
    helicone,
    otlp::{self, Profile},
};
use octrace_store::delivery::{Identity, Rules};
use serde::{Deserialize, Serialize};

use crate::config::{
    AgentTrace, Origin, Settings, Value,
    backends::{Helicone, Prints},
};

/// Batches in a transaction of a Postgres, where so many wait: it is twice as fast with 1,000 rows as with 50, which is
/// what a batch has by default, and hardly faster with more.
const BACKLOG: u32 = 20;

/// The kind of a Postgres.
pub(crate) const POSTGRES: &str = "postgres";

/// The kind of Neatlogs.
pub(crate) const NEATLOGS: &str = "neatlogs";

/// The kind of Helicone.
pub(crate) const HELICONE: &str = "helicone";

/// The kind of whatever else takes OTLP.
pub(crate) const OTLP: &str = "otlp";

/// What shapes what is delivered. It lies on the tape with the destination: whoever delivers later has to do the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    /// Whether everything is searched for secrets once more.
    redaction: bool,
    /// What else is blanked then.
    patterns: Vec<String>,
}

/// The Postgres that a recording with these settings goes to; `patterns` are those of all its directories.
pub(crate) fn postgres(
    settings: &AgentTrace,
    mut patterns: Vec<String>,
) -> Option<(Identity, Rules)> {
    let database = settings.database.value.as_ref().filter(|_| settings.enabled.value)?;
    let redaction = settings.redaction.value;
    if !redaction {
        patterns.clear();
    }
    patterns.sort();
    patterns.dedup();
    let options = serde_json::to_string(&Options { redaction, patterns }).ok()?;
    let identity =
        Identity { kind: POSTGRES.to_owned(), name: database.name().to_owned(), options };
    let batch_size = settings.batch_size.value.get();
    let rules = Rules {
        batch_size,
        backlog_size: batch_size.saturating_mul(BACKLOG),
        flush_ms: settings.flush_ms.value.into(),
        retry_max: settings.retry_max.value,
        ..Rules::default()
    };
    Some((identity, rules))
}

/// Searches what goes there once more; `None` where that is switched off.
///
/// # Errors
/// When it cannot be read how: a newer octrace named it.
pub(crate) fn redactor(destination: &Identity) -> Result<Option<Redactor>, serde_json::Error> {
    let options: Options = serde_json::from_str(&destination.options)?;
    let (patterns, _) = Patterns::new(&options.patterns);
    Ok(options.redaction.then(|| Redactor::new("").with_patterns(&patterns)))
}

/// What shapes what a tracing backend is sent. It lies on the tape with the destination: whoever delivers later has to do
/// the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TraceOptions {
    /// What tells its key, or its headers, from others: not the key. `None`: it needs none.
    pub(crate) key: Option<String>,
    /// In whose words it is told; of no meaning for Helicone, which has its own.
    pub(crate) profile: Profile,
    /// How much it gets.
    pub(crate) content: Content,
    /// Whether it gets system prompts.
    pub(crate) system_prompt: bool,
    /// What sessions are filed under: Neatlogs' workflow name, or what the paths of sessions in Helicone begin with.
    pub(crate) name: String,
    /// What is blanked besides what the tape blanks, sorted.
    pub(crate) patterns: Vec<String>,
    /// What a project's options say of how to serve it: what others have waiting is not served like that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rules: Option<Rules>,
}

impl TraceOptions {
    /// Those of a tracing backend.
    ///
    /// # Errors
    /// When it cannot be read how things are delivered there: a newer octrace named it.
    pub(crate) fn of(destination: &Identity) -> Result<Self, serde_json::Error> {
        serde_json::from_str(&destination.options)
    }

    /// Blanks what its patterns say, and searches for secrets once more.
    pub(crate) fn redactor(&self) -> Redactor {
        let (patterns, _) = Patterns::new(&self.patterns);
        Redactor::new("").with_patterns(&patterns)
    }

    fn identity(mut self, kind: &str, name: String) -> Option<Identity> {
        self.patterns.sort();
        self.patterns.dedup();
        let options = serde_json::to_string(&self).ok()?;
        Some(Identity { kind: kind.to_owned(), name, options })
    }
}

/// The tracing backends that a recording goes to. `plain` are the settings without any options of the plugin, and
/// `instances` the same with those of each directory that its OpenCode works in; `keys` are the fingerprints of its
/// environment, as the plugin has them; none for this process' own settings, which have the keys themselves.
///
/// All directories of a process have the same destinations. What any of them blanks is blanked for all; where any says
/// `enable = false`, nothing goes to Helicone; of other options, that of the first directory counts, in the order of
/// their names, that has one.
pub(crate) fn traces(
    plain: &Settings,
    instances: &[&Settings],
    keys: &Prints,
) -> Vec<(Identity, Rules)> {
    let neatlogs = neatlogs(plain, instances, keys).map(|to| (to, Rules::default()));
    let otlp = otlp(plain, instances, keys).into_iter().map(|to| (to, Rules::default()));
    neatlogs.into_iter().chain(helicone(plain, instances, keys)).chain(otlp).collect()
}

fn neatlogs(plain: &Settings, instances: &[&Settings], keys: &Prints) -> Option<Identity> {
    let ours = &plain.backends.neatlogs;
    let all = instances.iter().copied().chain([plain]);
    let patterns = all.flat_map(|settings| &settings.backends.neatlogs.patterns.value.1);
    let options = TraceOptions {
        key: Some(ours.print(keys)?),
        profile: Profile::Neatlogs,
        content: Content::Full,
        system_prompt: ours.system_prompt.value,
        name: ours.workflow_name.value.clone(),
        patterns: patterns.cloned().collect(),
        rules: None,
    };
    options.identity(NEATLOGS, ours.endpoint.value.as_ref()?.at(otlp::PATH).0)
}

/// That of the environment, and those of the user's file.
fn otlp(plain: &Settings, instances: &[&Settings], keys: &Prints) -> Vec<Identity> {
    let ours = &plain.backends.otlp;
    let all = instances.iter().copied().chain([plain]);
    let patterns = all.flat_map(|settings| &settings.backends.otlp.patterns.value.1);
    let patterns: Vec<_> = patterns.cloned().collect();
    let of_environment = ours.of_environment(keys).and_then(|(endpoint, key)| {
        let options = TraceOptions {
            key,
            profile: Profile::default(),
            content: Content::Full,
            system_prompt: false,
            name: String::new(),
            patterns: patterns.clone(),
            rules: None,
        };
        options.identity(OTLP, endpoint.at(otlp::PATH).0)
    });
    let of_file = ours.tables.iter().filter_map(|Value { value: table, .. }| {
        let options = TraceOptions {
            // One whose keys are not set is off.
            key: ours.print(table, keys).ok()?,
            profile: table.profile,
            content: table.content,
            system_prompt: table.system_prompt,
            name: String::new(),
            patterns: table.patterns.iter().chain(&patterns).cloned().collect(),
            rules: None,
        };
        options.identity(OTLP, table.endpoint.at(otlp::PATH).0)
    });
    of_environment.into_iter().chain(of_file).collect()
}

fn helicone(plain: &Settings, instances: &[&Settings], keys: &Prints) -> Option<(Identity, Rules)> {
    let ours = &plain.backends.helicone;
    let theirs = || instances.iter().map(|settings| &settings.backends.helicone);
    let all = || theirs().chain([ours]);
    let key = ours.print(keys)?;
    if !all().all(|helicone| helicone.enable.value) {
        return None;
    }
    let rules = rules_of(ours, theirs);
    let options = TraceOptions {
        key: Some(key),
        profile: Profile::default(),
        content: ours.content()?,
        system_prompt: ours.system_prompt.value,
        name: first(ours, theirs(), |helicone| &helicone.prefix).0.clone(),
        patterns: all().flat_map(|helicone| helicone.patterns.value.1.iter().cloned()).collect(),
        rules: Some(rules).filter(|rules| *rules != rules_of(ours, iter::empty)),
    };
    let endpoint = ours.endpoint.value.as_ref()?;
    Some((options.identity(HELICONE, endpoint.at(helicone::PATH).0)?, rules))
}

fn rules_of<'a, I: Iterator<Item = &'a Helicone>>(
    ours: &'a Helicone,
    theirs: impl Fn() -> I,
) -> Rules {
    Rules {
        flush_ms: (*first(ours, theirs(), |helicone| &helicone.flush_interval)).into(),
        retry_max: *first(ours, theirs(), |helicone| &helicone.max_retries),
        retry_base_ms: (*first(ours, theirs(), |helicone| &helicone.retry_base_delay)).into(),
        max_bytes: Some(first(ours, theirs(), |helicone| &helicone.max_spool_size).get()),
        max_age_ms: Some(first(ours, theirs(), |helicone| &helicone.max_spool_age).get()),
        ..Rules::default()
    }
}

/// The value of the first that has it from a project's options, else ours.
fn first<'a, T>(
    ours: &'a Helicone,
    theirs: impl Iterator<Item = &'a Helicone>,
    value: impl Fn(&'a Helicone) -> &'a Value<T>,
) -> &'a T {
    let theirs = theirs.map(&value).find(|value| value.origin == Origin::Option);
    &theirs.unwrap_or_else(|| value(ours)).value
}

/// Where a recording with these settings goes that no project says anything about.
pub(crate) fn own(settings: &Settings) -> Vec<Identity> {
    let postgres = postgres(&settings.agent_trace, Vec::new());
    let traces = traces(settings, &[], &Prints::new());
    postgres.into_iter().chain(traces).map(|(identity, _)| identity).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_delivers_later_blanks_the_same_and_does_not_guess() {
        let identity = |options: &str| Identity {
            kind: POSTGRES.to_owned(),
            name: "postgres://db/trace".to_owned(),
            options: options.to_owned(),
        };
        let both = identity(r#"{"redaction":true,"patterns":["ACME-[0-9]+"]}"#);
        let redactor = redactor(&both).unwrap().unwrap();
        assert_eq!(redactor.text("in ACME-17").get(), "in [REDACTED]");
        let off = identity(r#"{"redaction":false,"patterns":[]}"#);
        assert!(super::redactor(&off).unwrap().is_none());
        let newer = identity(r#"{"redaction":true,"patterns":[],"prompts":"none"}"#);
        assert!(super::redactor(&newer).is_err());
    }
}
