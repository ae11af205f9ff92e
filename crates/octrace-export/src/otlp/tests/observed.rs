//! Neatlogs' own plugin and we, on the same prompts: every difference is on the written list, and none of that list is
//! missing. The list says why, and is how the faults of that plugin are known to be absent.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use octrace_core::{
    provider::Usage,
    trace::{
        Attempt, Failure, Message, ModelSpan, Part, Role, Said, SessionFacts, Span, ToolSpan, Turn,
        TurnSpan, What,
        id::{SpanId, TraceId},
    },
};
use opentelemetry_proto::tonic::trace::v1::{self as otlp, status::StatusCode};

use super::{Profile, options, pack, show_value, spans};

const OBSERVED: &str = include_str!("../../../fixtures/neatlogs/observed.txt");
const DIFFERENCES: &str = include_str!("../../../fixtures/neatlogs/differences.txt");

/// A span, by whoever made it: attributes, and in brackets what else there is of it. Values by name, as often as sent.
#[derive(Debug, Default)]
struct Seen {
    name: String,
    values: BTreeMap<String, Vec<String>>,
}

impl Seen {
    fn add(&mut self, name: &str, value: &str) {
        let value: String = value.chars().take(100).collect();
        self.values.entry(name.to_owned()).or_default().push(value);
    }

    /// Of the root of either, to be compared with the other's.
    fn kind(&self) -> &str {
        if self.name == "opencode.session" { "opencode.turn" } else { &self.name }
    }
}

/// What the other plugin sent, by the prompt's heading.
fn observed() -> BTreeMap<String, Vec<Seen>> {
    let mut all: BTreeMap<String, Vec<Seen>> = BTreeMap::new();
    let mut heading = String::new();
    let mut traces: Vec<String> = Vec::new();
    let mut ids: HashMap<String, String> = HashMap::new();
    // A parent may come after its children.
    for line in OBSERVED.lines() {
        if let Some((name, rest)) = line.split_once(" t=") {
            let id = rest.split(' ').nth(1).unwrap().trim_start_matches("s=");
            ids.insert(id.to_owned(), name.to_owned());
        }
    }
    for line in OBSERVED.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(next) = line.strip_prefix('[') {
            next.trim_end_matches(']').clone_into(&mut heading);
            traces.clear();
        } else if let Some(attribute) = line.strip_prefix("    ") {
            let (name, value) = attribute.split_once(" = ").unwrap();
            all.get_mut(&heading).unwrap().last_mut().unwrap().add(name, value);
        } else {
            let words: Vec<_> = line.split(' ').collect();
            let trace = words[1].to_owned();
            if !traces.contains(&trace) {
                traces.push(trace.clone());
            }
            let number = traces.iter().position(|one| *one == trace).unwrap() + 1;
            let mut seen = Seen { name: words[0].to_owned(), ..Seen::default() };
            let parent = ids.get(words[3].trim_start_matches("p=")).map_or("-", String::as_str);
            seen.add("(name)", words[0]);
            seen.add("(trace)", &number.to_string());
            seen.add("(parent)", parent);
            seen.add("(status)", words[4]);
            all.entry(heading.clone()).or_default().push(seen);
        }
    }
    all
}

/// What we send of this turn.
fn ours(turn: &Turn) -> Vec<Seen> {
    let parcels = pack(&options(Profile::Neatlogs), std::slice::from_ref(turn));
    let spans = spans(&parcels[0].body);
    let name = |id: &[u8]| {
        spans.iter().find(|span| span.span_id == id).map_or("-", |span| span.name.as_str())
    };
    let see = |span: &otlp::Span| {
        let mut seen = Seen { name: span.name.clone(), ..Seen::default() };
        seen.add("(name)", &span.name);
        seen.add("(trace)", "1");
        assert_eq!(span.trace_id, turn.trace.0);
        let parent = name(&span.parent_span_id);
        seen.add("(parent)", if parent == "opencode.session" { "opencode.turn" } else { parent });
        let status = span
            .status
            .as_ref()
            .map_or(StatusCode::Unset, |status| StatusCode::try_from(status.code).unwrap());
        let status = match status {
            StatusCode::Unset => "-".to_owned(),
            StatusCode::Ok => "OK".to_owned(),
            StatusCode::Error => format!("ERROR: {}", span.status.as_ref().unwrap().message),
        };
        seen.add("(status)", &status);
        for attribute in &span.attributes {
            let value = show_value(attribute.value.as_ref().unwrap().value.as_ref().unwrap());
            let value = match value.strip_suffix(' ') {
                Some(rest) => format!("{rest}\\s"),
                None => value,
            };
            seen.add(&attribute.key, &value);
        }
        for event in &span.events {
            seen.add("(event)", &event.name);
        }
        seen
    };
    spans.iter().map(see).collect()
}

/// How ours are different, as the list would say it.
fn compare(heading: &str, theirs: &[Seen], ours: &[Seen]) -> BTreeSet<String> {
    let by_kind = |seen: &[Seen]| {
        let mut counts: HashMap<String, usize> = HashMap::new();
        let number = |seen: &Seen| {
            let count = counts.entry(seen.kind().to_owned()).or_default();
            *count += 1;
            format!("{} #{count}", seen.kind())
        };
        seen.iter().map(number).collect::<Vec<_>>()
    };
    let (their_keys, our_keys) = (by_kind(theirs), by_kind(ours));
    let mut differences = BTreeSet::new();
    let mut say = |span: &str, name: &str, how: String| {
        differences.insert(format!("{heading} | {span} | {name} | {how}"));
    };
    for (key, their) in their_keys.iter().zip(theirs) {
        let Some(our) = our_keys.iter().position(|one| one == key).map(|at| &ours[at]) else {
            say(key, "(span)", "gone".to_owned());
            continue;
        };
        for name in their.values.keys().chain(our.values.keys()) {
            match (their.values.get(name), our.values.get(name)) {
                (Some(before), Some(after)) if before == after => {}
                (Some(before), Some(after)) if before.len() > after.len() => {
                    assert!(before.iter().all(|value| *value == after[0]), "{name}");
                    say(key, name, "once".to_owned());
                }
                (Some(before), Some(after)) => {
                    say(key, name, format!("{} → {}", before.join(", "), after.join(", ")));
                }
                (Some(_), None) => say(key, name, "gone".to_owned()),
                (None, _) => say(key, name, "added".to_owned()),
            }
        }
    }
    for key in our_keys.iter().filter(|key| !their_keys.contains(key)) {
        say(key, "(span)", "added".to_owned());
    }
    differences
}

/// A line of the list: what it covers, and whether anything was.
struct Rule {
    fields: Vec<String>,
    is_used: bool,
}

fn rules() -> Vec<Rule> {
    let lines = DIFFERENCES.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let fields: Vec<_> = line.split(" | ").map(|field| field.trim().to_owned()).collect();
            assert_eq!(fields.len(), 5, "heading, span, attribute, how, why: {line}");
            Rule { fields, is_used: false }
        })
        .collect()
}

impl Rule {
    fn covers(&self, difference: &str) -> bool {
        let found: Vec<_> = difference.split(" | ").collect();
        found.iter().zip(&self.fields).all(|(found, pattern)| match pattern.strip_suffix('*') {
            Some(prefix) => found.starts_with(prefix),
            None => found == pattern,
        })
    }
}

#[test]
fn every_difference_to_the_other_plugin_is_on_the_list() {
    let mut rules = rules();
    let theirs = observed();
    let mut unlisted = Vec::new();
    for (heading, turn) in turns() {
        for difference in compare(heading, &theirs[heading], &ours(&turn)) {
            let mut is_listed = false;
            for rule in rules.iter_mut().filter(|rule| rule.covers(&difference)) {
                rule.is_used = true;
                is_listed = true;
            }
            if !is_listed {
                unlisted.push(difference);
            }
        }
    }
    assert!(unlisted.is_empty(), "not on the list:\n{}", unlisted.join("\n"));
    let unused = rules.iter().find(|rule| !rule.is_used);
    assert!(unused.is_none(), "no longer different: {}", unused.unwrap().fields.join(" | "));
}

/// The four prompts that the other plugin was seen with, as the model of ours has them.
fn turns() -> [(&'static str, Turn); 4] {
    let answer = "The answer is ready now. ";
    let hello = Made::new("ses_e07e58b5effeKtYWwVFyNOw5Nh", "\"hello 1\"").answers(answer).done();

    let echo = r#"{"command":"echo hello-from-tool","description":"say hello"}"#;
    let a_txt = r#"{"filePath":"/home/dev/project/a.txt"}"#;
    let echoed = ToolSpan {
        title: Some("echo hello-from-tool".to_owned()),
        output: "hello-from-tool\n".to_owned(),
        metadata: r#"{"output":"hello-from-tool\n","exit":0,"truncated":false}"#.to_owned(),
        exit: Some(0),
        ..tool("bash", echo)
    };
    let content = "<path>/home/dev/project/a.txt</path>\n<type>file</type>\n<content>\n1: file a content\n\n(End of file - total 1 lines)\n</content>";
    let display = r#"{"type":"file","path":"/home/dev/project/a.txt"}"#;
    let read = ToolSpan {
        title: Some("a.txt".to_owned()),
        output: content.to_owned(),
        metadata: format!(
            r#"{{"preview":"file a content","truncated":false,"loaded":[],"display":{display}}}"#
        ),
        ..tool("read", a_txt)
    };
    let tools = Made::new("ses_e07e55098ffednrSBxasF1w75G", "\"USETOOL please\"")
        .calls("Let me look. ", echoed, None)
        .calls("", read, None)
        .answers(answer)
        .done();

    let missing = r#"{"filePath":"/nonexistent/xyz"}"#;
    let failed = ToolSpan { output: "File not found".to_owned(), ..tool("read", missing) };
    let why = Failure { kind: "tool_error".to_owned(), message: "File not found".to_owned() };
    let failing = Made::new("ses_e07e53334ffe4ZsoVy5btBngOK", "\"TOOLERR please\"")
        .calls("", failed, Some(why))
        .answers(answer)
        .done();

    let refused = Made::new("ses_e07e518d4ffeWLi3BwyR5OELyu", "\"FAILME please\"")
        .fails("400", "scripted failure")
        .done();
    [
        ("an answer", hello),
        ("two tools", tools),
        ("a tool that fails", failing),
        ("a call that fails", refused),
    ]
}

fn tool(name: &str, input: &str) -> ToolSpan {
    ToolSpan { tool: name.to_owned(), input: input.to_owned(), ..ToolSpan::default() }
}

/// A turn in the making.
struct Made {
    turn: Turn,
    said: Vec<Message>,
    reply: String,
}

impl Made {
    fn new(session: &str, prompt: &str) -> Self {
        let facts = SessionFacts { id: session.to_owned(), ..SessionFacts::default() };
        let what = TurnSpan {
            message: "msg_0".to_owned(),
            prompt: prompt.to_owned(),
            ..TurnSpan::default()
        };
        let root = Span {
            id: SpanId::of_turn(session, "msg_0"),
            parent: None,
            started_us: 0,
            ended_us: 1_000_000,
            failure: None,
            what: What::Turn(what),
        };
        let trace = TraceId::of_turn(session, "msg_0");
        let turn = Turn {
            trace,
            root: facts.clone(),
            session: facts,
            path: Vec::new(),
            spans: vec![root],
        };
        let asked = Message { role: Role::User, parts: vec![Part::Text(prompt.to_owned())] };
        Self { turn, said: vec![asked], reply: String::new() }
    }

    fn add(&mut self, what: What, failure: Option<Failure>) {
        let (session, number) = (self.turn.session.id.clone(), self.turn.spans.len());
        let id = SpanId::of_answer(&session, &number.to_string());
        let at = i64::try_from(number).unwrap() * 10_000;
        let parent = Some(self.turn.spans[0].id);
        let span = Span { id, parent, started_us: at, ended_us: at + 85_000, failure, what };
        self.turn.spans.push(span);
    }

    fn model(&mut self, parts: Vec<Part>, finish: &str) {
        let output = Message { role: Role::Assistant, parts };
        let said =
            Said { input: self.said.clone(), output: Some(output.clone()), ..Said::default() };
        // As the provider said it.
        let usage =
            Usage { input: 1200, output: 34, reasoning: 7, cache_read: 1000, cache_write: 0 };
        let call = ModelSpan {
            message: Some("msg_1".to_owned()),
            provider: Some("mock".to_owned()),
            model: Some("m1".to_owned()),
            usage: Some(usage),
            cost_usd: Some(0.00141),
            finish: Some(finish.to_owned()),
            said,
            ..ModelSpan::default()
        };
        self.said.push(output);
        self.add(What::Model(Box::new(call)), None);
    }

    fn answers(mut self, text: &str) -> Self {
        self.model(vec![Part::Text(text.to_owned())], "stop");
        text.clone_into(&mut self.reply);
        self
    }

    fn calls(mut self, text: &str, tool: ToolSpan, failure: Option<Failure>) -> Self {
        let id = "call".to_owned();
        let (name, arguments) = (tool.tool.clone(), tool.input.clone());
        let call = Part::Call { id: id.clone(), name: name.clone(), arguments };
        let text = (!text.is_empty()).then(|| Part::Text(text.to_owned()));
        self.model(text.into_iter().chain([call]).collect(), "tool-calls");
        let result = Part::Result { id, name, text: tool.output.clone() };
        self.said.push(Message { role: Role::Tool, parts: vec![result] });
        self.add(What::Tool(tool), failure);
        self
    }

    fn fails(mut self, kind: &str, message: &str) -> Self {
        let failure = Failure { kind: kind.to_owned(), message: message.to_owned() };
        let attempt = Attempt { failure: Some(failure.clone()), ..Attempt::default() };
        let call = ModelSpan {
            message: Some("msg_1".to_owned()),
            provider: Some("mock".to_owned()),
            model: Some("m1".to_owned()),
            attempts: vec![attempt],
            said: Said { input: self.said.clone(), ..Said::default() },
            ..ModelSpan::default()
        };
        self.add(What::Model(Box::new(call)), Some(failure.clone()));
        self.turn.spans[0].failure = Some(failure);
        self
    }

    fn done(mut self) -> Turn {
        if let What::Turn(what) = &mut self.turn.spans[0].what {
            what.reply = self.reply;
        }
        self.turn
    }
}
