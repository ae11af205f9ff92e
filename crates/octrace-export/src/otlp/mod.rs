//! Traces over OTLP: turns as requests in protobuf, in the words of whoever reads them.
//!
//! * [`Packer`]: turns in, finished requests out.
//! * [`Profile`]: in whose words.
//! * [`judge`]: what an answer means.
//! * `encode`: what all profiles share: ids, times, outcome, attempts.
//! * `names`: every attribute's name, and where it comes from.
//! * `chat`: messages as most backends want them.
//!
//! What a destination must not get is gone before it comes here (`octrace_core::trace`): only what is too large is cut.

mod answer;
mod chat;
mod encode;
mod names;
mod pack;
mod profile;
#[cfg(test)]
mod tests;

pub use self::{
    answer::judge,
    pack::{Packer, Parcel},
    profile::Profile,
};

/// Where requests are sent to, behind the endpoint.
pub const PATH: &str = "/v1/traces";

/// How a backend is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// In whose words.
    pub profile: Profile,
    /// What traces are filed under, where the backend files them: Neatlogs' workflow, Phoenix' project. Empty: `opencode`.
    pub workflow: String,
}
