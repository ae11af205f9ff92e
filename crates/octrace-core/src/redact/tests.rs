//! What the stage as a whole promises.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Redactor, literal::tests as literal};
use crate::exchange::{RequestHead, ResponseHead};

/// Values that OpenCode would know: with characters that JSON escapes, of digits only, beyond ASCII.
const LITERALS: [&str; 5] =
    ["sk/live+canary", "quote\"and\\slash", "4815162342", "pässwört-日本", "plain-canary-1"];

fn redactor() -> Redactor {
    let mut redactor = Redactor::new(literal::SALT);
    redactor.learn(&LITERALS.map(literal::print));
    redactor
}

fn json(text: &str) -> String {
    String::from_utf8(redactor().json(text.as_bytes()).into_inner()).unwrap()
}

fn body(content_type: &str, text: &str) -> String {
    String::from_utf8(redactor().body(content_type, text.into()).into_inner()).unwrap()
}

#[test]
fn values_under_secret_names() {
    for (text, clean) in [
        (r#"{"a":[{"api_key" : "x"}]}"#, r#"{"a":[{"api_key" : "[REDACTED]"}]}"#),
        (r#"{"\u0061pi_key":"x"}"#, r#"{"\u0061pi_key":"[REDACTED]"}"#),
        (r#"{"password":12.5e1,"b":1}"#, r#"{"password":"[REDACTED]","b":1}"#),
        (
            r#"{"password":null,"secret":true,"token":""}"#,
            r#"{"password":null,"secret":true,"token":""}"#,
        ),
        (
            r#"{"token":7,"tokens":{"input":1,"cache":{"read":2}}}"#,
            r#"{"token":7,"tokens":{"input":1,"cache":{"read":2}}}"#,
        ),
        (
            r#"{"cookie":["a=b",["c"]],"d":"e"}"#,
            r#"{"cookie":["[REDACTED]",["[REDACTED]"]],"d":"e"}"#,
        ),
        (r#"{"password":{"value":"x"},"y":"z"}"#, r#"{"password":{"value":"[REDACTED]"},"y":"z"}"#),
        (
            r#"{"credentials":{"type":"oauth","n":1}}"#,
            r#"{"credentials":{"type":"[REDACTED]","n":"[REDACTED]"}}"#,
        ),
        (r#"{"apiKey":"{env:KEY}"}"#, r#"{"apiKey":"{env:KEY}"}"#),
    ] {
        assert_eq!(json(text), clean);
    }
}

#[test]
fn schemas_under_secret_names_live() {
    for schema in [
        json!({"properties": {"token": {"type": "string", "description": "A token", "minLength": 8}}}),
        json!({"properties": {"password": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}),
        json!({"properties": {"secret": {"$ref": "#/$defs/secret"}}, "required": ["secret"]}),
        json!({"properties": {"credentials": {"type": "OBJECT", "required": ["user"],
            "properties": {"user": {"type": "STRING", "enum": ["a", "b"]}}}}}),
        json!({"properties": {"cookie": {"type": ["string", "null"], "title": "Cookie"}}}),
    ] {
        assert_eq!(json(&schema.to_string()), schema.to_string());
    }
    // What is no word of schemas, and what is a value in one, goes.
    assert_eq!(
        json(
            r#"{"password":{"type":"string","value":"x","default":"y","examples":["z"],"const":1}}"#
        ),
        r#"{"password":{"type":"string","value":"[REDACTED]","default":"[REDACTED]","examples":["[REDACTED]"],"const":"[REDACTED]"}}"#
    );
    // The sign may come last; without it, words of schemas go too.
    assert_eq!(
        json(r#"{"token":{"title":"x","type":"string"},"secret":{"title":"x","type":"y"}}"#),
        r#"{"token":{"title":"x","type":"string"},"secret":{"title":"[REDACTED]","type":"[REDACTED]"}}"#
    );
    // Rules for text hold in what stays.
    assert_eq!(
        json(r#"{"token":{"type":"string","description":"such as plain-canary-1"}}"#),
        r#"{"token":{"type":"string","description":"such as [REDACTED]"}}"#
    );
}

#[test]
fn json_in_strings() {
    assert_eq!(
        json(r#"{"arguments":"{\"password\":\"x\",\"n\":\"{\\\"token\\\":\\\"y\\\"}\"}"}"#),
        r#"{"arguments":"{\"password\":\"[REDACTED]\",\"n\":\"{\\\"token\\\":\\\"[REDACTED]\\\"}\"}"}"#
    );
    assert_eq!(json(r#""{\"password\":1}""#), r#""{\"password\":\"[REDACTED]\"}""#);
    assert_eq!(
        json(r#"{"output":"00001| {\n00002|   \"api_key\": \"x\",\n00003| }"}"#),
        r#"{"output":"00001| {\n00002|   \"api_key\": \"[REDACTED]\",\n00003| }"}"#
    );
}

#[test]
fn nesting_without_end_fails_closed() {
    let mut text = r#"{"password":"hunter2"}"#.to_owned();
    for _ in 0..11 {
        text = json!({ "x": text }).to_string();
    }
    let clean = json(&text);
    assert!(!clean.contains("hunter2"));
    serde_json::from_str::<Value>(&clean).unwrap();
}

#[test]
fn depth_costs_time_and_nothing_else() {
    const DEPTH: usize = 100_000;
    let secret = r#"{"password":"hunter2"}"#;
    for (open, close) in [("{\"a\":", "}"), ("[", "]"), ("{\"credentials\":", "}")] {
        let text = format!("{}{secret}{}", open.repeat(DEPTH), close.repeat(DEPTH));
        let expected = text.replace("hunter2", "[REDACTED]");
        assert!(json(&text) == expected);
        // Broken off, and inside a string.
        let half = text.get(..open.len() * DEPTH + secret.len() - 3).unwrap();
        assert!(!json(half).contains("hunt"));
        let inside = json!({ "arguments": text }).to_string();
        let expected = json!({ "arguments": expected }).to_string();
        assert!(json(&inside) == expected);
    }
    let backslashes = format!("{secret}{}", "\\".repeat(DEPTH));
    assert!(!json(&backslashes).contains("hunt"));
    let quotes = "\"".repeat(DEPTH);
    assert!(json(&quotes) == quotes);
}

#[test]
fn what_broke_off_does_not_leak() {
    for (text, clean) in [
        (r#"{"a":"b","password":"hunt"#, r#"{"a":"b","password":"[REDACTED]"#),
        (
            r#"{"credentials":{"user":"hunter2","pa"#,
            r#"{"credentials":{"user":"[REDACTED]","[REDACTED]""#,
        ),
        (r#"{"password":706c61696e2d63616e6172792d31"#, r#"{"password":"[REDACTED]""#),
        (r#"{"token":[706c61696e2d63616e6172792d31"#, r#"{"token":["[REDACTED]""#),
        (r#"{"credentials":{"type":"hunter2","#, r#"{"credentials":{"type":"[REDACTED]","#),
        (r#"{"x":"{\"password\":\"hunt"#, r#"{"x":"{\"password\":\"[REDACTED]"#),
        (
            r#"{"x":"{\"credentials\":{\"a\":\"hunt"#,
            r#"{"x":"{\"credentials\":{\"a\":\"[REDACTED]\""#,
        ),
        (r#"{"x":1}{"token":"hunter2"}"#, r#"{"x":1}{"token":"[REDACTED]"}"#),
        (
            r#"["password":"hunter2","b":{"token":"hunter2"}]"#,
            r#"["password":"[REDACTED]","b":{"token":"[REDACTED]"}]"#,
        ),
        ("{'a' \"password\": \"hunter2\"}", "{'a' \"password\": \"[REDACTED]\"}"),
        (r#"{"apikey":plum-tree-under-snow"#, r#"{"apikey":"[REDACTED]""#),
        (r#"{"apikey": plum tree, "b": 1}"#, r#"{"apikey": "[REDACTED]", "b": 1}"#),
        (r#"{"password":1plum}"#, r#"{"password":"[REDACTED]"}"#),
        (
            r#"{"token": plum tree, "a": {"my API_KEY": under snow, "b": ["c"]}}"#,
            r#"{"token": "[REDACTED]", "a": {"my API_KEY": "[REDACTED]", "b": ["c"]}}"#,
        ),
        (r#"{"token":truely-plum}"#, r#"{"token":"[REDACTED]"}"#),
        (r#"{"password":'plum, tree'}"#, r#"{"password":"[REDACTED]"}"#),
        (r#"{"token": scanner.next(), "b": 1}"#, r#"{"token": scanner.next(), "b": 1}"#),
        (r#"{"password": string}"#, r#"{"password": string}"#),
        (r#"{"n": 1, x "token": x7Gq2LmZ9tRk}"#, r#"{"n": 1, x "token": [REDACTED]}"#),
    ] {
        assert_eq!(json(text), clean);
    }
}

#[test]
fn every_cut_of_a_body_is_safe() {
    let text = json!({
        "a": {"credentials": {"user": "hunter2", "more": ["hunter2", {"deep": "hunter2"}]}},
        "b": json!({"password": "hunter2", "c": json!({"cookie": {"d": "hunter2"}}).to_string()}).to_string(),
    })
    .to_string();
    for end in 0..=text.len() {
        let clean = json(text.get(..end).unwrap());
        for half in ["hun", "hunt", "hunter2"] {
            assert!(!clean.contains(half), "cut at {end}: {clean}");
        }
    }
}

#[test]
fn event_streams() {
    let text = "event: x\ndata: {\"token\":\"x\"}\n\n: https://a:b@c/\n\ndata: {\"password\":\ndata: \"x\"}\n\ndata: [DONE]\n\n";
    let clean = "event: x\ndata: {\"token\":\"[REDACTED]\"}\n\n: https://[REDACTED]@c/\n\ndata: {\"password\":\ndata: \"[REDACTED]\"}\n\ndata: [DONE]\n\n";
    assert_eq!(body("text/event-stream", text), clean);
    assert_eq!(body("", text), clean, "without a content type");
    assert_eq!(body("text/event-stream", r#"{"token":"x"}"#), r#"{"token":"[REDACTED]"}"#);
}

#[test]
fn forms() {
    assert_eq!(
        body(
            "application/x-www-form-urlencoded",
            "grant_type=x&code=1&client%5Fsecret=a%20b&u=sk%2Flive%2Bcanary&j=%7B%22token%22%3A%22x%22%7D"
        ),
        "grant_type=x&code=[REDACTED]&client%5Fsecret=[REDACTED]&u=[REDACTED]&j=%7B%22token%22%3A%22[REDACTED]%22%7D"
    );
}

#[test]
fn heads() {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let head = RequestHead {
        method: "POST".into(),
        url: "https://u:p@h/v1?key=x&q=sk%2Flive%2Bcanary".into(),
        headers: vec![
            pair("Authorization", "Bearer x"),
            pair("User-Agent", "opencode plain-canary-1"),
            pair("content-type", "application/json"),
        ],
        session: "ses_1".into(),
        model: Some("m".into()),
        price: Some(r#"{"input":3,"output":15}"#.into()),
        body_bytes: 7,
        ..RequestHead::default()
    };
    let clean = redactor().request_head(head).into_inner();
    assert_eq!(clean.url, "https://[REDACTED]@h/v1?key=[REDACTED]&q=[REDACTED]");
    assert_eq!(
        clean.headers,
        [
            pair("Authorization", "[REDACTED]"),
            pair("User-Agent", "opencode [REDACTED]"),
            pair("content-type", "application/json"),
        ]
    );
    assert_eq!((clean.method.as_str(), clean.session.as_str()), ("POST", "ses_1"));
    assert_eq!(clean.price.as_deref(), Some(r#"{"input":3,"output":15}"#));

    let head = ResponseHead {
        status: 401,
        status_text: "no plain-canary-1".into(),
        headers: vec![pair("Set-Cookie", "a=b"), pair("x-request-id", "r1")],
    };
    let clean = redactor().response_head(head).into_inner();
    assert_eq!(clean.status_text, "no [REDACTED]");
    assert_eq!(clean.headers, [pair("Set-Cookie", "[REDACTED]"), pair("x-request-id", "r1")]);
}

#[test]
fn debug_shows_nothing() {
    let clean = redactor().text("visible");
    assert_eq!(clean.get(), "visible");
    assert_eq!(format!("{clean:?}"), "Clean<alloc::string::String>");
}

#[test]
fn source_code_is_unharmed() {
    let sources =
        [include_str!("../json/mod.rs"), include_str!("scan.rs"), include_str!("literal.rs")];
    for source in sources {
        assert_eq!(redactor().text(source).get(), source);
        let wrapped = json!({"messages": [{"role": "tool", "content": source}]}).to_string();
        assert_eq!(json(&wrapped), wrapped);
    }
}

/// JSON with ordinary, secret and schema names, and strings from `leaf`, some of them JSON in turn.
fn tree(leaf: impl Strategy<Value = String> + Clone + 'static) -> BoxedStrategy<Value> {
    let name = prop_oneof![
        leaf.clone(),
        prop::sample::select(vec![
            "password",
            "token",
            "type",
            "description",
            "content",
            "credentials"
        ])
        .prop_map(str::to_owned),
    ];
    let scalar = prop_oneof![
        4 => leaf.prop_map(Value::from),
        1 => any::<i32>().prop_map(Value::from),
        1 => Just(Value::from(4_815_162_342_u64)),
        1 => Just(Value::Null),
    ];
    scalar
        .prop_recursive(5, 30, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((name.clone(), inner.clone()), 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
                inner.prop_map(|value| Value::from(value.to_string())),
            ]
        })
        .boxed()
}

/// Text with a literal somewhere in it. The letters behind it make no name that means a secret once it is blanked.
fn planted() -> impl Strategy<Value = String> + Clone {
    (".{0,6}", prop::sample::select(LITERALS.to_vec()), "[ bfhlmxz\"\\\\/\n]{0,6}")
        .prop_map(|(before, literal, after)| format!("{before}{literal}{after}"))
}

/// Whether a literal is in `text` or in anything that can be read out of it.
fn shows_literal(text: &str) -> bool {
    fn in_value(value: &Value) -> bool {
        match value {
            Value::String(text) => shows_literal(text),
            Value::Number(number) => LITERALS.contains(&number.to_string().as_str()),
            Value::Array(items) => items.iter().any(in_value),
            Value::Object(members) => {
                members.iter().any(|(name, value)| shows_literal(name) || in_value(value))
            }
            Value::Bool(_) | Value::Null => false,
        }
    }
    LITERALS.iter().any(|literal| text.contains(literal))
        || serde_json::from_str(text).is_ok_and(|value| in_value(&value))
}

/// The same JSON with escapes that nobody needs.
fn escaped_more(json: &str, every: usize) -> String {
    let mut out = String::new();
    let mut in_string = false;
    let mut letters = json.chars().enumerate();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => in_string = !in_string,
            '\\' => {
                out.push('\\');
                let (_, escape) = letters.next().unwrap();
                out.push(escape);
                // The digits of `\uXXXX` follow as ordinary letters; they must stay as they are.
                if escape == 'u' {
                    out.extend(letters.by_ref().take(4).map(|(_, digit)| digit));
                }
                continue;
            }
            '/' if in_string => out.push('\\'),
            _ if in_string && at % every == 0 => {
                let mut units = [0; 2];
                for unit in letter.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
                continue;
            }
            _ => {}
        }
        out.push(letter);
    }
    out
}

/// Pieces of which trouble is made.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => prop::sample::select(vec![
            "{", "}", "[", "]", ":", ",", "\"", "\\", "\\\"", "\\u0061", "\n", "\r", " ", "data: ", "&",
            "\"password\":", "\"credentials\":{", "\"type\":\"string\"", "\"token\":[", "https://u:p@h/",
            "?api_key=", "password", "1", "-", "true", "[REDACTED]", "x", "é", "%22", "=", "event: e",
            "\n\n", "{\"delta\":\"", "\"}\n\ndata: {\"delta\":\"", "\"}\n{\"delta\":\"", "cGxhaW4tY2Fu", "YXJ5LTE=",
            "plain-c", "anary-1", "%25", "706c61696e2d63616e6172792d31", "InBhc3N3b3JkIjoiaHVudGVyMiI",
        ]).prop_map(|piece| piece.as_bytes().to_vec()),
        // An `@` behind a path that is blanked would end a URL's userinfo the second time.
        1 => prop::collection::vec(any::<u8>().prop_filter("@", |byte| *byte != b'@'), 0..4),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn content_types() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "application/json",
        "text/event-stream",
        "application/x-www-form-urlencoded",
        "",
    ])
}

proptest! {
    #[test]
    // Of these letters alone, no name comes about by chance that means a secret.
    fn clean_json_is_untouched(value in tree("[bfhlmxz \"\\\\\n/é{}]{0,12}"), pretty: bool) {
        // The names that `tree` mixes in are taken out again.
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
        let text = text.unwrap().replace("4815162342", "7");
        let text = ["password", "token", "credentials"].iter()
            .fold(text, |text, name| text.replace(name, "harmless"));
        prop_assert_eq!(json(&text), text);
    }

    #[test]
    fn no_literal_survives(value in tree(planted()), every in 1_usize..9) {
        for text in [value.to_string(), escaped_more(&value.to_string(), every)] {
            let parsed: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(&parsed, &value);
            for clean in [json(&text), body("", &format!("data: {text}\n\n"))] {
                prop_assert!(!shows_literal(clean.trim().trim_start_matches("data: ")), "{} in {}", clean, text);
            }
            let clean = redactor().text(format!("Error: {text} at x")).into_inner();
            prop_assert!(!LITERALS.iter().any(|literal| clean.contains(literal)), "{}", clean);
        }
    }

    #[test]
    fn json_stays_json(value in tree(planted()), every in 1_usize..9) {
        let clean = json(&escaped_more(&value.to_string(), every));
        prop_assert!(serde_json::from_str::<Value>(&clean).is_ok(), "{}", clean);
    }

    #[test]
    fn json_with_literals_is_clean_after_one_run(value in tree(planted()), every in 1_usize..9) {
        let once = json(&escaped_more(&value.to_string(), every));
        prop_assert_eq!(json(&once), once);
    }

    #[test]
    fn any_bytes_are_clean_after_one_run(bytes in soup(), content_type in content_types()) {
        let redactor = redactor();
        let once = redactor.body(content_type, bytes).into_inner();
        let twice = redactor.body(content_type, once.clone()).into_inner();
        prop_assert_eq!(
            String::from_utf8_lossy(&once).into_owned(), String::from_utf8_lossy(&twice).into_owned());
    }

    #[test]
    fn bytes_are_blanked_and_never_made(bytes in soup(), content_type in content_types()) {
        let clean = redactor().body(content_type, bytes.clone()).into_inner();
        // Without the marks, and the quotes that some bring, what is there was there in this order.
        let [clean, bytes] = [clean, bytes].map(|bytes| bytes.into_iter().map(char::from).collect::<String>());
        let clean = clean.replace("[REDACTED]", "");
        let mut before = bytes.chars();
        for letter in clean.chars().filter(|letter| !matches!(letter, '"' | '\\')) {
            prop_assert!(before.any(|other| other == letter), "{} from {}", clean, bytes);
        }
    }

    #[test]
    fn a_literal_survives_between_no_bytes(
        before in soup(),
        literal in prop::sample::select(LITERALS.to_vec()),
        after in soup(),
        content_type in content_types(),
    ) {
        let bytes = [&before, literal.as_bytes(), &after].concat();
        let clean = redactor().body(content_type, bytes).into_inner();
        prop_assert!(!clean.windows(literal.len()).any(|window| window == literal.as_bytes()));
    }
}
