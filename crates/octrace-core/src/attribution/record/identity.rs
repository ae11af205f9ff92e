//! A record's id follows from the call, so that a tape that is built again has the same ones.

use crate::{attribution::timeline::CallId, uuid};

/// The id of a call's record: [`uuid::version_8`] of `agent trace record`, the session's id and the call's.
pub fn record_id(call: &CallId) -> String {
    uuid::version_8("agent trace record", &[&call.session, &call.call])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_calls_own_and_always_the_same() {
        let id = |session: &str, call: &str| {
            record_id(&CallId { session: session.into(), call: call.into() })
        };
        assert_eq!(id("ses_1", "call_1"), "f61ed093-9566-812f-b6c5-1693da0044ed");
        assert_ne!(id("ses_1", "call_1"), id("ses_1", "call_2"));
        assert_ne!(id("ses_1", "call_1"), id("ses_1c", "all_1"));
        let groups = id("", "").split('-').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(groups.iter().map(String::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
        assert!(groups[2].starts_with('8'), "the version: {groups:?}");
        assert!(groups[3].starts_with(['8', '9', 'a', 'b']), "the variant: {groups:?}");
    }
}
