//! Sending to a Postgres: items as the tape has them become what `octrace-export` sends.

use octrace_export::postgres::{self, Client, Database, Event, Item, Outcome, Record};
use octrace_store::delivery::{self, Due, Identity};
use serde::Deserialize;

use super::{
    Sender, destination,
    engine::{Ahead, Sent, Unavailable, Verdict},
    unable,
};
use crate::config::database::DatabaseUrl;

/// Who sends to the Postgres at this URL. It connects when there is something to send.
pub(super) fn sender(identity: &Identity, url: &DatabaseUrl) -> Sender {
    match client(identity, url) {
        Ok(mut client) => Box::new(move |due: &[Due], _: &mut Ahead<'_>| {
            let items: Vec<Item> = due.iter().filter_map(|due| item(&due.item)).collect();
            sent(client.send(&items))
        }),
        Err(why) => unable(why),
    }
}

/// A connection to be, as the destination's options want it.
///
/// # Errors
/// When the URL or the options cannot be used; without any part of a password.
pub(crate) fn client(identity: &Identity, url: &DatabaseUrl) -> Result<Client, String> {
    let redactor = destination::redactor(identity)
        .map_err(|_| "a newer octrace named how things are delivered there".to_owned())?;
    let database = Database::parse(url.whole()).map_err(|error| format!("its URL: {error}"))?;
    Ok(Client::new(database, redactor))
}

fn item(item: &delivery::Item) -> Option<Item> {
    Some(match item {
        delivery::Item::Event { spool, number, session, kind, at_us, body } => {
            let about = About::of(body);
            Item::Event(Event {
                id: postgres::event_id(spool, *number),
                name: kind.clone(),
                session: session.clone(),
                message: about.message(),
                call: about.call(),
                at_us: *at_us,
                payload: body.clone(),
            })
        }
        delivery::Item::Record { id, root, record, .. } => {
            Item::Record(Record { id: id.clone(), json: record.clone(), root: root.clone() })
        }
        // None is ever queued for a Postgres.
        delivery::Item::Turn { .. } => return None,
    })
}

fn sent(outcome: Outcome) -> Sent {
    let verdict = |verdict| match verdict {
        postgres::Verdict::Accepted => Verdict::Accepted,
        postgres::Verdict::Rejected(why) => Verdict::Refused(why),
        postgres::Verdict::Waiting => Verdict::Unknown,
    };
    Sent {
        verdicts: outcome.verdicts.into_iter().map(verdict).collect(),
        unavailable: outcome
            .unavailable
            .map(|why| Unavailable { why: why.to_string(), retry_after: None }),
    }
}

/// What an event or a hook call is about, as far as it says.
#[derive(Default, Deserialize)]
#[serde(default)]
struct About {
    #[serde(rename = "messageID")]
    message: Option<String>,
    #[serde(rename = "callID")]
    call: Option<String>,
    part: Option<Part>,
    info: Option<Info>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Part {
    #[serde(rename = "messageID")]
    message: Option<String>,
    #[serde(rename = "callID")]
    call: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Info {
    id: Option<String>,
}

impl About {
    fn of(body: &str) -> Self {
        // Of another shape than is known, it is about nothing in particular.
        serde_json::from_str(body).unwrap_or_default()
    }

    fn message(&self) -> Option<String> {
        let part = self.part.as_ref().and_then(|part| part.message.as_ref());
        // A session has such a thing, too.
        let info = self.info.as_ref().and_then(|info| info.id.as_ref());
        let info = info.filter(|id| id.starts_with("msg_"));
        self.message.as_ref().or(part).or(info).cloned()
    }

    fn call(&self) -> Option<String> {
        let part = self.part.as_ref().and_then(|part| part.call.as_ref());
        self.call.as_ref().or(part).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_says_what_it_is_about() {
        let about = |body: &str| {
            let about = About::of(body);
            (about.message(), about.call())
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(about(r#"{"tool":"edit","callID":"call_1"}"#), (None, some("call_1")));
        let part = r#"{"part":{"messageID":"msg_1","callID":"call_1","state":{"input":{}}}}"#;
        assert_eq!(about(part), (some("msg_1"), some("call_1")));
        assert_eq!(about(r#"{"info":{"id":"msg_2","role":"user"}}"#), (some("msg_2"), None));
        assert_eq!(about(r#"{"info":{"id":"ses_1"}}"#), (None, None));
        assert_eq!(about(r#"{"part":7}"#), (None, None));
    }
}
