//! Which destinations a recording has, by the settings of the OpenCode that is recorded, and which of them this process
//! has the keys for.

use octrace_core::redact::{Patterns, Redactor};
use octrace_store::delivery::{Identity, Rules};
use serde::{Deserialize, Serialize};

use crate::config::{AgentTrace, database::DatabaseUrl};

/// The kind of a Postgres.
pub(crate) const POSTGRES: &str = "postgres";

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
