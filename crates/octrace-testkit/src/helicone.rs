//! What Helicone accepts as a log, and what it reads wrongly. Its servers cannot run here, but their source is public:
//! the two validators, the one of its workers (`AsyncLog.ts`) and the stricter one of the server to run oneself
//! (`customTrace.ts`), and what the programs behind them do with a log that they have accepted.

use serde_json::Value;

/// Larger logs are refused.
const MAX_BODY: usize = 10 << 20;

/// Whether a log with these headers, with or without `Authorization`, and this body is accepted and read as it is meant.
///
/// # Errors
/// With what is wrong, in words; of the validators' own messages, literally those.
pub fn check(headers: &[(String, String)], body: &[u8]) -> Result<(), String> {
    let log: Value = serde_json::from_slice(body).map_err(|error| format!("no JSON: {error}"))?;
    worker(&log)?;
    server(&log)?;
    names(headers, &log)?;
    reading(&log)
}

/// `validateAsyncLogModel`, and what is asked before it.
fn worker(log: &Value) -> Result<(), String> {
    // JavaScript counts UTF-16 units, of what it would print itself.
    if log.to_string().encode_utf16().count() > MAX_BODY {
        return Err("Payload too large".to_owned());
    }
    let (request, response) = (&log["providerRequest"], &log["providerResponse"]);
    let timing = &log["timing"];
    if [request, response, timing].iter().any(|part| !is_truthy(part)) {
        return Err(
            "One of the required fields is missing, providerRequest, providerResponse, or timing"
                .into(),
        );
    }
    holds(request["url"].is_string(), "Invalid providerRequest: 'url' should be a string")?;
    holds(is_object(&request["meta"]), "Invalid providerRequest: 'meta' should be an object")?;
    holds(request.get("json").is_some(), "Invalid providerRequest: 'json' is undefined")?;
    holds(response.get("json").is_some(), "Invalid providerResponse: 'json' is undefined")?;
    holds(response["status"].is_number(), "Invalid providerResponse: 'status' should be a number")?;
    let has_headers = is_object(&response["headers"]);
    holds(has_headers, "Invalid providerResponse: 'headers' should be an object")?;
    let start = moment(timing, "startTime")?;
    let end = moment(timing, "endTime")?;
    holds(start <= end, "startTime cannot be greater than endTime")?;
    holds(start >= 0.0, "startTime and endTime cannot be negative")
}

/// A moment in ms since the Unix epoch.
fn moment(timing: &Value, name: &str) -> Result<f64, String> {
    let number = |unit: &str| {
        let number = timing[name][unit].as_f64();
        number.ok_or_else(|| format!("Invalid timing: '{name}.{unit}' should be a number"))
    };
    let moment = number("seconds")? * 1000.0 + number("milliseconds")?;
    // Beyond it, a date of JavaScript's is none.
    holds(moment.abs() <= 8.64e15, "Invalid timing structure or value type")?;
    Ok(moment)
}

/// `validateTypedAsyncLogModel`.
fn server(log: &Value) -> Result<(), String> {
    let (request, response) = (&log["providerRequest"], &log["providerResponse"]);
    let has_url = request["url"].as_str().is_some_and(|url| !url.is_empty());
    holds(has_url, "providerRequest.url: url must be a non-empty string")?;
    let is_real = |value: &Value| value.is_object() || value.is_array();
    holds(is_real(&request["json"]), "providerRequest.json: json must be an object")?;
    holds(is_real(&request["meta"]), "providerRequest.meta: meta must be an object")?;
    holds(response["status"].is_number(), "providerResponse.status: status must be a number")?;
    let says = is_truthy(&response["json"]) || is_truthy(&response["textBody"]);
    holds(says, "providerResponse: either json or textBody is required")?;
    holds(is_real(&response["headers"]), "providerResponse.headers: headers must be an object")?;
    let first = log["timing"].get("timeToFirstToken");
    let is_number = first.is_none_or(Value::is_number);
    holds(is_number, "timing.timeToFirstToken: timeToFirstToken must be a number")
}

/// What a log is found by, which older servers read in the body only.
fn names(headers: &[(String, String)], log: &Value) -> Result<(), String> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    for (name, value) in headers {
        holds(!name.is_empty() && name.chars().all(is_token), &format!("header name {name:?}"))?;
        let is_plain = value.chars().all(|c| c == ' ' || c.is_ascii_graphic());
        let is_trimmed = value.trim() == value;
        holds(is_plain && is_trimmed, &format!("header {name}: {value:?}"))?;
    }
    let header = |wanted: &str| {
        let found = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.as_str()).ok_or_else(|| format!("no header {wanted}"))
    };
    holds(header("Content-Type")? == "application/json", "Content-Type")?;
    holds(is_kept(header("Helicone-Request-Id")?), "Helicone-Request-Id: it would be replaced")?;
    holds(!header("Helicone-Session-Id")?.is_empty(), "Helicone-Session-Id is empty")?;
    holds(!header("Helicone-Session-Name")?.is_empty(), "Helicone-Session-Name is empty")?;
    holds(header("Helicone-Session-Path")?.starts_with('/'), "Helicone-Session-Path")?;
    let ours = |name: &str| name.to_ascii_lowercase().starts_with("helicone-");
    let headers = headers
        .iter()
        .filter(|(name, _)| ours(name) && !name.eq_ignore_ascii_case("helicone-auth"));
    let mut sent: Vec<(String, &str)> =
        headers.map(|(name, value)| (name.to_ascii_lowercase(), value.as_str())).collect();
    let meta = log["providerRequest"]["meta"].as_object().into_iter().flatten();
    let mut told: Vec<(String, &str)> = meta
        .map(|(name, value)| (name.to_ascii_lowercase(), value.as_str().unwrap_or("no string")))
        .collect();
    sent.sort();
    told.sort();
    holds(sent == told, &format!("headers {sent:?} are not those of the body, {told:?}"))
}

/// `getValidUUID`: any other id is replaced by one at random, so that a repeat is another log.
fn is_kept(id: &str) -> bool {
    let groups: Vec<&str> = id.split('-').collect();
    let is_hex = |text: &&str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    lengths == [8, 4, 4, 4, 12]
        && groups.iter().all(is_hex)
        && groups[2].starts_with(['1', '2', '3', '4', '5'])
        && groups[3].starts_with(['8', '9', 'a', 'b', 'A', 'B'])
}

/// What would be accepted, and shown as something else.
fn reading(log: &Value) -> Result<(), String> {
    let (request, response) = (&log["providerRequest"]["json"], &log["providerResponse"]);
    let answer = &response["json"];
    match request["_type"].as_str() {
        Some("tool") => {
            holds(request["toolName"].is_string(), "a tool without toolName")?;
            holds(answer["_type"] == "tool", "a tool's response that is none")?;
            holds(answer["toolName"] == request["toolName"], "two names of one tool")?;
        }
        Some(other) => return Err(format!("unknown _type {other:?}")),
        None => {
            let model = request["model"].as_str().is_some_and(|model| !model.is_empty());
            holds(model, "a call of no model")?;
            holds(request["messages"].is_array(), "messages is no array")?;
            for message in request["messages"].as_array().into_iter().flatten() {
                holds(message["role"].is_string(), "a message without a role")?;
            }
            let is_assistant = request.get("metadata").or_else(|| answer.get("metadata")).is_some();
            holds(!is_assistant, "metadata makes it a call of OpenAI's assistants")?;
            let is_streamed = is_truthy(&request["stream"]) && !is_truthy(&response["textBody"]);
            holds(!is_streamed, "tokens of a stream are looked for in a stream only")?;
            // Whatever else is asked of it, it is read as OpenAI's chat.
            holds(log["provider"] == "CUSTOM", "another provider's dialect is expected")?;
        }
    }
    let is_error = response["status"].as_i64().is_none_or(|status| !(200..300).contains(&status));
    holds(is_error == answer.get("error").is_some(), "status and error disagree")
}

fn holds(is_so: bool, problem: &str) -> Result<(), String> {
    if is_so { Ok(()) } else { Err(problem.to_owned()) }
}

/// As JavaScript's `typeof` has it.
fn is_object(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(is_so) => *is_so,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "22222222-2222-4333-8444-555555555556";

    fn headers() -> Vec<(String, String)> {
        [
            ("content-type", "application/json"),
            ("helicone-request-id", ID),
            ("helicone-session-id", "ses_1"),
            ("helicone-session-path", "/turn-1/chat"),
            ("helicone-session-name", "demo"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    fn log() -> Value {
        json!({
            "providerRequest": {
                "url": "custom-model-nopath",
                "json": { "model": "m1", "messages": [{ "role": "user", "content": "hi" }] },
                "meta": {
                    "Helicone-Request-Id": ID,
                    "Helicone-Session-Id": "ses_1",
                    "Helicone-Session-Path": "/turn-1/chat",
                    "Helicone-Session-Name": "demo",
                },
            },
            "providerResponse": { "headers": {}, "status": 200, "json": { "choices": [] } },
            "timing": {
                "startTime": { "seconds": 1_795_164_081, "milliseconds": 194 },
                "endTime": { "seconds": 1_795_164_081, "milliseconds": 194 },
                "timeToFirstToken": 0,
            },
            "provider": "CUSTOM",
        })
    }

    fn with(pointer: &str, value: Value) -> Result<(), String> {
        let mut log = log();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = log.pointer_mut(parent).unwrap();
        match parent.as_array_mut() {
            Some(array) => array[0] = value,
            None => parent[name] = value,
        }
        check(&headers(), log.to_string().as_bytes())
    }

    #[test]
    fn what_breaks_a_rule_is_refused() {
        assert_eq!(check(&headers(), log().to_string().as_bytes()), Ok(()));
        assert!(check(&headers(), b"{").is_err());
        let broken = [
            ("/timing", json!(null), "timing"),
            ("/providerRequest/url", json!(1), "'url' should be a string"),
            ("/providerRequest/url", json!(""), "non-empty"),
            ("/providerRequest/meta", json!("x"), "'meta' should be an object"),
            ("/providerRequest/json", json!("x"), "json must be an object"),
            ("/providerRequest/json/messages", json!({}), "no array"),
            ("/providerRequest/json/messages/0", json!({}), "without a role"),
            ("/providerRequest/json/metadata", json!({}), "assistants"),
            ("/providerRequest/json/stream", json!(true), "stream"),
            ("/providerRequest/json/_type", json!("tool"), "toolName"),
            ("/providerRequest/meta/Helicone-Session-Id", json!("ses_2"), "not those of the body"),
            ("/providerResponse/status", json!("200"), "'status' should be a number"),
            ("/providerResponse/status", json!(500), "disagree"),
            ("/providerResponse/headers", json!(null), "'headers' should be an object"),
            ("/timing/startTime/seconds", json!(1_795_164_082), "greater than endTime"),
            ("/timing/startTime/seconds", json!(-1), "negative"),
            ("/timing/endTime/milliseconds", json!("194"), "endTime.milliseconds"),
            ("/timing/endTime/seconds", json!(1e15), "Invalid timing structure"),
            ("/timing/timeToFirstToken", json!("0"), "timeToFirstToken must be a number"),
            ("/provider", json!("ANTHROPIC"), "dialect"),
            ("/providerRequest/json/messages/0/content", json!("x".repeat(MAX_BODY)), "too large"),
        ];
        for (pointer, value, expected) in broken {
            let problem = with(pointer, value).expect_err(pointer);
            assert!(problem.contains(expected), "{pointer}: {problem}");
        }
    }

    #[test]
    fn headers_are_plain_and_the_id_is_one_that_is_kept() {
        let refused = |at: usize, value: &str| {
            let mut headers = headers();
            headers[at].1 = value.to_owned();
            let mut log = log();
            let meta = &mut log["providerRequest"]["meta"];
            meta["Helicone-Request-Id"] = headers[1].1.as_str().into();
            meta["Helicone-Session-Name"] = headers[4].1.as_str().into();
            check(&headers, log.to_string().as_bytes()).is_err()
        };
        assert!(!refused(4, "another demo"));
        assert!(refused(4, "two\nlines") && refused(4, "café") && refused(4, ""));
        assert!(!refused(1, "22222222-2222-5333-8444-555555555556"));
        assert!(refused(1, "22222222-2222-8333-8444-555555555556"), "no version that is kept");
        assert!(refused(1, "0123456789abcdef"));
    }
}
