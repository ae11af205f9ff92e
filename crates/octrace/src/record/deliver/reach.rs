//! What this process needs to deliver somewhere: the URL of a Postgres with its password, the key of a tracing backend.
//! It has them from its own environment and the user's `config.toml`, or not at all.

use octrace_store::delivery::Identity;

use super::{
    super::place::Delivery,
    destination::{self, Access, POSTGRES, TraceOptions},
};
use crate::config::database::DatabaseUrl;

/// How a destination is reached.
pub(crate) enum Reach<'a> {
    /// By this URL.
    Postgres(&'a DatabaseUrl),
    /// By HTTP.
    Backend(Access),
}

impl Delivery {
    /// How this process reaches a destination; `None` where it cannot: [`Delivery::lacks`] says what it lacks.
    pub(crate) fn reach(&self, to: &Identity) -> Option<Reach<'_>> {
        if to.kind == POSTGRES {
            return destination::url(to, self.database.as_ref()).map(Reach::Postgres);
        }
        destination::access(to, self.backends.as_ref()).map(Reach::Backend)
    }

    /// What this process lacks to deliver there, in words; `None` where it lacks nothing.
    pub(crate) fn lacks(&self, to: &Identity) -> Option<&'static str> {
        if self.reach(to).is_some() {
            return None;
        }
        Some(match TraceOptions::of(to) {
            _ if to.kind == POSTGRES => "its URL is not in this environment",
            Ok(TraceOptions { key: Some(_), .. }) => "its key is not in this environment",
            Ok(_) => "its endpoint is not in this environment",
            Err(_) => "a newer octrace named how things are delivered there",
        })
    }
}
