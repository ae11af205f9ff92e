//! Sending to a Postgres.

use octrace_store::delivery::Identity;

use super::Sender;
use crate::config::database::DatabaseUrl;

/// Nobody sends there yet: what is recorded waits.
pub(super) fn sender(_destination: &Identity, _url: &DatabaseUrl) -> Option<Sender> {
    None
}
