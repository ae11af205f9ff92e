//! Spans of all kinds, with the same word in every string that says something.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{provider::Usage, redact::Patterns, session::ToolStatus, trace::id::SpanId};

const CANARY: &str = "canary";

/// Something with the canary in it, and `length` bytes more.
fn said(length: usize) -> String {
    format!("ä {CANARY} \"{}", "x\n".repeat(length / 2))
}

fn json(length: usize) -> String {
    json!({"a": [1, {"b": said(length)}]}).to_string()
}

fn failure() -> Option<Failure> {
    Some(Failure { kind: "tool_error".to_owned(), message: said(0) })
}

fn span(what: What) -> Span {
    Span {
        id: SpanId::of_turn("s", "u1"),
        parent: None,
        started_us: 1,
        ended_us: 2,
        failure: failure(),
        what,
    }
}

fn turn(length: usize) -> Span {
    span(What::Turn(TurnSpan {
        message: "u1".to_owned(),
        agent: Some("build".to_owned()),
        prompt: said(length),
        reply: said(length),
        usage: Usage { input: 7, ..Usage::default() },
        cost_usd: Some(0.5),
    }))
}

fn tool(length: usize) -> Span {
    span(What::Tool(ToolSpan {
        call: "c1".to_owned(),
        tool: "bash".to_owned(),
        message: "a1".to_owned(),
        number: 1,
        title: Some(said(0)),
        input: json(length),
        output: said(length),
        metadata: json(length),
        status: ToolStatus::Completed,
        exit: Some(2),
        child: Some("s2".to_owned()),
    }))
}

fn model(lengths: &[usize]) -> Span {
    let name = |name: &str| Some(name.to_owned());
    let message = |(at, length): (usize, &usize)| {
        let (role, part) = match at % 7 {
            0 => (Role::User, Part::Text(said(*length))),
            1 => (Role::Assistant, Part::Reasoning(said(*length))),
            2 => {
                let (id, name) = ("c1".to_owned(), "bash".to_owned());
                (Role::Assistant, Part::Call { id, name, arguments: json(*length) })
            }
            3 => {
                let (id, name) = ("c1".to_owned(), String::new());
                (Role::Tool, Part::Result { id, name, text: said(*length) })
            }
            4 => (Role::User, Part::Media { mime: "image/png".to_owned(), bytes: 9 }),
            5 => (Role::System, Part::Text(said(*length))),
            _ => (Role::User, Part::Other(json(*length))),
        };
        Message { role, parts: vec![part] }
    };
    let attempt = Attempt { failure: failure(), status: Some(500), ..Attempt::default() };
    let call = Part::Call { id: String::new(), name: "bash".to_owned(), arguments: json(0) };
    span(What::Model(Box::new(ModelSpan {
        message: name("a1"),
        agent: name("build"),
        provider: name("mock"),
        model: name("m1"),
        answered_by: name("m1-1"),
        server: Some(("localhost".to_owned(), Some(80))),
        attempts: vec![attempt],
        finish: name("stop"),
        said: Said {
            system: vec![Part::Text(said(0)), Part::Other(json(0))],
            input: lengths.iter().enumerate().map(message).collect(),
            output: Some(Message { role: Role::Assistant, parts: vec![Part::Text(said(0)), call] }),
            settings: vec![
                ("metadata".to_owned(), json(0)),
                ("stop".to_owned(), json!([said(0)]).to_string()),
                ("temperature".to_owned(), "0.5".to_owned()),
            ],
            tools: vec!["bash".to_owned()],
        },
        ..ModelSpan::default()
    })))
}

fn each(length: usize) -> [Span; 3] {
    [turn(length), tool(length), model(&[length; 14])]
}

fn bytes(span: &Span) -> usize {
    let mut sum = 0;
    span.clone().strings(&mut |_, text| sum += text.len());
    sum
}

fn input(span: &Span) -> &[Message] {
    let What::Model(model) = &span.what else { panic!() };
    &model.said.input
}

fn text(message: &Message) -> &str {
    let [Part::Text(text)] = &message.parts[..] else { panic!("{message:?}") };
    text
}

#[test]
fn without_content_only_names_and_figures_are_left() {
    for mut span in each(9) {
        assert!(format!("{span:?}").contains(CANARY));
        span.without_content();
        let shown = format!("{span:?}");
        assert!(!shown.contains(CANARY), "{shown}");
        assert!(!shown.contains('ä') && !shown.contains("x\\n"), "{shown}");
        match span.what {
            What::Turn(turn) => assert_eq!((turn.usage.input, turn.cost_usd), (7, Some(0.5))),
            What::Tool(tool) => {
                assert_eq!(
                    (tool.tool.as_str(), tool.exit, tool.input.as_str()),
                    ("bash", Some(2), "")
                );
            }
            What::Model(model) => {
                let Said { input, settings, tools, .. } = &model.said;
                assert_eq!(*settings, [("temperature".to_owned(), "0.5".to_owned())]);
                assert_eq!((input.len(), tools.len()), (14, 1));
                let call = &input[2].parts[0];
                assert!(
                    matches!(call, Part::Call { name, arguments, .. } if name == "bash" && arguments == "null")
                );
                assert_eq!(model.attempts[0].failure.as_ref().unwrap().kind, "tool_error");
            }
        }
    }
    let mut facts = SessionFacts {
        id: "s".to_owned(),
        title: Some(said(0)),
        directory: Some(format!("/home/{CANARY}")),
        version: Some("1".to_owned()),
    };
    facts.without_content();
    assert!(!format!("{facts:?}").contains(CANARY));
}

#[test]
fn without_system_no_instructions_are_left() {
    let mut span = model(&[0; 7]);
    span.without_system();
    let What::Model(model) = &span.what else { panic!() };
    assert!(model.said.system.is_empty());
    assert_eq!(model.said.input.len(), 6);
}

#[test]
fn redaction_reaches_every_string() {
    let (patterns, _) = Patterns::new(&[CANARY.to_owned()]);
    let redactor = Redactor::new("").with_patterns(&patterns);
    for mut span in each(9) {
        // Names too: what a model calls a tool is its word.
        span.strings(&mut |kind, text| {
            if kind == Kind::Name {
                text.push_str(CANARY);
            }
        });
        span.redact(&redactor);
        assert!(!format!("{span:?}").contains(CANARY), "{span:?}");
        span.strings(&mut |kind, text| {
            assert!(text.contains("[REDACTED]") || text == "0.5", "{text}");
            if kind == Kind::Json {
                assert!(serde_json::from_str::<Value>(text).is_ok(), "{text}");
            }
        });
    }
    let mut facts = SessionFacts { title: Some(said(0)), ..SessionFacts::default() };
    facts.redact(&redactor);
    assert!(!facts.title.unwrap().contains(CANARY));
}

#[test]
fn what_stands_under_a_secret_name_goes() {
    let mut span = tool(0);
    let What::Tool(tool) = &mut span.what else { panic!() };
    tool.input = r#"{"api_key":"plain","b":1}"#.to_owned();
    tool.metadata = String::new();
    span.redact(&Redactor::new(""));
    let What::Tool(tool) = &span.what else { panic!() };
    assert_eq!(tool.input, r#"{"api_key":"[REDACTED]","b":1}"#);
    assert_eq!(tool.metadata, "");
}

#[test]
fn old_messages_are_cut_before_new_ones_and_long_ones_before_short_ones() {
    let mut span = model(&[]);
    let What::Model(model) = &mut span.what else { panic!() };
    let messages = [900_usize, 9_000, 9_000, 9_000];
    model.said.input = messages
        .map(|length| Message { role: Role::User, parts: vec![Part::Text("y".repeat(length))] })
        .to_vec();
    let whole = span.clone();
    assert!(!span.trim(bytes(&whole)), "it fits");
    assert_eq!(span, whole);
    assert!(span.trim(bytes(&whole) - 1));
    let lengths: Vec<usize> = input(&span).iter().map(|message| text(message).len()).collect();
    assert_eq!(lengths, [900, 4096 + 25, 9_000, 9_000]);
    assert!(text(&input(&span)[1]).ends_with("yyy[… 4904 bytes left out]"));
}

#[test]
fn json_that_is_cut_is_a_string() {
    let mut span = tool(100_000);
    assert!(span.trim(2_000));
    let What::Tool(tool) = &span.what else { panic!() };
    for json in [&tool.input, &tool.metadata] {
        let text: String = serde_json::from_str(json).unwrap();
        assert!(text.starts_with(r#"{"a":[1,"#) && text.ends_with(" bytes left out]"), "{text}");
    }
}

#[test]
fn more_messages_than_fit_are_counted() {
    let mut span = model(&[]);
    let What::Model(model) = &mut span.what else { panic!() };
    let short = |number: usize| Message {
        role: Role::User,
        parts: vec![Part::Text(format!("{number:04}"))],
    };
    model.said.input = (0..10_000).map(short).collect();
    assert!(span.trim(8_000));
    assert!(bytes(&span) <= 8_000);
    let messages = input(&span);
    assert!(messages.len() > 1_000, "{}", messages.len());
    assert_eq!(text(&messages[0]), format!("[… {} messages left out]", 10_001 - messages.len()));
    assert_eq!(text(messages.last().unwrap()), "9999");
}

proptest! {
    #[test]
    fn what_is_trimmed_fits(
        lengths in prop::collection::vec(prop_oneof![0usize..90, 0usize..9_000, 0usize..90_000], 0..30),
        budget in 2_000usize..300_000,
    ) {
        let length = lengths.first().copied().unwrap_or_default();
        for mut span in [turn(length), tool(length), model(&lengths)] {
            let whole = span.clone();
            let is_cut = span.trim(budget);
            prop_assert_eq!(is_cut, bytes(&whole) > budget);
            prop_assert_eq!(is_cut, span != whole);
            prop_assert!(bytes(&span) <= budget, "{} of {}", bytes(&span), budget);
            span.strings(&mut |kind, text| {
                if kind == Kind::Json {
                    assert!(serde_json::from_str::<Value>(text).is_ok(), "{text}");
                }
            });
            let once = span.clone();
            prop_assert!(!span.trim(budget));
            prop_assert_eq!(span, once);
        }
    }
}
