//! Long histories, for those who read files of them.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::sources::Sources;

/// About so many bytes has an exchange.
const EXCHANGE: (usize, usize) = (8_000, 9_500);

/// Writes a JSONL file of at least so many `bytes`, about 10 kB for each exchange, as opencode-api-tracer would have
/// written it: a request that brings a tool's result, and a streamed answer. `sessions` of them follow each other.
/// Says how many exchanges that are.
///
/// # Errors
/// When `out` fails.
pub fn write_history(out: &mut impl Write, bytes: u64, sessions: u64) -> io::Result<u64> {
    let mut sources = Sources::new(11);
    let mut at_ms = 0;
    let mut written = 0;
    let mut exchanges = 0;
    let system = sources.prose(300, 400);
    while written < bytes {
        let session = format!("ses_{:04}", written / (bytes / sessions.max(1)).max(1));
        exchanges += 1;
        let file = sources.file(EXCHANGE.0, EXCHANGE.1);
        let said = sources.prose(60, 300);
        let call = format!("toolu_{exchanges}");
        let result = json!([{"type": "tool_result", "tool_use_id": format!("toolu_{}", exchanges - 1), "content": file.numbered}]);
        let prompt = (exchanges % 10 == 1).then(|| sources.prose(40, 120));
        let last = prompt.map_or(result, Value::from);
        let body = json!({"model": "claude-sonnet-4-5", "max_tokens": 32_000, "system": system,
            "messages": [
                {"role": "user", "content": "Look at it"},
                {"role": "assistant", "content": said},
                {"role": "user", "content": last}],
            "tools": [{"name": "read"}], "stream": true});
        let events = [
            json!({"type": "message_start", "message": {"model": "claude-sonnet-4-5", "usage": {"input_tokens": 2_000, "output_tokens": 1}}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": said}}),
            json!({"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": call, "name": "read", "input": {}}}),
            json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": json!({"filePath": file.path}).to_string()}}),
            json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 90}}),
            json!({"type": "message_stop"}),
        ];
        let events: Vec<_> =
            events.iter().map(|data| json!({"event": data["type"], "data": data})).collect();
        let mut line = |kind: &str, more: [(&str, Value); 2]| {
            let mut line = json!({"kind": kind, "id": exchanges, "timestamp": timestamp(at_ms), "sessionID": session,
                "method": "POST", "url": "https://api.anthropic.com/v1/messages", "headers": {}});
            for (name, value) in more {
                line[name] = value;
            }
            at_ms += 1_500;
            let line = format!("{line}\n");
            written += line.len() as u64;
            out.write_all(line.as_bytes())
        };
        line("request", [("body", body), ("cut", false.into())])?;
        line("response", [("body", json!({ "events": events })), ("status", 200.into())])?;
    }
    Ok(exchanges)
}

/// So long after the history's beginning; it has a year at most.
fn timestamp(ms: u64) -> String {
    let (seconds, days) = (ms / 1000 % 60, ms / 86_400_000);
    let (hours, minutes) = (ms / 3_600_000 % 24, ms / 60_000 % 60);
    let (month, day) = (1 + days / 28 % 12, 1 + days % 28);
    format!("2026-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{:03}Z", ms % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_as_long_as_is_wanted() {
        let mut file = Vec::new();
        let exchanges = write_history(&mut file, 500_000, 4).unwrap();
        assert!((500_000..520_000).contains(&file.len()), "{}", file.len());
        assert!((35..60).contains(&exchanges), "{exchanges}");
        let lines: Vec<Value> = String::from_utf8(file)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len() as u64, 2 * exchanges);
        assert_eq!(lines.last().unwrap()["sessionID"], "ses_0003");
        assert_eq!(lines[0]["body"]["messages"].as_array().unwrap().len(), 3);
    }
}
