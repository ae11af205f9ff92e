//! The rules, by families: a file each.

mod ai;
mod chat;
mod cloud;
mod infra;
mod saas;
mod settings;
mod vcs;

#[cfg(test)]
pub(super) use self::settings::NAMES as SETTINGS_ANCHORS;
use super::Rule;

/// Rules of one kind.
pub(super) struct Family {
    #[cfg_attr(not(test), allow(dead_code, reason = "for those who measure"))]
    pub(super) name: &'static str,
    pub(super) rules: &'static [Rule],
}

/// The family whose rules go by what is around a secret.
pub(super) const SETTINGS: &str = "headers, connection strings, settings, assignments";

/// All of them.
pub(super) const FAMILIES: &[Family] = &[
    Family { name: "clouds", rules: cloud::RULES },
    Family { name: "providers of models", rules: ai::RULES },
    Family { name: "version control, packages, builds", rules: vcs::RULES },
    Family { name: "chat", rules: chat::RULES },
    Family { name: "payments, mail and other services", rules: saas::RULES },
    Family { name: "vaults, monitoring, keys, signed tokens", rules: infra::RULES },
    Family { name: SETTINGS, rules: settings::RULES },
];
