//! Which destinations a recording has, by the settings of the OpenCode that is recorded, and which of them this process
//! has the keys for.
//!
//! The settings decide: those of the environment and of the user's file say where things go and with which key, options
//! of a project how much Helicone gets, and what is blanked. One OpenCode may work in several directories, each with
//! options of its own, while a turn goes to all destinations of its process: see [`traces`].

use std::{fmt, iter};

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
    backends::{Backends, Helicone, Prints},
    database::DatabaseUrl,
};

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
    let rules = Rules {
        batch_size: settings.batch_size.value.get(),
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

/// The URL of a destination, if this process has it.
pub(crate) fn url<'a>(
    destination: &Identity,
    database: Option<&'a DatabaseUrl>,
) -> Option<&'a DatabaseUrl> {
    database.filter(|url| destination.kind == POSTGRES && destination.name == url.name())
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

/// How a tracing backend is reached.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Access {
    /// Where requests go, all of it.
    pub(crate) url: String,
    /// What goes with each of them, keys included.
    pub(crate) headers: Vec<(String, String)>,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Access").field("url", &self.url).field("headers", &names).finish()
    }
}

/// How a tracing backend is reached, if this process, by its own environment and the user's file, has that very key for
/// that very endpoint. What is switched off for Helicone here gets nothing from here.
pub(crate) fn access(destination: &Identity, own: Option<&Backends>) -> Option<Access> {
    let own = own?;
    let key = TraceOptions::of(destination).ok()?.key;
    let is_it = |name: &str, print: Option<String>| name == destination.name && print == key;
    match destination.kind.as_str() {
        NEATLOGS => {
            let (name, url) = own.neatlogs.endpoint.value.as_ref()?.at(otlp::PATH);
            let key = own.neatlogs.key.value.as_ref()?;
            let headers = vec![("x-api-key".to_owned(), key.whole().to_owned())];
            is_it(&name, Some(key.print())).then_some(Access { url, headers })
        }
        HELICONE => {
            own.helicone.content()?;
            let (name, url) = own.helicone.endpoint.value.as_ref()?.at(helicone::PATH);
            let key = own.helicone.key.value.as_ref()?;
            let headers = vec![("authorization".to_owned(), format!("Bearer {}", key.whole()))];
            is_it(&name, Some(key.print())).then_some(Access { url, headers })
        }
        OTLP => {
            let own = &own.otlp;
            let none = Prints::new();
            if let Some((endpoint, print)) = own.of_environment(&none) {
                let (name, url) = endpoint.at(otlp::PATH);
                if is_it(&name, print) {
                    let headers = own.headers.value.as_ref().map(|list| list.whole().to_vec());
                    return Some(Access { url, headers: headers.unwrap_or_default() });
                }
            }
            own.tables.iter().map(|table| &table.value).find_map(|table| {
                let (name, url) = table.endpoint.at(otlp::PATH);
                let print = own.print(table, &none).ok()?;
                let headers =
                    is_it(&name, print).then(|| table.headers.whole(&own.variables))??;
                Some(Access { url, headers })
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{self, Options};

    fn settings(file: &str, variables: &[(&str, &str)]) -> Settings {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, file).unwrap();
        config::load(&path, Path::new("/data"), &Options::new(), |name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| value.into())
        })
    }

    fn named(settings: &Settings) -> Vec<Identity> {
        let all = traces(settings, &[], &Prints::new());
        all.into_iter().map(|(identity, _)| identity).collect()
    }

    const FILE: &str = "helicone.api_key = 'geheim-1'\n\
        [[otlp]]\nendpoint = 'https://a.example/v1/traces'\nprofile = 'langfuse'\n\
        headers = { Authorization = 'Basic ${AUTH}', 'Content-Type' = 'text/plain' }\n\
        [[otlp]]\nendpoint = 'http://127.0.0.1:6006'\n";

    const KEYS: [(&str, &str); 4] = [
        ("NEATLOGS_API_KEY", "geheim-2"),
        ("OCTRACE_OTEL_EXPORTER_OTLP_ENDPOINT", "https://b.example/base"),
        ("OCTRACE_OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=geheim%2D3"),
        ("AUTH", "geheim-4"),
    ];

    #[test]
    fn who_has_the_key_knows_where_to_send_and_with_what() {
        let own = settings(FILE, &KEYS);
        let named = named(&own);
        let found = named.iter().map(|identity| {
            let Access { url, headers } = access(identity, Some(&own.backends)).unwrap();
            format!("{} {}: {url} {headers:?}", identity.kind, identity.name)
        });
        insta::assert_snapshot!(found.collect::<Vec<_>>().join("\n"), @r#"
        neatlogs https://ingest.neatlogs.com: https://ingest.neatlogs.com/v1/traces [("x-api-key", "geheim-2")]
        helicone https://api.worker.helicone.ai: https://api.worker.helicone.ai/custom/v1/log [("authorization", "Bearer geheim-1")]
        otlp https://b.example/base: https://b.example/base/v1/traces [("x-api-key", "geheim-3")]
        otlp https://a.example: https://a.example/v1/traces [("Authorization", "Basic geheim-4")]
        otlp http://127.0.0.1:6006: http://127.0.0.1:6006/v1/traces []
        "#);
        for identity in &named {
            assert_eq!(access(identity, None), None);
            assert!(TraceOptions::of(identity).is_ok());
        }
    }

    #[test]
    fn who_has_another_key_or_another_endpoint_sends_nothing() {
        let named = named(&settings(FILE, &KEYS));
        let can = |file: &str, keys: &[(&str, &str)]| {
            let own = settings(file, keys).backends;
            let can = named.iter().map(|identity| access(identity, Some(&own)).is_some());
            can.collect::<Vec<_>>()
        };
        // Neatlogs, Helicone, the environment's, the file's.
        assert_eq!(can(FILE, &KEYS), [true; 5]);
        assert_eq!(can("", &[]), [false; 5]);
        assert_eq!(can(FILE, &[]), [false, true, false, false, true]);
        assert_eq!(can("", &KEYS), [true, false, true, false, false]);
        let other = KEYS.map(|(name, value)| (name, value.replace("geheim", "other")));
        let other = other.each_ref().map(|(name, value)| (*name, value.as_str()));
        assert_eq!(can(FILE, &other), [false, true, false, false, true]);
        let elsewhere = [KEYS[0], ("NEATLOGS_ENDPOINT", "https://theirs.example")];
        assert_eq!(can("", &elsewhere), [false; 5]);
        let off = [("OPENCODE_HELICONE_EXPORT_MODE", "off")];
        assert_eq!(can(FILE, &off), [false, false, false, false, true]);
        let grpc = [KEYS[1], KEYS[2], ("OCTRACE_OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
        assert_eq!(can("", &grpc), [false; 5]);
        let bare = [KEYS[1]];
        assert_eq!(can("", &bare), [false; 5], "the same endpoint without the headers");
    }

    #[test]
    fn the_spool_and_the_environment_name_the_same_destinations() {
        let own = settings(FILE, &KEYS);
        let Backends { neatlogs, otlp, .. } = &own.backends;
        let prints = [
            neatlogs.print(&Prints::new()).unwrap(),
            otlp.headers.value.as_ref().unwrap().print(),
            otlp.variables["AUTH"].print(),
        ];
        let names = [KEYS[0], KEYS[2], KEYS[3]].map(|(name, _)| name.to_owned());
        let keys = names.into_iter().zip(prints).collect();
        let told = traces(&settings(FILE, &[KEYS[1]]), &[], &keys);
        let told: Vec<_> = told.into_iter().map(|(identity, _)| identity).collect();
        assert_eq!(told, named(&own));
    }

    #[test]
    fn no_key_is_in_what_lies_on_the_tape_or_is_printed() {
        let own = settings(FILE, &KEYS);
        let named = traces(&own, &[], &Prints::new());
        let found: Vec<_> =
            named.iter().map(|(identity, _)| access(identity, Some(&own.backends))).collect();
        assert_eq!(found.iter().flatten().count(), 5);
        let whole: Vec<_> = found.iter().flatten().flat_map(|access| &access.headers).collect();
        assert!(format!("{whole:?}").contains("geheim-4"));
        let shown = format!("{named:?} {found:?} {own:?}");
        assert!(!shown.contains("geheim"), "{shown}");
    }

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
