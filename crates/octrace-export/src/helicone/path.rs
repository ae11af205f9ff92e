//! What Helicone finds a log by: the session that it groups logs into, the path that it makes a tree of, an id, and
//! properties to filter by. Older servers read them in the body only, newer ones in both; so both have the same.
//!
//! Values are ASCII: what is not is percent-encoded. Helicone makes HTTP headers of what the body has, too, and
//! outside Cloudflare refuses the whole log where that fails.

use octrace_core::{
    trace::{Content, ModelSpan, Span, Step, Turn, What, id::SpanId},
    uuid,
};

use super::Options;

/// The longest value for people, in bytes.
const MAX_VALUE: usize = 256;

/// The longest piece of a path, in bytes.
const MAX_SEGMENT: usize = 128;

/// The `Helicone-…` headers of a span's log.
pub(super) fn pairs(turn: &Turn, span: &Span, options: &Options) -> Vec<(String, String)> {
    let root = &turn.root;
    let id = segment(&root.id);
    let title = root.title.as_deref().filter(|_| options.content == Content::Full);
    let name = title.map(value).filter(|title| !title.is_empty());
    let mut pairs = vec![
        ("Helicone-Request-Id".to_owned(), request_id(span.id)),
        ("Helicone-Session-Name".to_owned(), name.unwrap_or_else(|| id.clone())),
        ("Helicone-Session-Id".to_owned(), id),
        ("Helicone-Session-Path".to_owned(), path(turn, span, &options.session_path_prefix)),
    ];
    let mut property = |name: &str, text: &str| {
        let text = value(text);
        if !text.is_empty() {
            pairs.push((format!("Helicone-Property-{name}"), text));
        }
    };
    let agent_of_turn = turn.spans.iter().find_map(|span| match &span.what {
        What::Turn(turn) => turn.agent.as_deref(),
        What::Model(_) | What::Tool(_) => None,
    });
    match &span.what {
        What::Turn(_) => {}
        What::Model(call) => {
            let ModelSpan { purpose, message, agent, provider, attempts, .. } = &**call;
            property("Agent", agent.as_deref().or(agent_of_turn).unwrap_or_default());
            property("Purpose", purpose.as_str());
            property("Provider", provider.as_deref().unwrap_or_default());
            property("Message", message.as_deref().unwrap_or_default());
            if attempts.len() > 1 {
                property("Attempts", &attempts.len().to_string());
            }
        }
        What::Tool(call) => {
            property("Agent", agent_of_turn.unwrap_or_default());
            property("Message", &call.message);
        }
    }
    if turn.session.id != root.id {
        property("Session", &turn.session.id);
    }
    property("OpenCode-Version", turn.session.version.as_deref().unwrap_or_default());
    property("Error", span.failure.as_ref().map_or("", |failure| &failure.kind));
    pairs
}

/// Helicone gives a log whose id is no UUID of versions 1 to 5 a random one, so that a repeat would be another log. Ours
/// says that it is of version 5, by name, though from another hash than that asks for.
fn request_id(span: SpanId) -> String {
    let mut id = uuid::version_8("helicone", &[&span.to_string()]);
    id.replace_range(14..15, "5");
    id
}

/// `/opencode/<session>/msg-1/tool-bash`; of a sub-agent's, below the path of its `task` call.
fn path(turn: &Turn, span: &Span, prefix: &str) -> String {
    let mut path = String::new();
    let mut push = |text: &str| {
        path.push('/');
        path.push_str(&segment(text));
    };
    prefix.split('/').filter(|part| !part.is_empty()).for_each(&mut push);
    let first = if turn.path.is_empty() { &turn.session.id } else { &turn.root.id };
    push(first);
    for Step { tool, message, child } in &turn.path {
        push(&format!("msg-{message}"));
        push(&format!("tool-{tool}"));
        push(child);
    }
    match &span.what {
        What::Turn(_) => {}
        What::Model(call) => push(&format!("msg-{}", call.number)),
        What::Tool(call) => {
            push(&format!("msg-{}", call.number));
            push(&format!("tool-{}", call.tool));
        }
    }
    path
}

/// Text as one piece of a path: nothing in it can be taken for another one.
fn segment(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.~".contains(c);
    let text = encoded(text, MAX_SEGMENT, is_plain);
    if text.is_empty() { "unknown".to_owned() } else { text }
}

/// Text as a header's value, on one line.
fn value(text: &str) -> String {
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || c.is_control()).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let text = encoded(&words.join(" "), MAX_VALUE, |c| c == ' ' || c.is_ascii_graphic());
    text.trim_end().to_owned()
}

/// What is not plain is percent-encoded, and what is longer than `max` bytes is cut after a whole character.
fn encoded(text: &str, max: usize, is_plain: impl Fn(char) -> bool) -> String {
    let mut encoded = String::new();
    for c in text.chars() {
        let before = encoded.len();
        if is_plain(c) {
            encoded.push(c);
        } else {
            let mut bytes = [0; 4];
            let bytes = c.encode_utf8(&mut bytes).bytes();
            encoded.extend(bytes.map(|byte| format!("%{byte:02X}")));
        }
        if encoded.len() > max {
            encoded.truncate(before);
            break;
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_ascii_on_one_line() {
        assert_eq!(value(" Fix\r\nthe\tbug: 100% \u{7f} "), "Fix the bug: 100%");
        assert_eq!(value("café"), "caf%C3%A9");
        assert_eq!(value(&"é".repeat(1000)).len(), 252, "no half character");
        assert_eq!(segment("../a b"), "..%2Fa%20b");
        assert_eq!(segment(""), "unknown");
        assert_eq!(segment(&"x".repeat(1000)).len(), MAX_SEGMENT);
    }
}
