//! The body of a log: what was asked, what came of it, and when.
//!
//! What Helicone's programs do decides what is *not* in it. Where a request has `stream: true` they look for a stream in
//! the response and count no tokens in anything else; `metadata` in a request or response is taken for the mark of
//! OpenAI's assistants; and a provider of theirs is asked for in that provider's dialect. So all calls are `CUSTOM`.

use std::{collections::BTreeMap, io};

use octrace_core::{
    provider::Usage,
    trace::{Attempt, Content, Failure, ModelSpan, Role, Span, ToolSpan, What},
};
use serde::{Serialize, Serializer, ser::SerializeMap};

use super::{
    MAX_BODY,
    chat::{Chat, Json, chats},
};

/// The latest moment that JavaScript knows, in µs.
const LATEST_US: i64 = 8_640_000_000_000_000_000;

/// So often texts are cut; with what is still too large, they are not to blame.
const MOST_TRIMS: u32 = 4;

/// So often something is cut at all.
const MOST_CUTS: u32 = 32;

/// Settings that Helicone takes for something else.
const NO_SETTINGS: [&str; 6] = ["_type", "messages", "metadata", "model", "stream", "tools"];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    provider_request: Request<'a>,
    provider_response: Response<'a>,
    timing: Timing,
    provider: &'static str,
}

#[derive(Serialize)]
struct Request<'a> {
    url: &'static str,
    json: Asked<'a>,
    meta: BTreeMap<&'a str, &'a str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Asked<'a> {
    Model {
        model: &'a str,
        messages: Vec<Chat<'a>>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tools: Vec<Tool<'a>>,
        #[serde(flatten)]
        settings: Settings<'a>,
    },
    #[serde(rename_all = "camelCase")]
    Tool {
        #[serde(rename = "_type")]
        kind: &'static str,
        tool_name: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        input: Option<Json<'a>>,
    },
}

#[derive(Serialize)]
struct Tool<'a> {
    r#type: &'static str,
    function: ToolName<'a>,
}

#[derive(Serialize)]
struct ToolName<'a> {
    name: &'a str,
}

struct Settings<'a>(&'a [(String, String)]);

impl Serialize for Settings<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, json) in self.0.iter().filter(|(name, _)| !NO_SETTINGS.contains(&&**name)) {
            map.serialize_entry(name, &Json::of(json))?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct Response<'a> {
    headers: BTreeMap<&'a str, &'a str>,
    status: i32,
    json: Answered<'a>,
    /// In dollars: newer servers take it for what the call cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<f64>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Answered<'a> {
    Model {
        object: &'static str,
        model: &'a str,
        choices: Vec<Choice<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        usage: Option<Tokens>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<Error<'a>>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        attempts: Vec<Tried<'a>>,
    },
    #[serde(rename_all = "camelCase")]
    Tool {
        #[serde(rename = "_type")]
        kind: &'static str,
        tool_name: &'a str,
        status: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        result: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<Error<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        exit: Option<i64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        metadata: Option<Json<'a>>,
    },
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u8,
    message: Option<Chat<'a>>,
    finish_reason: Option<&'a str>,
}

#[derive(Serialize)]
struct Tokens {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: InputTokens,
    completion_tokens_details: OutputTokens,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<f64>,
}

#[derive(Serialize)]
struct InputTokens {
    cached_tokens: u64,
    cache_write_tokens: u64,
}

#[derive(Serialize)]
struct OutputTokens {
    reasoning_tokens: u64,
}

#[derive(Serialize)]
struct Error<'a> {
    r#type: &'a str,
    message: &'a str,
}

/// One of several attempts.
#[derive(Serialize)]
struct Tried<'a> {
    milliseconds: i64,
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Error<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Timing {
    start_time: Moment,
    end_time: Moment,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_to_first_token: Option<i64>,
}

#[derive(Serialize)]
struct Moment {
    seconds: i64,
    milliseconds: i64,
}

/// The body of a span's log, with these `Helicone-…` headers; `None` of a turn. What is too large for Helicone is
/// trimmed: texts first, and where there are too many messages for that, the oldest ones go.
pub(super) fn fitting(
    span: &mut Span,
    pairs: &[(String, String)],
    content: Content,
) -> Option<Vec<u8>> {
    let mut texts = MAX_BODY / 16 * 15;
    for round in 0.. {
        let body = body(span, pairs, content)?;
        let size = size(&body);
        // What does not fit even so is for Helicone to refuse.
        if size <= MAX_BODY || round == MOST_CUTS {
            return serde_json::to_vec(&body).ok();
        }
        drop(body);
        if round < MOST_TRIMS {
            if round > 0 {
                texts = texts / size.div_ceil(MAX_BODY / 16) * 15;
            }
            // As JSON, texts may be several times as long.
            while !span.trim(texts) && texts > 0 {
                texts = texts / 8 * 7;
            }
        } else if let What::Model(call) = &mut span.what {
            // The older half of the conversation.
            call.said.leave_out(call.said.input.len() / 2);
        }
    }
    None
}

fn body<'a>(span: &'a Span, pairs: &'a [(String, String)], content: Content) -> Option<Body<'a>> {
    let failure = span.failure.as_ref();
    let (json, answered, cost, first) = match &span.what {
        What::Turn(_) => return None,
        What::Model(call) => {
            let first = call.first_content_after_us.map(|after| after.max(0) / 1000);
            (asked(call, content), answered(call, failure, content), cost(call), first)
        }
        What::Tool(call) => (called(call, content), gave(call, failure, content), None, None),
    };
    let meta = pairs.iter().map(|(name, value)| (&**name, &**value)).collect();
    let started_us = span.started_us.clamp(0, LATEST_US);
    let ended_us = span.ended_us.clamp(started_us, LATEST_US);
    Some(Body {
        provider_request: Request { url: "custom-model-nopath", json, meta },
        provider_response: Response {
            headers: BTreeMap::new(),
            status: failure.map_or(200, status),
            json: answered,
            cost,
        },
        timing: Timing {
            start_time: Moment::at(started_us),
            end_time: Moment::at(ended_us),
            time_to_first_token: first,
        },
        provider: "CUSTOM",
    })
}

fn asked(call: &ModelSpan, content: Content) -> Asked<'_> {
    let said = &call.said;
    let system = (!said.system.is_empty()).then(|| chats(Role::System, &said.system, content));
    let input = said.input.iter().flat_map(|said| chats(said.role, &said.parts, content));
    let tool = |name| Tool { r#type: "function", function: ToolName { name } };
    Asked::Model {
        model: model(call),
        messages: system.into_iter().flatten().chain(input).collect(),
        tools: said.tools.iter().map(|name| tool(name)).collect(),
        settings: Settings(&said.settings),
    }
}

fn answered<'a>(
    call: &'a ModelSpan,
    failure: Option<&'a Failure>,
    content: Content,
) -> Answered<'a> {
    let output = call.said.output.as_ref();
    let message = output.and_then(|said| chats(Role::Assistant, &said.parts, content).pop());
    let finish_reason = call.finish.as_deref();
    let choices = (message.is_some() || finish_reason.is_some()).then_some(Choice {
        index: 0,
        message,
        finish_reason,
    });
    let attempts = if call.attempts.len() > 1 { call.attempts.as_slice() } else { &[] };
    Answered::Model {
        object: "chat.completion",
        model: call.answered_by.as_deref().unwrap_or(model(call)),
        choices: choices.into_iter().collect(),
        usage: call.usage.map(|usage| tokens(usage, cost(call))),
        error: failure.map(|failure| error(failure, content)),
        attempts: attempts.iter().map(|attempt| tried(attempt, content)).collect(),
    }
}

fn called(call: &ToolSpan, content: Content) -> Asked<'_> {
    Asked::Tool {
        kind: "tool",
        tool_name: &call.tool,
        input: (content == Content::Full).then(|| Json::of(&call.input)),
    }
}

fn gave<'a>(call: &'a ToolSpan, failure: Option<&'a Failure>, content: Content) -> Answered<'a> {
    let is_full = content == Content::Full;
    let is_result = failure.is_none_or(|failure| failure.message != call.output);
    let has_metadata = is_full && !call.metadata.is_empty();
    Answered::Tool {
        kind: "tool",
        tool_name: &call.tool,
        status: if failure.is_some() { "error" } else { "success" },
        result: (is_full && is_result).then_some(&call.output),
        error: failure.map(|failure| error(failure, content)),
        exit: call.exit,
        title: call.title.as_deref().filter(|_| is_full),
        metadata: has_metadata.then(|| Json::of(&call.metadata)),
    }
}

/// Helicone has nothing to go by without one.
fn model(call: &ModelSpan) -> &str {
    let names = [&call.model, &call.answered_by];
    names.into_iter().flatten().find(|name| !name.is_empty()).map_or("unknown", String::as_str)
}

fn cost(call: &ModelSpan) -> Option<f64> {
    call.cost_usd.filter(|cost| cost.is_finite())
}

fn tokens(usage: Usage, cost: Option<f64>) -> Tokens {
    let Usage { input, output, reasoning, cache_read, cache_write } = usage;
    Tokens {
        prompt_tokens: input,
        completion_tokens: output,
        total_tokens: input.saturating_add(output),
        prompt_tokens_details: InputTokens {
            cached_tokens: cache_read,
            cache_write_tokens: cache_write,
        },
        completion_tokens_details: OutputTokens { reasoning_tokens: reasoning },
        cost,
    }
}

fn error(failure: &Failure, content: Content) -> Error<'_> {
    let Failure { kind, message } = failure;
    let is_told = content == Content::Full && !message.is_empty();
    Error { r#type: kind, message: if is_told { message } else { kind } }
}

fn tried(attempt: &Attempt, content: Content) -> Tried<'_> {
    let took_us = attempt.ended_us.saturating_sub(attempt.started_us).max(0);
    Tried {
        milliseconds: took_us / 1000,
        status: attempt.status,
        error: attempt.failure.as_ref().map(|failure| error(failure, content)),
    }
}

/// The HTTP status of what failed; as Helicone's own SDK has it, -3 is what was cancelled, and 500 what had no status.
fn status(failure: &Failure) -> i32 {
    match failure.kind.as_str() {
        "aborted" => -3,
        kind => kind.parse().ok().filter(|status| (400..600).contains(status)).unwrap_or(500),
    }
}

impl Moment {
    fn at(us: i64) -> Self {
        Self { seconds: us / 1_000_000, milliseconds: us / 1000 % 1000 }
    }
}

/// How many bytes it is as JSON.
fn size(body: &Body<'_>) -> usize {
    struct Count(usize);
    impl io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // Counting never fails, and all keys are strings.
    serde_json::to_writer(&mut count, body).ok();
    count.0
}
