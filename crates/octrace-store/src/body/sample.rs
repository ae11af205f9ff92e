//! Sessions to measure on: requests as OpenCode sends them, with source text as tool results and cache markers
//! that move. Deterministic; the text is our own source with other names in it, so that no two results are alike.

use std::fmt::Write;

const SOURCES: [&str; 5] = [
    include_str!("mod.rs"),
    include_str!("split.rs"),
    include_str!("list.rs"),
    include_str!("../codec.rs"),
    include_str!("../../../octrace-core/src/json/mod.rs"),
];

const MARKER: &str = r#","cache_control":{"type":"ephemeral"}"#;

/// Whose requests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Shape {
    Anthropic,
    OpenAiChat,
}

/// A session that grows with each request.
pub(crate) struct Session {
    shape: Shape,
    random: Random,
    system: [String; 2],
    tools: String,
    /// Each without its marker, in two halves: the marker's place is between them.
    messages: Vec<(String, String)>,
    result_bytes: usize,
    turn: usize,
}

impl Session {
    /// A session whose tool results have about this many bytes.
    pub(crate) fn new(shape: Shape, result_bytes: usize) -> Self {
        Self::seeded(shape, result_bytes, 0x9e37_79b9_7f4a_7c15)
    }

    /// The same with other text for every other seed, which is not 0.
    pub(crate) fn seeded(shape: Shape, result_bytes: usize, seed: u64) -> Self {
        let mut random = Random(seed);
        let system = [random.text(12_000), random.text(2_000)];
        let tools =
            (0..15).map(|n| tool(shape, n, &random.text(700))).collect::<Vec<_>>().join(",");
        Self { shape, random, system, tools, messages: Vec::new(), result_bytes, turn: 0 }
    }

    /// The next request's body.
    pub(crate) fn next_body(&mut self) -> String {
        if self.turn.is_multiple_of(10) {
            let prompt = self.random.text(300);
            self.message(r#"{"role":"user","content":[{"type":"text","text":"#, &prompt, "}]}");
        } else {
            self.call_and_result();
        }
        self.turn += 1;
        match self.shape {
            Shape::Anthropic => self.anthropic(),
            Shape::OpenAiChat => self.openai_chat(),
        }
    }

    fn message(&mut self, head: &str, text: &str, tail: &str) {
        self.messages.push((format!("{head}{}", json(text)), tail.to_owned()));
    }

    fn call_and_result(&mut self) {
        let says = self.random.text(200);
        let result_bytes = self.result_bytes / 2 + self.random.below(self.result_bytes);
        let result = self.random.text(result_bytes);
        let (id, says) = (self.random.next(), json(&says));
        match self.shape {
            Shape::Anthropic => {
                let call = format!(
                    r#"{{"role":"assistant","content":[{{"type":"text","text":{says}}},{{"type":"tool_use","id":"toolu_{id:016x}","name":"read","input":{{"filePath":"/src/file_{id:x}.rs"}}"#
                );
                self.messages.push((call, "}]}".to_owned()));
                let head = format!(
                    r#"{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"toolu_{id:016x}","content":"#
                );
                self.message(&head, &result, "}]}");
            }
            Shape::OpenAiChat => {
                let call = format!(
                    r#"{{"role":"assistant","content":{says},"tool_calls":[{{"id":"call_{id:016x}","type":"function","function":{{"name":"read","arguments":"{{\"filePath\":\"/src/file_{id:x}.rs\"}}"}}}}]"#
                );
                self.messages.push((call, "}".to_owned()));
                let head = format!(r#"{{"role":"tool","tool_call_id":"call_{id:016x}","content":"#);
                self.message(&head, &result, "}");
            }
        }
    }

    fn anthropic(&self) -> String {
        let mut body =
            String::from(r#"{"model":"claude-sonnet-4-5","max_tokens":32000,"system":["#);
        for (n, text) in self.system.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            let text = json(text);
            write!(body, r#"{comma}{{"type":"text","text":{text}{MARKER}}}"#).unwrap();
        }
        body.push_str(r#"],"messages":["#);
        self.write_messages(&mut body, self.messages.len().saturating_sub(2));
        write!(
            body,
            r#"],"tools":[{}],"tool_choice":{{"type":"auto"}},"stream":true}}"#,
            self.tools
        )
        .unwrap();
        body
    }

    fn openai_chat(&self) -> String {
        let system = json(&self.system.concat());
        let mut body = format!(
            r#"{{"model":"gpt-5","max_tokens":32000,"messages":[{{"role":"system","content":{system}}},"#
        );
        self.write_messages(&mut body, self.messages.len());
        write!(
            body,
            r#"],"tools":[{}],"tool_choice":"auto","stream":true,"stream_options":{{"include_usage":true}}}}"#,
            self.tools
        )
        .unwrap();
        body
    }

    fn write_messages(&self, body: &mut String, marked_from: usize) {
        for (n, (head, tail)) in self.messages.iter().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            let marker = if n < marked_from { "" } else { MARKER };
            write!(body, "{comma}{head}{marker}{tail}").unwrap();
        }
    }
}

fn tool(shape: Shape, n: usize, description: &str) -> String {
    let description = json(description);
    let schema = r#"{"type":"object","properties":{"filePath":{"type":"string","description":"The path"},"limit":{"type":"number"}},"required":["filePath"],"additionalProperties":false}"#;
    match shape {
        Shape::Anthropic => {
            format!(r#"{{"name":"tool_{n}","description":{description},"input_schema":{schema}}}"#)
        }
        Shape::OpenAiChat => format!(
            r#"{{"type":"function","function":{{"name":"tool_{n}","description":{description},"parameters":{schema}}}}}"#
        ),
    }
}

fn json(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// xorshift64*, enough for test data.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 32).unwrap() % bound.max(1)
    }

    /// Some successive lines of a source, a fifth of the longer words exchanged for others.
    fn text(&mut self, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes + 100);
        while text.len() < bytes {
            let source = SOURCES[self.below(SOURCES.len())];
            let skip = self.below(source.lines().count());
            for line in source.lines().skip(skip).take(40) {
                for word in line.split_inclusive(|c: char| !c.is_alphanumeric()) {
                    if word.len() > 4 && self.below(5) == 0 {
                        let name = self.next();
                        text.push_str(NAMES[self.below(NAMES.len())]);
                        write!(text, "_{:x}", name & 0xfff).unwrap();
                        text.extend(word.chars().last());
                    } else {
                        text.push_str(word);
                    }
                }
                text.push('\n');
            }
        }
        let end = (bytes..=text.len()).find(|end| text.is_char_boundary(*end)).unwrap();
        text.truncate(end);
        text
    }
}

const NAMES: [&str; 12] = [
    "account", "balance", "canvas", "driver", "element", "folder", "gateway", "handler", "invoice",
    "journal", "kernel", "ledger",
];
