//! OpenCode's events and hook calls: what the tape keeps of them, and the few facts that are needed
//! at once, while recording. Everything else is read from the kept JSON later, by `session`.
//!
//! Shapes: OpenCode 1.18 (`@opencode-ai/sdk`, type `Event`). Times there are milliseconds.

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

/// One event or hook call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// `message.updated`, …; a hook's name with `hook.` before it.
    pub kind: String,
    /// The session that it speaks of.
    pub session: Option<String>,
    /// JSON text: the event's `properties` or the hook's input, as sent.
    pub body: String,
    /// What recording needs to know of it.
    pub fact: Option<Fact>,
}

/// What an event says about a session or a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A session began or changed.
    Session(SessionFact),
    /// A message began or changed.
    Message(MessageFact),
}

/// From `session.created` and `session.updated`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionFact {
    /// `ses_…`
    pub id: String,
    /// The session whose `task` call started it.
    pub parent: Option<String>,
    /// OpenCode's placeholder (`New session - …`) until the title request is answered.
    pub title: Option<String>,
    /// Where it works.
    pub directory: Option<String>,
    /// OpenCode's version.
    pub version: Option<String>,
    /// µs since the Unix epoch.
    pub created_us: Option<i64>,
}

/// From `message.updated`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MessageFact {
    /// `msg_…`
    pub id: String,
    /// `ses_…`
    pub session: String,
    /// For an assistant's message: the user message that it answers.
    pub parent: Option<String>,
    /// `user` or `assistant`.
    pub role: String,
    /// OpenCode's agent.
    pub agent: Option<String>,
    /// µs since the Unix epoch.
    pub created_us: Option<i64>,
}

/// Reads an `event` frame's payload: `{directory, event: {id, type, properties}}`. `None` if it is
/// not that.
pub fn read_event(payload: &[u8]) -> Option<Event> {
    #[derive(Deserialize)]
    struct Inner<'a> {
        r#type: String,
        #[serde(borrow)]
        properties: Option<&'a RawValue>,
    }
    let sent: octrace_wire::payload::Event<'_> = serde_json::from_slice(payload).ok()?;
    let inner: Inner<'_> = serde_json::from_str(sent.event.get()).ok()?;
    let body = inner.properties.map_or("{}", RawValue::get);
    let properties: Value = serde_json::from_str(body).ok()?;
    let kind = inner.r#type;
    Some(Event {
        session: session_of(&properties),
        fact: fact(&kind, &properties["info"]),
        body: body.to_owned(),
        kind,
    })
}

/// Reads a `hook` frame's payload: `{hook, input}`. `None` if it is not that.
pub fn read_hook(payload: &[u8]) -> Option<Event> {
    let sent: octrace_wire::payload::Hook<'_> = serde_json::from_slice(payload).ok()?;
    let body = sent.input.get();
    let input: Value = serde_json::from_str(body).ok()?;
    Some(Event {
        kind: format!("hook.{}", sent.hook),
        session: session_of(&input),
        body: body.to_owned(),
        fact: None,
    })
}

/// What an event that was kept says about a session or a message: from its kind and its body, as in [`Event`].
pub fn read_fact(kind: &str, body: &str) -> Option<Fact> {
    let properties: Value = serde_json::from_str(body).ok()?;
    fact(kind, &properties["info"])
}

fn session_of(properties: &Value) -> Option<String> {
    word(&properties["sessionID"])
        .or_else(|| word(&properties["info"]["sessionID"]))
        .or_else(|| word(&properties["part"]["sessionID"]))
}

fn fact(kind: &str, info: &Value) -> Option<Fact> {
    match kind {
        "session.created" | "session.updated" => Some(Fact::Session(SessionFact {
            id: word(&info["id"])?,
            parent: word(&info["parentID"]),
            title: word(&info["title"]),
            directory: word(&info["directory"]),
            version: word(&info["version"]),
            created_us: created_us(info),
        })),
        "message.updated" => Some(Fact::Message(MessageFact {
            id: word(&info["id"])?,
            session: word(&info["sessionID"])?,
            parent: word(&info["parentID"]),
            role: word(&info["role"])?,
            agent: word(&info["agent"]),
            created_us: created_us(info),
        })),
        _ => None,
    }
}

fn created_us(info: &Value) -> Option<i64> {
    info["time"]["created"].as_i64()?.checked_mul(1_000)
}

fn word(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_keeps_its_properties_as_sent_and_says_what_they_are_about() {
        let payload = br#"{"directory":"/p","event":{"id":"evt_1","type":"message.updated","properties":
            {"sessionID":"ses_1", "info":{"id":"msg_2","sessionID":"ses_1","role":"assistant","parentID":"msg_1",
            "agent":"build","time":{"created":1795164560576}},"n":1.50}}}"#;
        let event = read_event(payload).unwrap();
        assert_eq!(event.kind, "message.updated");
        assert_eq!(event.session.as_deref(), Some("ses_1"));
        assert!(event.body.ends_with(r#""n":1.50}"#), "as sent: {}", event.body);
        let Some(Fact::Message(message)) = event.fact else { panic!("a message") };
        assert_eq!(message.parent.as_deref(), Some("msg_1"));
        assert_eq!(message.created_us, Some(1_795_164_560_576_000));
    }

    #[test]
    fn what_is_unknown_or_odd_is_kept_or_refused_but_never_fatal() {
        let odd = read_event(br#"{"event":{"type":"new.thing","properties":{"x":[]}}}"#).unwrap();
        assert_eq!((odd.kind.as_str(), odd.session, odd.fact), ("new.thing", None, None));
        assert_eq!(read_event(br#"{"event":{"type":"bare"}}"#).unwrap().body, "{}");
        assert_eq!(read_event(b"{\"event\":"), None);
        assert_eq!(read_event(b"\xff"), None);
        let hook = read_hook(br#"{"hook":"tool.execute.before","input":{"sessionID":"ses_1"}}"#);
        assert_eq!(hook.unwrap().kind, "hook.tool.execute.before");
    }
}
