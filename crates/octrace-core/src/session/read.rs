//! Picks fields out of OpenCode's JSON. It changes from version to version, so a field that is absent
//! or of another type is nothing, never an error.

use serde_json::Value;

use crate::provider::Usage;

/// What stands at `pointer`, which names members of objects: `/part/state`. [`Value::pointer`] copies each name.
pub(crate) fn at<'a>(value: &'a Value, pointer: &str) -> Option<&'a Value> {
    pointer.split('/').skip(1).try_fold(value, |value, name| value.as_object()?.get(name))
}

/// The string at `pointer`, unless it is empty.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    at(value, pointer)?.as_str().filter(|text| !text.is_empty())
}

/// Whether `true` stands at `pointer`.
pub(crate) fn flag(value: &Value, pointer: &str) -> bool {
    at(value, pointer) == Some(&Value::Bool(true))
}

/// The time at `pointer`: OpenCode's milliseconds as microseconds since the Unix epoch.
pub(crate) fn micros(value: &Value, pointer: &str) -> Option<i64> {
    let millis = at(value, pointer)?;
    // `as` saturates, and a number that is not a time is still a number.
    let millis = millis.as_i64().or_else(|| millis.as_f64().map(|float| float as i64))?;
    Some(millis.saturating_mul(1000))
}

/// OpenCode's error object as `Name: message`.
pub(crate) fn error(value: &Value) -> Option<String> {
    let message = text(value, "/data/message").or_else(|| text(value, "/message"));
    match (text(value, "/name"), message) {
        (Some(name), Some(message)) => Some(format!("{name}: {message}")),
        (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
        (None, None) => value.as_str().filter(|text| !text.is_empty()).map(str::to_owned),
    }
}

/// OpenCode's token object. It counts cached input and reasoning beside input and output;
/// [`Usage`] counts them in.
pub(crate) fn tokens(value: &Value) -> Option<Usage> {
    let count = |pointer| at(value, pointer).and_then(Value::as_u64).unwrap_or(0);
    let (cache_read, cache_write) = (count("/cache/read"), count("/cache/write"));
    let reasoning = count("/reasoning");
    let usage = Usage {
        input: count("/input").saturating_add(cache_read).saturating_add(cache_write),
        output: count("/output").saturating_add(reasoning),
        reasoning,
        cache_read,
        cache_write,
    };
    (usage != Usage::default()).then_some(usage)
}

/// The longest that a tool's subject becomes, in characters: a line, not a payload.
const SUBJECT: usize = 400;

/// What a tool call is about, in one line: the argument that tells most.
pub fn subject(tool: &str, input: &Value) -> String {
    let pointers: &[&str] = match tool {
        // OpenCode's stand-in for a tool that does not exist or got arguments it cannot read.
        "invalid" => &["/tool"],
        "bash" => &["/command", "/description"],
        "task" => &["/description", "/prompt"],
        "apply_patch" => return patched_files(input),
        "todowrite" => {
            let count = at(input, "/todos").and_then(Value::as_array).map_or(0, Vec::len);
            return format!("{count} {}", if count == 1 { "item" } else { "items" });
        }
        _ => &[
            "/filePath",
            "/command",
            "/pattern",
            "/path",
            "/url",
            "/query",
            "/name",
            "/description",
            "/prompt",
        ],
    };
    let told = pointers.iter().find_map(|pointer| text(input, pointer));
    // Of a tool that we do not know, the first text is the best guess.
    let guess = || input.as_object()?.values().find_map(Value::as_str);
    told.or_else(guess).map(|text| one_line(text, SUBJECT)).unwrap_or_default()
}

/// The files named in a patch in `apply_patch`'s own format.
fn patched_files(input: &Value) -> String {
    let patch = text(input, "/patchText").unwrap_or_default();
    let names = patch.lines().filter_map(|line| {
        ["*** Add File: ", "*** Update File: ", "*** Delete File: "]
            .iter()
            .find_map(|start| line.strip_prefix(start))
    });
    one_line(&names.collect::<Vec<_>>().join(", "), SUBJECT)
}

/// The begin of a text in one line: white space runs as one space, at most `most` characters.
pub(crate) fn one_line(text: &str, most: usize) -> String {
    let mut line = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        if length > 0 {
            line.push(' ');
        }
        for char in word.chars() {
            if length >= most {
                line.push('…');
                return line;
            }
            line.push(char);
            length += 1;
        }
        length += 1;
    }
    line
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_subject_is_one_line_about_the_call() {
        for (tool, input, expected) in [
            ("read", json!({"filePath": "/a/b.rs", "offset": 3}), "/a/b.rs"),
            ("bash", json!({"command": "cd x\n  make", "description": "build"}), "cd x make"),
            ("grep", json!({"pattern": "fn main", "path": "src"}), "fn main"),
            ("task", json!({"description": "look", "prompt": "long"}), "look"),
            ("invalid", json!({"tool": "nosuch", "error": "no"}), "nosuch"),
            ("todowrite", json!({"todos": [1]}), "1 item"),
            (
                "apply_patch",
                json!({"patchText": "*** Begin Patch\n*** Add File: a\n+x\n*** Update File: b\n*** End Patch"}),
                "a, b",
            ),
            ("github_search", json!({"limit": 3, "what": "bugs"}), "bugs"),
            ("read", json!({}), ""),
            ("read", json!("x"), ""),
        ] {
            assert_eq!(subject(tool, &input), expected, "{tool}");
        }
        assert_eq!(subject("bash", &json!({"command": "ä".repeat(500)})).chars().count(), 401);
    }

    #[test]
    fn tokens_count_cache_and_reasoning_in() {
        let told =
            json!({"input": 96, "output": 20, "reasoning": 5, "cache": {"read": 10, "write": 2}});
        let usage = tokens(&told).unwrap();
        assert_eq!((usage.input, usage.output, usage.reasoning), (108, 25, 5));
        assert_eq!(tokens(&json!({"input": 0})), None, "nothing was counted yet");
    }

    #[test]
    fn times_of_any_size_are_times() {
        assert_eq!(micros(&json!({"t": 5}), "/t"), Some(5000));
        assert_eq!(micros(&json!({"t": 5.9}), "/t"), Some(5000));
        assert_eq!(micros(&json!({"t": i64::MAX}), "/t"), Some(i64::MAX));
        assert_eq!(micros(&json!({"t": 1e300}), "/t"), Some(i64::MAX));
        assert_eq!(micros(&json!({"t": "5"}), "/t"), None);
    }
}
