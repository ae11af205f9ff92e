//! The one table of settings: `octrace config` lists it, and what is not in it is named as unknown.

/// A setting.
#[derive(Debug)]
pub(crate) struct Spec {
    /// The key in `config.toml`, with dots between tables.
    pub(crate) key: &'static str,
    /// The variable of the environment.
    pub(crate) variable: &'static str,
    /// What it decides.
    pub(crate) about: &'static str,
}

/// Where octrace keeps the tape.
pub(crate) const HOME: Spec = Spec {
    key: "home",
    variable: "OCTRACE_HOME",
    about: "the folder of the tape and of the plugin's files",
};

/// What is blanked besides what octrace knows for a secret.
pub(crate) const PATTERNS: Spec = Spec {
    key: "redact.patterns",
    variable: "OCTRACE_REDACT_PATTERNS",
    about: "regular expressions for what else must not be kept; one per line in the variable",
};

/// Every setting.
pub(super) const ALL: [&Spec; 2] = [&HOME, &PATTERNS];
