use octrace_core::{
    exchange::Purpose,
    provider::Usage,
    session::ToolStatus,
    trace::{
        Attempt, Content, Failure, Message, ModelSpan, Part, Role, Said, SessionFacts, Span, Step,
        ToolSpan, Turn, TurnSpan, What,
        id::{SpanId, TraceId},
    },
};
use octrace_testkit::helicone::check;
use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn options(content: Content) -> Options {
    Options { session_path_prefix: "/opencode".to_owned(), content }
}

fn session(id: &str, title: Option<&str>) -> SessionFacts {
    SessionFacts {
        id: id.to_owned(),
        title: title.map(Into::into),
        version: Some("1.18.33".to_owned()),
        ..SessionFacts::default()
    }
}

fn turn() -> Turn {
    let session = session("ses_1", Some("Naïve files"));
    let what = What::Turn(TurnSpan {
        message: "msg_0".to_owned(),
        agent: Some("build".to_owned()),
        ..TurnSpan::default()
    });
    let spans = vec![Span { id: SpanId::of_turn("ses_1", "msg_0"), ..span(what) }];
    let trace = TraceId::of_turn("ses_1", "msg_0");
    Turn { trace, root: session.clone(), session, path: Vec::new(), spans }
}

fn span(what: What) -> Span {
    Span {
        id: SpanId::of_answer("ses_1", "msg_1"),
        parent: None,
        started_us: 1_795_164_081_194_700,
        ended_us: 1_795_164_082_000_200,
        failure: None,
        what,
    }
}

fn model() -> ModelSpan {
    let call = |arguments: &str| Part::Call {
        id: "call_1".to_owned(),
        name: "bash".to_owned(),
        arguments: arguments.to_owned(),
    };
    let text = |text: &str| Part::Text(text.to_owned());
    let result =
        Part::Result { id: "call_1".to_owned(), name: "bash".to_owned(), text: "a.txt".to_owned() };
    let image = Part::Media { mime: "image/png".to_owned(), bytes: 4 };
    let input = vec![
        Message { role: Role::User, parts: vec![text("What is here?"), image] },
        Message { role: Role::Assistant, parts: vec![call(r#"{"command":"ls"}"#)] },
        Message { role: Role::User, parts: vec![result, text("go on")] },
    ];
    let parts = vec![Part::Reasoning("It is a file.".to_owned()), text("a.txt, once.")];
    ModelSpan {
        purpose: Purpose::Main,
        message: Some("msg_1".to_owned()),
        number: 1,
        agent: Some("build".to_owned()),
        provider: Some("anthropic".to_owned()),
        model: Some("model-a".to_owned()),
        answered_by: Some("model-a-0601".to_owned()),
        stream: Some(true),
        attempts: vec![attempt(0, Some(200), None)],
        usage: Some(Usage {
            input: 1200,
            output: 34,
            reasoning: 7,
            cache_read: 1000,
            cache_write: 100,
        }),
        cost_usd: Some(0.0125),
        finish: Some("end_turn".to_owned()),
        first_content_after_us: Some(85_900),
        said: Said {
            system: vec![text("Be brief.")],
            input,
            output: Some(Message { role: Role::Assistant, parts }),
            settings: vec![
                ("max_tokens".to_owned(), "32000".to_owned()),
                ("metadata".to_owned(), r#"{"user_id":"u"}"#.to_owned()),
                ("stream".to_owned(), "true".to_owned()),
            ],
            tools: vec!["bash".to_owned()],
        },
        ..ModelSpan::default()
    }
}

fn attempt(number: i64, status: Option<u16>, failure: Option<Failure>) -> Attempt {
    let started_us = 1_795_164_081_194_700 + number * 400_000;
    Attempt { exchange: number, started_us, ended_us: started_us + 90_000, status, failure }
}

fn tool() -> ToolSpan {
    ToolSpan {
        call: "call_1".to_owned(),
        tool: "bash".to_owned(),
        message: "msg_1".to_owned(),
        number: 1,
        title: Some("List files".to_owned()),
        input: r#"{"command": "ls"}"#.to_owned(),
        output: "a.txt".to_owned(),
        metadata: r#"{"description":"List files"}"#.to_owned(),
        status: ToolStatus::Completed,
        exit: Some(0),
        child: None,
    }
}

fn failure(kind: &str, message: &str) -> Failure {
    Failure { kind: kind.to_owned(), message: message.to_owned() }
}

fn model_span(call: ModelSpan) -> Span {
    span(What::Model(Box::new(call)))
}

/// The log that Helicone gets, which it must accept.
fn accepted(turn: &Turn, span: Span, content: Content) -> (Vec<(String, String)>, Value) {
    let log = log(turn, span, &options(content)).unwrap();
    if let Err(problem) = check(&log.headers, &log.body) {
        panic!("{problem}: {}", String::from_utf8_lossy(&log.body));
    }
    (log.headers, serde_json::from_slice(&log.body).unwrap())
}

/// Headers and body as text, a line for each message, without what the body repeats of the headers.
fn shown((headers, mut body): (Vec<(String, String)>, Value)) -> String {
    let mut lines: Vec<_> =
        headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    let mut request = body["providerRequest"].take();
    request.as_object_mut().unwrap().remove("meta");
    let messages = request.pointer_mut("/json/messages").map(Value::take);
    let response = body["providerResponse"].take();
    lines.push(format!("\n{request}"));
    let messages = messages.as_ref().and_then(Value::as_array).into_iter().flatten();
    lines.extend(messages.map(|message| format!("  {message}")));
    lines.push(format!("{response}\n{} {}", body["provider"], body["timing"]));
    lines.join("\n")
}

fn header<'a>(headers: &'a [(String, String)], wanted: &str) -> &'a str {
    let found = headers.iter().find(|(name, _)| name == wanted);
    found.map_or("", |(_, value)| value)
}

#[test]
fn a_model_call_is_a_chat_completion() {
    insta::assert_snapshot!(shown(accepted(&turn(), model_span(model()), Content::Full)), @r#"
    Content-Type: application/json
    Helicone-Request-Id: ee28f6de-9ae6-5afa-a9a1-aff4b5b50121
    Helicone-Session-Name: Na%C3%AFve files
    Helicone-Session-Id: ses_1
    Helicone-Session-Path: /opencode/ses_1/msg-1
    Helicone-Property-Agent: build
    Helicone-Property-Purpose: main
    Helicone-Property-Provider: anthropic
    Helicone-Property-Message: msg_1
    Helicone-Property-OpenCode-Version: 1.18.33

    {"json":{"max_tokens":32000,"messages":null,"model":"model-a","tools":[{"function":{"name":"bash"},"type":"function"}]},"url":"custom-model-nopath"}
      {"content":"Be brief.","role":"system"}
      {"content":[{"text":"What is here?","type":"text"},{"bytes":4,"mime":"image/png","type":"file"}],"role":"user"}
      {"content":null,"role":"assistant","tool_calls":[{"function":{"arguments":"{\"command\":\"ls\"}","name":"bash"},"id":"call_1","type":"function"}]}
      {"content":"a.txt","name":"bash","role":"tool","tool_call_id":"call_1"}
      {"content":"go on","role":"user"}
    {"cost":0.0125,"headers":{},"json":{"choices":[{"finish_reason":"end_turn","index":0,"message":{"content":"a.txt, once.","reasoning":"It is a file.","role":"assistant"}}],"model":"model-a-0601","object":"chat.completion","usage":{"completion_tokens":34,"completion_tokens_details":{"reasoning_tokens":7},"cost":0.0125,"prompt_tokens":1200,"prompt_tokens_details":{"cache_write_tokens":100,"cached_tokens":1000},"total_tokens":1234}},"status":200}
    "CUSTOM" {"endTime":{"milliseconds":0,"seconds":1795164082},"startTime":{"milliseconds":194,"seconds":1795164081},"timeToFirstToken":85}
    "#);
}

#[test]
fn a_tool_call_is_a_tool_log() {
    insta::assert_snapshot!(shown(accepted(&turn(), span(What::Tool(tool())), Content::Full)), @r#"
    Content-Type: application/json
    Helicone-Request-Id: ee28f6de-9ae6-5afa-a9a1-aff4b5b50121
    Helicone-Session-Name: Na%C3%AFve files
    Helicone-Session-Id: ses_1
    Helicone-Session-Path: /opencode/ses_1/msg-1/tool-bash
    Helicone-Property-Agent: build
    Helicone-Property-Message: msg_1
    Helicone-Property-OpenCode-Version: 1.18.33

    {"json":{"_type":"tool","input":{"command":"ls"},"toolName":"bash"},"url":"custom-model-nopath"}
    {"headers":{},"json":{"_type":"tool","exit":0,"metadata":{"description":"List files"},"result":"a.txt","status":"success","title":"List files","toolName":"bash"},"status":200}
    "CUSTOM" {"endTime":{"milliseconds":0,"seconds":1795164082},"startTime":{"milliseconds":194,"seconds":1795164081}}
    "#);
}

#[test]
fn metadata_has_roles_kinds_counts_and_names() {
    let turn = turn();
    insta::assert_snapshot!(shown(accepted(&turn, model_span(model()), Content::MetadataOnly)), @r#"
    Content-Type: application/json
    Helicone-Request-Id: ee28f6de-9ae6-5afa-a9a1-aff4b5b50121
    Helicone-Session-Name: ses_1
    Helicone-Session-Id: ses_1
    Helicone-Session-Path: /opencode/ses_1/msg-1
    Helicone-Property-Agent: build
    Helicone-Property-Purpose: main
    Helicone-Property-Provider: anthropic
    Helicone-Property-Message: msg_1
    Helicone-Property-OpenCode-Version: 1.18.33

    {"json":{"max_tokens":32000,"messages":null,"model":"model-a","tools":[{"function":{"name":"bash"},"type":"function"}]},"url":"custom-model-nopath"}
      {"content":[{"type":"text"}],"role":"system"}
      {"content":[{"type":"text"},{"bytes":4,"mime":"image/png","type":"file"}],"role":"user"}
      {"content":null,"role":"assistant","tool_calls":[{"function":{"name":"bash"},"id":"call_1","type":"function"}]}
      {"content":null,"name":"bash","role":"tool","tool_call_id":"call_1"}
      {"content":[{"type":"text"}],"role":"user"}
    {"cost":0.0125,"headers":{},"json":{"choices":[{"finish_reason":"end_turn","index":0,"message":{"content":[{"type":"reasoning"},{"type":"text"}],"role":"assistant"}}],"model":"model-a-0601","object":"chat.completion","usage":{"completion_tokens":34,"completion_tokens_details":{"reasoning_tokens":7},"cost":0.0125,"prompt_tokens":1200,"prompt_tokens_details":{"cache_write_tokens":100,"cached_tokens":1000},"total_tokens":1234}},"status":200}
    "CUSTOM" {"endTime":{"milliseconds":0,"seconds":1795164082},"startTime":{"milliseconds":194,"seconds":1795164081},"timeToFirstToken":85}
    "#);
    let span = span(What::Tool(tool()));
    insta::assert_snapshot!(shown(accepted(&turn, span, Content::MetadataOnly)), @r#"
    Content-Type: application/json
    Helicone-Request-Id: ee28f6de-9ae6-5afa-a9a1-aff4b5b50121
    Helicone-Session-Name: ses_1
    Helicone-Session-Id: ses_1
    Helicone-Session-Path: /opencode/ses_1/msg-1/tool-bash
    Helicone-Property-Agent: build
    Helicone-Property-Message: msg_1
    Helicone-Property-OpenCode-Version: 1.18.33

    {"json":{"_type":"tool","toolName":"bash"},"url":"custom-model-nopath"}
    {"headers":{},"json":{"_type":"tool","exit":0,"status":"success","toolName":"bash"},"status":200}
    "CUSTOM" {"endTime":{"milliseconds":0,"seconds":1795164082},"startTime":{"milliseconds":194,"seconds":1795164081}}
    "#);
}

#[test]
fn metadata_has_no_content() {
    let canary = || "canary".to_owned();
    let parts = || {
        vec![
            Part::Text(canary()),
            Part::Reasoning(canary()),
            Part::Call { id: String::new(), name: "bash".to_owned(), arguments: canary() },
            Part::Result { id: String::new(), name: "bash".to_owned(), text: canary() },
            Part::Other(r#"{"canary":"canary"}"#.to_owned()),
        ]
    };
    let call = ModelSpan {
        attempts: vec![
            attempt(0, Some(503), Some(failure("503", "canary"))),
            attempt(1, Some(400), Some(failure("400", "canary"))),
        ],
        said: Said {
            system: parts(),
            input: vec![Message { role: Role::User, parts: parts() }],
            output: Some(Message { role: Role::Assistant, parts: parts() }),
            settings: vec![("stop".to_owned(), r#"["canary"]"#.to_owned())],
            tools: vec!["bash".to_owned()],
        },
        ..model()
    };
    let called = ToolSpan {
        title: Some(canary()),
        input: r#"{"command":"canary"}"#.to_owned(),
        output: canary(),
        metadata: r#"{"output":"canary"}"#.to_owned(),
        ..tool()
    };
    let session = SessionFacts { directory: Some(canary()), ..session("ses_1", Some("canary")) };
    let turn = Turn { root: session.clone(), session, ..turn() };
    for what in [What::Model(Box::new(call)), What::Tool(called)] {
        let span = Span { failure: Some(failure("400", "canary")), ..span(what) };
        let text_of = |content| shown(accepted(&turn, span.clone(), content));
        assert!(text_of(Content::Full).contains("canary"));
        assert_eq!(text_of(Content::MetadataOnly).matches("canary").count(), 0);
    }
}

/// The log's body, which Helicone must accept, after the call was asked these messages.
fn asked(input: Vec<Message>) -> String {
    let call = ModelSpan { said: Said { input, ..Said::default() }, ..model() };
    let log = log(&turn(), model_span(call), &options(Content::Full)).unwrap();
    assert!(log.body.len() <= MAX_BODY, "{}", log.body.len());
    assert_eq!(check(&log.headers, &log.body), Ok(()));
    String::from_utf8(log.body).unwrap()
}

#[test]
fn what_is_too_large_is_trimmed_and_says_so() {
    let message = |text: String| Message { role: Role::User, parts: vec![Part::Text(text)] };
    // 30 MB, of which the last message is the smallest.
    let mut input = vec![message("a".repeat(1 << 20)); 29];
    input.push(message("What now?".to_owned()));
    let body = asked(input);
    assert!(body.contains("What now?") && body.contains("bytes left out]"));
    assert!(body.len() > MAX_BODY / 2, "as much as can be stays: {}", body.len());

    // As JSON it is six times as long.
    let body = asked(vec![message("\u{1}".repeat(2 << 20))]);
    assert!(body.contains("bytes left out]"));

    // Hardly any text at all.
    let body = asked(vec![message(String::new()); 380_000]);
    assert!(body.contains("messages left out]"));

    let input = Value::from("b".repeat(12 << 20)).to_string();
    let log = log(&turn(), span(What::Tool(ToolSpan { input, ..tool() })), &options(Content::Full));
    let log = log.unwrap();
    assert_eq!(check(&log.headers, &log.body), Ok(()));
}

#[test]
fn a_turn_is_no_log() {
    let mut turn = turn();
    let span = turn.spans.remove(0);
    assert_eq!(log(&turn, span, &options(Content::Full)), None);
}

#[test]
fn what_failed_has_a_status_and_the_error() {
    let of = |failed: Failure| {
        let call = ModelSpan {
            said: Said { output: None, ..model().said },
            finish: None,
            usage: None,
            ..model()
        };
        let span = Span { failure: Some(failed), ..model_span(call) };
        let (headers, body) = accepted(&turn(), span, Content::Full);
        let response = &body["providerResponse"];
        format!(
            "{} {}, {}",
            response["status"],
            response["json"]["error"],
            header(&headers, "Helicone-Property-Error")
        )
    };
    let all = [
        of(failure("400", "messages: too long")),
        of(failure("aborted", "")),
        of(failure("connection", "connection refused")),
        of(failure("99999", "odd")),
    ];
    insta::assert_snapshot!(all.join("\n"), @r#"
    400 {"message":"messages: too long","type":"400"}, 400
    -3 {"message":"aborted","type":"aborted"}, aborted
    500 {"message":"connection refused","type":"connection"}, connection
    500 {"message":"odd","type":"99999"}, 99999
    "#);

    let failed = "File not found: x";
    let tool = ToolSpan { output: failed.to_owned(), status: ToolStatus::Failed, ..tool() };
    let failed = Span { failure: Some(failure("tool_error", failed)), ..span(What::Tool(tool)) };
    let (_, body) = accepted(&turn(), failed, Content::Full);
    insta::assert_snapshot!(body["providerResponse"], @r#"{"headers":{},"json":{"_type":"tool","error":{"message":"File not found: x","type":"tool_error"},"exit":0,"metadata":{"description":"List files"},"status":"error","title":"List files","toolName":"bash"},"status":500}"#);
}

#[test]
fn a_retried_call_is_one_log_that_tells_of_its_attempts() {
    let busy = failure("503", "overloaded");
    let call = ModelSpan {
        attempts: vec![
            attempt(0, Some(503), Some(busy)),
            attempt(1, None, Some(failure("connection", "reset"))),
            attempt(2, Some(200), None),
        ],
        ..model()
    };
    let (headers, body) = accepted(&turn(), model_span(call), Content::Full);
    assert_eq!(header(&headers, "Helicone-Property-Attempts"), "3");
    insta::assert_snapshot!(body["providerResponse"]["json"]["attempts"], @r#"[{"error":{"message":"overloaded","type":"503"},"milliseconds":90,"status":503},{"error":{"message":"reset","type":"connection"},"milliseconds":90,"status":null},{"milliseconds":90,"status":200}]"#);
    assert_eq!(body["providerResponse"]["status"], 200);
}

#[test]
fn a_sub_agent_is_below_its_task_call() {
    let step = |tool: &str, message, child: &str| Step {
        tool: tool.to_owned(),
        message,
        child: child.to_owned(),
    };
    let turn = Turn {
        session: session("ses_3", Some("inner")),
        path: vec![step("task", 1, "ses_2"), step("ta/sk", 3, "ses_3")],
        ..turn()
    };
    let (headers, _) = accepted(&turn, span(What::Tool(tool())), Content::Full);
    let session_of = |name| header(&headers, name);
    assert_eq!(
        session_of("Helicone-Session-Path"),
        "/opencode/ses_1/msg-1/tool-task/ses_2/msg-3/tool-ta%2Fsk/ses_3/msg-1/tool-bash"
    );
    assert_eq!(session_of("Helicone-Session-Id"), "ses_1");
    assert_eq!(session_of("Helicone-Session-Name"), "Na%C3%AFve files");
    assert_eq!(session_of("Helicone-Property-Session"), "ses_3");
}

#[test]
fn the_prefix_is_the_users() {
    let path_with = |prefix: &str| {
        let options = Options { session_path_prefix: prefix.to_owned(), content: Content::Full };
        let log = log(&turn(), model_span(model()), &options).unwrap();
        header(&log.headers, "Helicone-Session-Path").to_owned()
    };
    assert_eq!(path_with(""), "/ses_1/msg-1");
    assert_eq!(path_with("team/my agent/"), "/team/my%20agent/ses_1/msg-1");
}

#[test]
fn the_same_span_is_the_same_log_and_another_has_another_id() {
    let made = || log(&turn(), model_span(model()), &options(Content::Full)).unwrap();
    assert_eq!(made(), made());
    let id = |span: Span| {
        let (headers, _) = accepted(&turn(), span, Content::Full);
        header(&headers, "Helicone-Request-Id").to_owned()
    };
    let other = Span { id: SpanId::of_answer("ses_1", "msg_2"), ..model_span(model()) };
    assert_ne!(id(model_span(model())), id(other));
    insta::assert_snapshot!(id(model_span(model())), @"ee28f6de-9ae6-5afa-a9a1-aff4b5b50121");
}

#[test]
fn json_is_kept_and_what_cannot_be_read_everywhere_is_text() {
    let nested = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    for (input, expected) in [
        (
            r#"{"n": 12345678901234567890, "b": 1, "a": 2}"#,
            Some(r#"{"a":2,"b":1,"n":12345678901234567890}"#),
        ),
        ("{\"cut\": ", None),
        ("", None),
        (r#""\ud800""#, None),
        (&nested, None),
    ] {
        let tool = ToolSpan { input: input.to_owned(), ..tool() };
        let (_, body) = accepted(&turn(), span(What::Tool(tool)), Content::Full);
        let sent = &body["providerRequest"]["json"]["input"];
        match expected {
            Some(json) => assert_eq!(sent.to_string(), json),
            None => assert_eq!(sent, input),
        }
    }
}

/// Any part, with `text` somewhere in all of its text.
fn any_part() -> impl Strategy<Value = Part> {
    let text = any::<String>;
    prop_oneof![
        text().prop_map(Part::Text),
        text().prop_map(Part::Reasoning),
        (text(), text(), text()).prop_map(|(id, name, arguments)| Part::Call {
            id,
            name,
            arguments
        }),
        (text(), text(), text()).prop_map(|(id, name, text)| Part::Result { id, name, text }),
        (text(), any::<u64>()).prop_map(|(mime, bytes)| Part::Media { mime, bytes }),
        text().prop_map(Part::Other),
    ]
}

fn any_message() -> impl Strategy<Value = Message> {
    let role =
        prop_oneof![Just(Role::System), Just(Role::User), Just(Role::Assistant), Just(Role::Tool)];
    (role, prop::collection::vec(any_part(), 0..4))
        .prop_map(|(role, parts)| Message { role, parts })
}

fn any_failure() -> impl Strategy<Value = Option<Failure>> {
    prop::option::of(
        (any::<String>(), any::<String>()).prop_map(|(kind, message)| Failure { kind, message }),
    )
}

fn any_what() -> impl Strategy<Value = What> {
    let said = (
        prop::collection::vec(any_message(), 0..4),
        prop::option::of(any_message()),
        prop::collection::vec((any::<String>(), any::<String>()), 0..3),
        prop::collection::vec(any::<String>(), 0..3),
    )
        .prop_map(|(input, output, settings, tools)| Said {
            system: input.first().map(|first| first.parts.clone()).unwrap_or_default(),
            input,
            output,
            settings,
            tools,
        });
    let call = (said, any::<[Option<String>; 5]>(), any::<f64>(), any::<u64>(), any::<i64>())
        .prop_map(|(said, [message, agent, provider, model, finish], cost, count, after)| {
            What::Model(Box::new(ModelSpan {
                message,
                number: count,
                agent,
                provider,
                model,
                finish,
                usage: Some(Usage { input: count, output: count, ..Usage::default() }),
                cost_usd: Some(cost),
                first_content_after_us: Some(after),
                said,
                ..ModelSpan::default()
            }))
        });
    let tool = (any::<[String; 6]>(), any::<Option<i64>>()).prop_map(
        |([call, tool, message, input, output, metadata], exit)| {
            What::Tool(ToolSpan {
                title: Some(call.clone()),
                call,
                tool,
                message,
                input,
                output,
                metadata,
                exit,
                ..ToolSpan::default()
            })
        },
    );
    prop_oneof![call, tool]
}

proptest! {
    #[test]
    fn whatever_is_recorded_is_accepted(
        what in any_what(),
        failure in any_failure(),
        times in any::<(i64, i64)>(),
        [id, title, child, tool, prefix] in any::<[String; 5]>(),
        is_full in any::<bool>(),
    ) {
        let (started_us, ended_us) = times;
        let span = Span { started_us, ended_us, failure, ..span(what) };
        let turn = Turn {
            root: session(&id, Some(&title)),
            session: session(&child, None),
            path: vec![Step { tool, message: 1, child }],
            ..turn()
        };
        let content = if is_full { Content::Full } else { Content::MetadataOnly };
        let options = Options { session_path_prefix: prefix, content };
        let log = log(&turn, span, &options).unwrap();
        prop_assert_eq!(check(&log.headers, &log.body), Ok(()));
    }
}
