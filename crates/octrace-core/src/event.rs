//! OpenCode's events and hook calls: what the tape keeps of them, and the few facts that are needed
//! at once, while recording. Everything else is read from the kept JSON later, by `session`.
//!
//! Shapes: OpenCode 1.18 (`@opencode-ai/sdk`, type `Event`). Times there are milliseconds.

use serde::Deserialize;
use serde_json::{Value, value::RawValue};

use crate::session::{
    ToolCall,
    part::{self, PromptPart},
    read::one_line,
};

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

/// What an event says about a session, a message, or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A session began or changed.
    Session(SessionFact),
    /// A message began or changed.
    Message(MessageFact),
    /// A tool call began or changed.
    Tool(ToolFact),
    /// A part came that is a prompt's, if its message is a user's.
    Prompt(PromptFact),
    /// A step began or ended.
    Step(StepFact),
    /// A tool call got further.
    Call(CallFact),
    /// OpenCode has nothing more to do in the session. It says so twice, in two ways, and once more after errors.
    Idle,
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

/// From `message.part.updated`: a tool call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolFact {
    /// `prt_…`: a call is one part, whatever happens to it.
    pub part: String,
    /// The assistant message that asked for it.
    pub message: String,
    /// As far as this event tells; see [`ToolCall::merge`].
    pub call: ToolCall,
}

/// From `message.part.updated`: what a prompt is shown as.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PromptFact {
    /// `prt_…`
    pub part: String,
    /// The message, which may be an assistant's: then this is no prompt.
    pub message: String,
    /// How much it tells of the prompt: of several parts, the first with the greatest is what is shown.
    pub weight: u8,
    /// The begin of its text; `None` where nobody typed anything (a compaction).
    pub text: Option<String>,
}

/// From `message.part.updated`: a step, which is a model call with the tool calls that it asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepFact {
    /// The assistant message that its answer is.
    pub message: String,
    /// Whether it ended; else it began.
    pub ended: bool,
    /// OpenCode's snapshot of the work tree then: the id of a git tree.
    pub tree: Option<String>,
    /// When OpenCode said so, µs since the Unix epoch.
    pub at_us: Option<i64>,
}

/// From hooks and `permission.…`: when a tool call was at work. The ids of calls are the provider's.
#[derive(Clone, Debug, PartialEq)]
pub enum CallFact {
    /// It is about to begin, unless somebody is asked.
    Before(String),
    /// A person is asked for permission.
    Asked {
        /// The call.
        call: String,
        /// The question.
        request: String,
    },
    /// A person said yes to the question with this id. A no changes nothing: the call never runs.
    Granted(String),
    /// The process of a shell call is about to start.
    Process(String),
    /// It ended well.
    After(String),
}

/// The longest that a prompt's text, a tool's name or its error become, in characters.
const HEAD: usize = 200;

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
        fact: fact(&kind, &properties),
        body: body.to_owned(),
        kind,
    })
}

/// Reads a `hook` frame's payload: `{hook, input}`. `None` if it is not that.
pub fn read_hook(payload: &[u8]) -> Option<Event> {
    let sent: octrace_wire::payload::Hook<'_> = serde_json::from_slice(payload).ok()?;
    let body = sent.input.get();
    let input: Value = serde_json::from_str(body).ok()?;
    let kind = format!("hook.{}", sent.hook);
    Some(Event {
        session: session_of(&input),
        fact: fact(&kind, &input),
        body: body.to_owned(),
        kind,
    })
}

/// What an event that was kept says: from its kind and its body, as in [`Event`].
pub fn read_fact(kind: &str, body: &str) -> Option<Fact> {
    let properties: Value = serde_json::from_str(body).ok()?;
    fact(kind, &properties)
}

fn session_of(properties: &Value) -> Option<String> {
    word(&properties["sessionID"])
        .or_else(|| word(&properties["info"]["sessionID"]))
        .or_else(|| word(&properties["part"]["sessionID"]))
}

fn fact(kind: &str, properties: &Value) -> Option<Fact> {
    let info = &properties["info"];
    match kind {
        "message.part.updated" => step_fact(properties).or_else(|| part_fact(&properties["part"])),
        "permission.asked" | "permission.replied" => permission_fact(kind, properties),
        _ if kind.starts_with("hook.") => hook_fact(kind, properties),
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
        "session.idle" => Some(Fact::Idle),
        "session.status" => (properties["status"]["type"] == "idle").then_some(Fact::Idle),
        _ => None,
    }
}

fn step_fact(properties: &Value) -> Option<Fact> {
    let part = &properties["part"];
    let ended = match part["type"].as_str()? {
        "step-start" => false,
        "step-finish" => true,
        _ => return None,
    };
    Some(Fact::Step(StepFact {
        message: word(&part["messageID"])?,
        ended,
        tree: word(&part["snapshot"]),
        at_us: properties["time"].as_i64().and_then(|time| time.checked_mul(1_000)),
    }))
}

fn permission_fact(kind: &str, properties: &Value) -> Option<Fact> {
    Some(Fact::Call(if kind == "permission.asked" {
        let (call, request) = (word(&properties["tool"]["callID"])?, word(&properties["id"])?);
        CallFact::Asked { call, request }
    } else {
        word(&properties["reply"]).filter(|reply| reply != "reject")?;
        CallFact::Granted(word(&properties["requestID"])?)
    }))
}

fn hook_fact(kind: &str, input: &Value) -> Option<Fact> {
    let fact = match kind {
        "hook.tool.execute.before" => CallFact::Before,
        "hook.shell.env" => CallFact::Process,
        "hook.tool.execute.after" => CallFact::After,
        _ => return None,
    };
    Some(Fact::Call(fact(word(&input["callID"])?)))
}

fn part_fact(part: &Value) -> Option<Fact> {
    let (message, id) = part::ids(part)?;
    let (message, id) = (message.to_owned(), id.to_owned());
    if let Some(mut call) = part::tool_call(part) {
        call.tool = one_line(&call.tool, HEAD);
        call.error = call.error.map(|error| one_line(&error, HEAD));
        return Some(Fact::Tool(ToolFact { part: id, message, call }));
    }
    let (weight, text) = match part::prompt_part(part)? {
        PromptPart::Added(text) => (1, Some(one_line(text, HEAD))),
        PromptPart::Named(name) => (2, Some(format!("[{}]", one_line(name, HEAD)))),
        PromptPart::Typed(text) => (3, Some(one_line(text, HEAD))),
        PromptPart::Compaction => (4, None),
    };
    Some(Fact::Prompt(PromptFact { part: id, message, weight, text }))
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
    fn parts_tell_of_tools_and_prompts() {
        let read = |part: Value| {
            let body = serde_json::json!({"sessionID": "ses_1", "part": part}).to_string();
            read_fact("message.part.updated", &body)
        };
        let part = |more: Value| {
            let mut part = serde_json::json!({"id": "prt_1", "messageID": "msg_1"});
            let fields = more.as_object().unwrap().clone();
            part.as_object_mut().unwrap().extend(fields);
            read(part)
        };
        let Some(Fact::Tool(tool)) = part(serde_json::json!({"type": "tool", "tool": "bash",
            "state": {"status": "error", "input": {"command": "make"}, "error": "no\n".repeat(999)}}))
        else {
            panic!("a tool")
        };
        assert_eq!((tool.part.as_str(), tool.message.as_str()), ("prt_1", "msg_1"));
        assert_eq!(
            (tool.call.subject.as_str(), tool.call.error.map(|text| text.chars().count())),
            ("make", Some(202))
        );
        for (more, weight, text) in [
            (serde_json::json!({"type": "text", "text": "Fix\n it"}), 3, Some("Fix it")),
            (
                serde_json::json!({"type": "text", "text": "read", "synthetic": true}),
                1,
                Some("read"),
            ),
            (serde_json::json!({"type": "file", "filename": "a.rs"}), 2, Some("[a.rs]")),
            (serde_json::json!({"type": "compaction"}), 4, None),
        ] {
            let Some(Fact::Prompt(prompt)) = part(more) else { panic!("a prompt") };
            assert_eq!((prompt.weight, prompt.text.as_deref()), (weight, text));
        }
        assert_eq!(part(serde_json::json!({"type": "text", "text": ""})), None);
        assert_eq!(read(serde_json::json!({"type": "text", "text": "x"})), None, "of no message");
    }

    #[test]
    fn steps_and_calls_tell_when_they_were_at_work() {
        let read = |kind: &str, body: Value| read_fact(kind, &body.to_string());
        let step = |part: Value| {
            let body = serde_json::json!({"sessionID": "ses_1", "part": part, "time": 5});
            read("message.part.updated", body)
        };
        let start = serde_json::json!({"id": "prt_1", "messageID": "msg_1", "type": "step-start",
            "snapshot": "abc"});
        let fact = StepFact {
            message: "msg_1".into(),
            tree: Some("abc".into()),
            at_us: Some(5_000),
            ended: false,
        };
        assert_eq!(step(start), Some(Fact::Step(fact.clone())));
        let finish =
            serde_json::json!({"id": "prt_2", "messageID": "msg_1", "type": "step-finish"});
        let fact = StepFact { ended: true, tree: None, ..fact };
        assert_eq!(step(finish), Some(Fact::Step(fact)));

        let call = |fact| Some(Fact::Call(fact));
        let asked = serde_json::json!({"id": "per_1", "sessionID": "ses_1",
            "tool": {"messageID": "msg_1", "callID": "c"}});
        let expected = CallFact::Asked { call: "c".into(), request: "per_1".into() };
        assert_eq!(read("permission.asked", asked), call(expected));
        let replied = |reply: &str| {
            let body =
                serde_json::json!({"sessionID": "ses_1", "requestID": "per_1", "reply": reply});
            read("permission.replied", body)
        };
        assert_eq!(replied("once"), call(CallFact::Granted("per_1".into())));
        assert_eq!(replied("always"), call(CallFact::Granted("per_1".into())));
        assert_eq!(replied("reject"), None);
        let hook = |name: &str| {
            let sent =
                format!(r#"{{"hook":"{name}","input":{{"sessionID":"ses_1","callID":"c"}}}}"#);
            read_hook(sent.as_bytes()).unwrap().fact
        };
        assert_eq!(hook("tool.execute.before"), call(CallFact::Before("c".into())));
        assert_eq!(hook("shell.env"), call(CallFact::Process("c".into())));
        assert_eq!(hook("tool.execute.after"), call(CallFact::After("c".into())));
        assert_eq!(hook("chat.message"), None);
    }

    #[test]
    fn idle_is_said_in_two_ways() {
        let read = |kind: &str, body: &str| read_fact(kind, body);
        assert_eq!(read("session.idle", r#"{"sessionID":"ses_1"}"#), Some(Fact::Idle));
        let status = |of: &str| format!(r#"{{"sessionID":"ses_1","status":{{"type":"{of}"}}}}"#);
        assert_eq!(read("session.status", &status("idle")), Some(Fact::Idle));
        assert_eq!(read("session.status", &status("busy")), None);
        assert_eq!(read("session.status", "{}"), None);
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
