//! A user's turn with everything in it: a title, a call that needed two attempts, a tool that failed, and a sub-agent whose
//! call failed.

use octrace_core::{
    exchange::Purpose,
    provider::{Dialect, Usage},
    session::ToolStatus,
    trace::{
        Attempt, Failure, Message, ModelSpan, Part, Role, Said, SessionFacts, Span, Step, ToolSpan,
        Turn, TurnSpan, What,
        id::{SpanId, TraceId},
    },
};

const ROOT: &str = "ses_root";
const CHILD: &str = "ses_child";

/// µs.
fn ms(at: i64) -> i64 {
    at * 1000
}

fn text(role: Role, text: &str) -> Message {
    Message { role, parts: vec![Part::Text(text.to_owned())] }
}

fn failure(kind: &str, message: &str) -> Option<Failure> {
    Some(Failure { kind: kind.to_owned(), message: message.to_owned() })
}

fn facts(id: &str, title: &str) -> SessionFacts {
    SessionFacts {
        id: id.to_owned(),
        title: Some(title.to_owned()),
        directory: Some("/home/me/secret-project".to_owned()),
        version: Some("1.18.33".to_owned()),
    }
}

fn usage() -> Option<Usage> {
    Some(Usage { input: 1200, output: 34, reasoning: 7, cache_read: 1000, cache_write: 100 })
}

fn model(message: &str, number: u64) -> ModelSpan {
    ModelSpan {
        message: Some(message.to_owned()),
        number,
        agent: Some("build".to_owned()),
        provider: Some("mock".to_owned()),
        model: Some("m1".to_owned()),
        answered_by: Some("m1-2026".to_owned()),
        dialect: Dialect::OpenaiChat,
        server: Some(("model.example".to_owned(), Some(8443))),
        stream: Some(true),
        ..ModelSpan::default()
    }
}

fn attempt(exchange: i64, from: i64, to: i64, status: u16) -> Attempt {
    Attempt {
        exchange,
        started_us: ms(from),
        ended_us: ms(to),
        status: Some(status),
        failure: None,
    }
}

fn span(id: SpanId, parent: Option<SpanId>, from: i64, to: i64, what: What) -> Span {
    let (started_us, ended_us) = (ms(from), ms(to));
    Span { id, parent, started_us, ended_us, failure: None, what }
}

/// The user's turn.
pub(super) fn root() -> Turn {
    let turn = SpanId::of_turn(ROOT, "msg_1");
    let system = vec![Part::Text("You are OpenCode.".to_owned())];
    let prompt = text(Role::User, "fix it\nplease");
    let asks = Message {
        role: Role::Assistant,
        parts: vec![
            Part::Reasoning("Hm.".to_owned()),
            Part::Text("Let me look.".to_owned()),
            Part::Call {
                id: "call_1".to_owned(),
                name: "read".to_owned(),
                arguments: r#"{"filePath":"a.txt"}"#.to_owned(),
            },
            Part::Call {
                id: "call_2".to_owned(),
                name: "task".to_owned(),
                arguments: "no JSON".to_owned(),
            },
        ],
    };
    let results = Message {
        role: Role::User,
        parts: vec![
            Part::Result {
                id: "call_1".to_owned(),
                name: String::new(),
                text: "File not found".to_owned(),
            },
            Part::Result {
                id: "call_2".to_owned(),
                name: "task".to_owned(),
                text: "nothing".to_owned(),
            },
            Part::Media { mime: "image/png".to_owned(), bytes: 2048 },
            Part::Other(r#"{"type":"odd"}"#.to_owned()),
        ],
    };
    let what = TurnSpan {
        message: "msg_1".to_owned(),
        agent: Some("build".to_owned()),
        prompt: "fix it\nplease".to_owned(),
        reply: "Done.".to_owned(),
        usage: usage().unwrap(),
        cost_usd: Some(0.5),
    };
    let title = ModelSpan {
        purpose: Purpose::Title,
        message: None,
        agent: Some("title".to_owned()),
        attempts: vec![attempt(1, 1010, 1020, 200)],
        ..model("", 0)
    };
    let mut first = attempt(2, 1100, 1200, 503);
    first.failure = failure("503", "overloaded");
    let retried = ModelSpan {
        attempts: vec![first, attempt(3, 1700, 2000, 200)],
        usage: usage(),
        cost_usd: Some(0.00141),
        finish: Some("tool_calls".to_owned()),
        first_content_after_us: Some(ms(85)),
        said: Said {
            system: system.clone(),
            input: vec![prompt.clone()],
            output: Some(asks.clone()),
            settings: [
                ("max_tokens", "32000"),
                ("stop", r#"["END"]"#),
                ("temperature", "0.5"),
                ("tool_choice", r#""auto""#),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
            tools: vec!["read".to_owned(), "task".to_owned()],
        },
        ..model("msg_2", 1)
    };
    let read = ToolSpan {
        call: "call_1".to_owned(),
        tool: "read".to_owned(),
        message: "msg_2".to_owned(),
        number: 1,
        input: r#"{"filePath":"a.txt"}"#.to_owned(),
        output: "File not found".to_owned(),
        status: ToolStatus::Failed,
        ..ToolSpan::default()
    };
    let task = ToolSpan {
        call: "call_2".to_owned(),
        tool: "task".to_owned(),
        message: "msg_2".to_owned(),
        number: 1,
        title: Some("look for it".to_owned()),
        input: r#"{"prompt":"look"}"#.to_owned(),
        output: "nothing".to_owned(),
        metadata: r#"{"sessionId":"ses_child"}"#.to_owned(),
        status: ToolStatus::Completed,
        exit: Some(0),
        child: Some(CHILD.to_owned()),
    };
    let last = ModelSpan {
        attempts: vec![attempt(5, 4000, 4100, 200)],
        usage: Some(Usage { input: 50, output: 5, ..Usage::default() }),
        finish: Some("stop".to_owned()),
        said: Said {
            system,
            input: vec![prompt, asks, results],
            output: Some(text(Role::Assistant, "Done.")),
            ..Said::default()
        },
        ..model("msg_3", 2)
    };
    let meta = SpanId::of_meta(ROOT, "msg_1", "title", 0);
    let mut failed =
        span(SpanId::of_tool(ROOT, "msg_2", "call_1"), Some(turn), 2010, 2020, What::Tool(read));
    failed.failure = failure("tool_error", "File not found");
    let model_call =
        |id, from, to, what| span(id, Some(turn), from, to, What::Model(Box::new(what)));
    let spans = vec![
        span(turn, None, 1000, 4200, What::Turn(what)),
        model_call(meta, 1010, 1020, title),
        model_call(SpanId::of_answer(ROOT, "msg_2"), 1100, 2000, retried),
        failed,
        span(SpanId::of_tool(ROOT, "msg_2", "call_2"), Some(turn), 2030, 3900, What::Tool(task)),
        model_call(SpanId::of_answer(ROOT, "msg_3"), 4000, 4100, last),
    ];
    let session = facts(ROOT, "Fixing it");
    Turn {
        trace: TraceId::of_turn(ROOT, "msg_1"),
        root: session.clone(),
        session,
        path: Vec::new(),
        spans,
    }
}

/// The sub-agent's turn in it.
pub(super) fn child() -> Turn {
    let turn = SpanId::of_turn(CHILD, "msg_4");
    let task = SpanId::of_tool(ROOT, "msg_2", "call_2");
    let what = TurnSpan {
        message: "msg_4".to_owned(),
        agent: Some("general".to_owned()),
        prompt: "look".to_owned(),
        ..TurnSpan::default()
    };
    let no = failure("400", "no such model");
    let mut only = attempt(4, 2110, 2150, 400);
    only.failure.clone_from(&no);
    let call = ModelSpan {
        agent: Some("general".to_owned()),
        attempts: vec![only],
        answered_by: None,
        said: Said { input: vec![text(Role::User, "look")], ..Said::default() },
        ..model("msg_5", 1)
    };
    let answer = SpanId::of_answer(CHILD, "msg_5");
    let mut spans = vec![
        span(turn, Some(task), 2100, 2200, What::Turn(what)),
        span(answer, Some(turn), 2110, 2150, What::Model(Box::new(call))),
    ];
    for span in &mut spans {
        span.failure.clone_from(&no);
    }
    Turn {
        trace: TraceId::of_turn(ROOT, "msg_1"),
        session: facts(CHILD, "Looking"),
        root: facts(ROOT, "Fixing it"),
        path: vec![Step { tool: "task".to_owned(), message: 1, child: CHILD.to_owned() }],
        spans,
    }
}
