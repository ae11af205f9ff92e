//! A request's body as OpenCode's SDK packages write it, with everything that was said so far.

use std::fmt::Write;

use octrace_script::Dialect;

use super::{Session, sources::Sources};

const MARKER: &str = r#","cache_control":{"type":"ephemeral"}"#;

/// OpenCode's tools, and about how many bytes their descriptions have.
const TOOLS: [(&str, usize); 12] = [
    ("bash", 9_300),
    ("edit", 1_500),
    ("glob", 600),
    ("grep", 800),
    ("list", 400),
    ("read", 1_300),
    ("skill", 700),
    ("task", 3_600),
    ("todoread", 900),
    ("todowrite", 8_800),
    ("webfetch", 900),
    ("write", 700),
];

/// A conversation, ready to be sent.
#[derive(Clone)]
pub(super) struct Body {
    dialect: Dialect,
    system: [String; 2],
    tools: String,
    /// Each in two halves: a marker's place is between them.
    messages: Vec<(String, &'static str)>,
}

impl Body {
    pub(super) fn new(dialect: Dialect, sources: &mut Sources) -> Self {
        assert!(dialect != Dialect::Gemini, "no session speaks Gemini's dialect");
        let system = [sources.prose(11_000, 13_000), sources.prose(1_500, 2_500)];
        let tools: Vec<_> = TOOLS
            .iter()
            .map(|(name, bytes)| tool(dialect, name, &sources.prose(bytes * 9 / 10, *bytes)))
            .collect();
        Self { dialect, system, tools: tools.join(","), messages: Vec::new() }
    }

    /// The user says something.
    pub(super) fn user(&mut self, text: &str) {
        let text = json(text);
        self.messages.push(match self.dialect {
            Dialect::Anthropic => {
                (format!(r#"{{"role":"user","content":[{{"type":"text","text":{text}"#), "}]}")
            }
            Dialect::OpenaiResponses => (
                format!(r#"{{"role":"user","content":[{{"type":"input_text","text":{text}"#),
                "}]}",
            ),
            _ => (format!(r#"{{"role":"user","content":{text}"#), "}"),
        });
    }

    /// The model says something and calls a tool; `input` is JSON.
    pub(super) fn call(&mut self, says: &str, id: &str, input: &str) {
        let (says, quoted) = (json(says), json(input));
        match self.dialect {
            Dialect::Anthropic => self.messages.push((
                format!(
                    r#"{{"role":"assistant","content":[{{"type":"text","text":{says}}},{{"type":"tool_use","id":"{id}","name":"read","input":{input}"#
                ),
                "}]}",
            )),
            Dialect::OpenaiResponses => {
                self.messages.push((
                    format!(r#"{{"role":"assistant","content":[{{"type":"output_text","text":{says}"#),
                    "}]}",
                ));
                self.messages.push((
                    format!(
                        r#"{{"type":"function_call","call_id":"{id}","name":"read","arguments":{quoted}"#
                    ),
                    "}",
                ));
            }
            _ => self.messages.push((
                format!(
                    r#"{{"role":"assistant","content":{says},"tool_calls":[{{"id":"{id}","type":"function","function":{{"name":"read","arguments":{quoted}}}}}]"#
                ),
                "}",
            )),
        }
    }

    /// The tool answers.
    pub(super) fn result(&mut self, id: &str, output: &str) {
        let output = json(output);
        self.messages.push(match self.dialect {
            Dialect::Anthropic => (
                format!(
                    r#"{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"{id}","content":{output}"#
                ),
                "}]}",
            ),
            Dialect::OpenaiResponses => (
                format!(r#"{{"type":"function_call_output","call_id":"{id}","output":{output}"#),
                "}",
            ),
            _ => (format!(r#"{{"role":"tool","tool_call_id":"{id}","content":{output}"#), "}"),
        });
    }

    /// All of it, with cache markers on the system prompt and on the last two messages where the dialect has them.
    pub(super) fn text(&self) -> String {
        let [first, second] = [json(&self.system[0]), json(&self.system[1])];
        let tools = &self.tools;
        let (mut body, end) = match self.dialect {
            Dialect::Anthropic => (
                format!(
                    r#"{{"model":"claude-sonnet-4-5","max_tokens":32000,"system":[{{"type":"text","text":{first}{MARKER}}},{{"type":"text","text":{second}{MARKER}}}],"messages":["#
                ),
                format!(r#"],"tools":[{tools}],"tool_choice":{{"type":"auto"}},"stream":true}}"#),
            ),
            Dialect::OpenaiResponses => (
                format!(r#"{{"model":"gpt-5","input":[{{"role":"developer","content":{first}}},"#),
                format!(
                    r#"],"store":false,"prompt_cache_key":"{}","tools":[{tools}],"tool_choice":"auto","stream":true}}"#,
                    Session::ID
                ),
            ),
            _ => (
                format!(
                    r#"{{"model":"m","max_tokens":32000,"messages":[{{"role":"system","content":{first}{MARKER}}},"#
                ),
                format!(
                    r#"],"tools":[{tools}],"tool_choice":"auto","stream":true,"stream_options":{{"include_usage":true}}}}"#
                ),
            ),
        };
        let marked_from = match self.dialect {
            Dialect::OpenaiResponses => self.messages.len(),
            _ => self.messages.len().saturating_sub(2),
        };
        for (number, (head, tail)) in self.messages.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            let marker = if number < marked_from { "" } else { MARKER };
            write!(body, "{comma}{head}{marker}{tail}").expect("writing to a string never fails");
        }
        body + &end
    }
}

fn tool(dialect: Dialect, name: &str, description: &str) -> String {
    let description = json(description);
    let schema = r#"{"type":"object","properties":{"filePath":{"description":"The absolute path to the file","type":"string"},"command":{"description":"The command to execute","type":"string"},"timeout":{"description":"Optional timeout in milliseconds","type":"integer","exclusiveMinimum":0},"todos":{"description":"The updated todo list","type":"array","items":{"type":"object","properties":{"content":{"description":"Brief description of the task","type":"string"},"status":{"description":"pending, in_progress, completed, cancelled","type":"string"},"priority":{"description":"high, medium, low","type":"string"}},"required":["content","status","priority"],"additionalProperties":false}}},"required":["filePath"],"additionalProperties":false,"$schema":"http://json-schema.org/draft-07/schema#"}"#;
    match dialect {
        Dialect::Anthropic => {
            format!(r#"{{"name":"{name}","description":{description},"input_schema":{schema}}}"#)
        }
        Dialect::OpenaiResponses => format!(
            r#"{{"type":"function","name":"{name}","description":{description},"parameters":{schema},"strict":false}}"#
        ),
        _ => format!(
            r#"{{"type":"function","function":{{"name":"{name}","description":{description},"parameters":{schema}}}}}"#
        ),
    }
}

fn json(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
