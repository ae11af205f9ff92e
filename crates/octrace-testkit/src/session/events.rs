//! Small events, as many as somebody wants: what OpenCode says of agents that work without end.

use serde_json::{Value, json};

use super::sources::Sources;

/// A session has so many of them.
const PER_SESSION: usize = 1_000;

/// Kinds and properties of events of half a kilobyte to one kilobyte each, without end: of an assistant's message, its
/// text, and a call of its shell.
pub fn small_events(seed: u64) -> impl Iterator<Item = (&'static str, Value)> {
    let mut sources = Sources::new(seed);
    let (mut session, mut message, mut call) = (String::new(), String::new(), String::new());
    let (mut command, mut part) = (String::new(), String::new());
    (0..).map(move |number| {
        let now = 1_795_164_560_576 + number as u64;
        if number % PER_SESSION == 0 {
            session = sources.id("ses_");
        }
        if number % 4 == 0 {
            message = sources.ascending("msg_", now);
            call = sources.id("call_");
            command = sources.prose(150, 250);
        }
        if number % 4 < 3 {
            part = sources.ascending("prt_", now);
        }
        let of_part = |part: Value| json!({"sessionID": session, "part": part, "time": now});
        match number % 4 {
            0 => (
                "message.updated",
                json!({"sessionID": session, "info": {"id": message, "parentID": "msg_0123456789abcdefghijklmnop",
                    "role": "assistant", "mode": "build", "agent": "build", "path": {"cwd": "/home/dev/project",
                    "root": "/home/dev/project"}, "cost": 0.01, "tokens": {"input": number, "output": 120,
                    "reasoning": 0, "cache": {"read": number * 3, "write": 0}}, "modelID": "claude-sonnet-4-5",
                    "providerID": "anthropic", "time": {"created": now, "completed": now + 4}, "sessionID": session}}),
            ),
            1 => (
                "message.part.updated",
                of_part(json!({"id": part, "messageID": message, "sessionID": session, "type": "text",
                    "text": sources.prose(350, 620), "time": {"start": now, "end": now + 9}})),
            ),
            step => {
                let mut state = json!({"status": "running", "input": {"command": command,
                    "description": "Looks around"}, "time": {"start": now}});
                if step == 3 {
                    state["status"] = "completed".into();
                    state["output"] = sources.prose(80, 200).into();
                    state["title"] = "Looks around".into();
                    state["metadata"] = json!({"exit": 0});
                    state["time"]["end"] = (now + 7).into();
                }
                let tool = json!({"id": part, "messageID": message, "sessionID": session, "type": "tool",
                    "callID": call, "tool": "bash", "state": state});
                ("message.part.updated", of_part(tool))
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_small_and_no_two_are_the_same() {
        let events: Vec<_> = small_events(5).take(2_000).map(|(_, event)| event).collect();
        let bytes: Vec<_> = events.iter().map(|event| event.to_string().len()).collect();
        let (least, most) = (bytes.iter().min().unwrap(), bytes.iter().max().unwrap());
        assert!(*least >= 450 && *most <= 1_024, "{least} to {most}");
        let different: std::collections::HashSet<_> =
            events.iter().map(ToString::to_string).collect();
        assert_eq!(different.len(), events.len());
        assert_ne!(events[0]["sessionID"], events[1_000]["sessionID"]);
    }
}
