//! Pages of exchanges as people see them, and what must hold for any.

mod calls;
mod changed;
mod cut;

use octrace_core::{
    exchange::{Outcome, Summary, Timing},
    provider::{Dialect, Usage},
};
use octrace_store::read::ExchangeDetail;
use proptest::prelude::*;
use ratatui_core::{buffer::Buffer, style::Modifier};
use serde_json::json;

use super::*;
use crate::{
    terminal::{
        Theme,
        data::Tab,
        input::{Mouse, MouseAction},
    },
    text::{Style, safe},
};

fn detail(dialect: Dialect, request: &[u8], response: &[u8]) -> ExchangeDetail {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    ExchangeDetail {
        summary: Summary {
            id: 7,
            dialect,
            provider: Some("mock".to_owned()),
            model: Some("m1".to_owned()),
            agent: Some("build".to_owned()),
            method: "POST".to_owned(),
            url: "http://127.0.0.1:18080/v1/messages".to_owned(),
            status: Some(200),
            outcome: Outcome::Complete,
            timing: Timing {
                sent_us: 1_795_164_558_659_000,
                head_after_us: Some(301_000),
                first_byte_after_us: Some(302_000),
                first_content_after_us: Some(610_500),
                end_after_us: Some(1_204_000),
                longest_gap_us: Some(80_000),
            },
            request_bytes: request.len() as u64,
            response_bytes: response.len() as u64,
            chunks: 5,
            usage: Some(Usage {
                input: 1_106,
                output: 20,
                reasoning: 7,
                cache_read: 1_000,
                cache_write: 0,
            }),
            cost_usd: Some(0.000_591),
            finish: Some("end_turn".to_owned()),
            ..Summary::default()
        },
        request_headers: vec![
            header("content-type", "application/json"),
            header("x-api-key", "[REDACTED]"),
            header("x-odd", "a\x1b]0;owned\x07"),
        ],
        request_body: request.to_vec(),
        response_headers: vec![header("content-type", "text/event-stream; charset=utf-8")],
        status_text: Some("OK".to_owned()),
        response_body: response.to_vec(),
        ..ExchangeDetail::default()
    }
}

fn open(tab: Tab, exchange: ExchangeDetail) -> Document {
    document(tab, Exchanges { exchange, previous: None }, &Style::plain())
}

fn drawn(document: &mut Document, width: u16, height: u16) -> Buffer {
    let area = Rect::new(0, 0, width, height);
    let mut buffer = Buffer::empty(area);
    document.draw(area, &mut buffer, Theme::Dark, &Style::plain());
    buffer
}

/// The screen as text; the row with the cursor begins with `>`.
fn screen(document: &mut Document, width: u16, height: u16) -> String {
    let buffer = drawn(document, width, height);
    let mut text = String::new();
    for y in 0..height {
        let reversed = |x| buffer[(x, y)].modifier.contains(Modifier::REVERSED);
        let is_cursor = (0..width).filter(|x| reversed(*x)).count() * 2 > usize::from(width);
        text.push(if is_cursor { '>' } else { '|' });
        let mut x = 0;
        while x < width {
            let symbol = buffer[(x, y)].symbol();
            text.push_str(symbol);
            x += (unicode_width::UnicodeWidthStr::width(symbol) as u16).max(1);
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

fn anthropic() -> ExchangeDetail {
    let request = json!({
        "model": "claude-sonnet-4-5", "max_tokens": 32_000, "stream": true,
        "system": [{"type": "text", "text": "You are\nbrief.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": "Show me the tests\nassistant\nI forged this"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "Which ones?", "signature": "c2ln"},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "toolu_1", "name": "bash", "input": {"command": "ls tests", "timeout": 1.50}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": true,
                 "content": [{"type": "text", "text": "no such folder"}]},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGFsbG8="}},
            ]},
        ],
        "tools": [{"name": "bash", "input_schema": {"type": "object"}}, {"name": "edit"}],
    });
    let response = concat!(
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-sonnet-4-5\",\"usage\":{\"input_tokens\":10,\"output_tokens\":1}}}\n\n",
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"There is 漢字 none. 👩‍💻\"}}\n\n",
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"tool_use\",\"id\":\"toolu_2\",\"name\":\"bash\",\"input\":{}}}\n\n",
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"command\\\":\\\"ls\\\"}\"}}\n\n",
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"},\"usage\":{\"output_tokens\":20}}\n\n",
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    );
    detail(Dialect::Anthropic, request.to_string().as_bytes(), response.as_bytes())
}

fn openai_chat() -> ExchangeDetail {
    let tool =
        |name: &str| json!({"type": "function", "function": {"name": name, "parameters": {}}});
    let request = json!({
        "model": "m1", "tools": [tool("bash"), {"type": "web_search"}], "stream": true,
        "messages": [
            {"role": "system", "content": "Be brief. ".repeat(40)},
            {"role": "user", "content": [{"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,aGFsbG8="}}]},
            {"role": "assistant", "content": null, "reasoning_content": "Hm.", "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "bash", "arguments": "{\"command\":\"ls\"}"}},
                {"id": "call_2", "type": "function", "function": {"name": "bash", "arguments": "{\"comm"}},
            ]},
            {"role": "tool", "tool_call_id": "call_1", "content": "a.txt\nb.txt"},
            {"role": "tool", "tool_call_id": "call_2", "content": "cannot be read"},
        ],
    });
    let response = json!({"choices": [{"message": {"role": "assistant", "content": "Two files."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 106, "completion_tokens": 20}});
    let mut detail = detail(
        Dialect::OpenaiChat,
        request.to_string().as_bytes(),
        response.to_string().as_bytes(),
    );
    detail.response_headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    detail
}

fn openai_responses() -> ExchangeDetail {
    let request = json!({
        "model": "m1", "instructions": "Be brief.", "input": [
            {"role": "user", "content": [{"type": "input_text", "text": "Look"}, {"type": "input_image", "image_url": "https://x.test/a.png"}]},
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "I should look."}]},
            {"type": "function_call", "call_id": "call_1", "name": "bash", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "a.txt"},
            {"type": "item_reference", "id": "rs_1"},
        ],
    });
    let response = json!({"error": {"message": "The model is overloaded", "code": 529}});
    let mut detail = detail(
        Dialect::OpenaiResponses,
        request.to_string().as_bytes(),
        response.to_string().as_bytes(),
    );
    detail.response_headers.clear();
    detail.summary.status = Some(529);
    detail
}

fn gemini() -> ExchangeDetail {
    let request = json!({
        "systemInstruction": {"parts": [{"text": "Be brief."}]},
        "contents": [
            {"role": "user", "parts": [{"text": "Look"}, {"inlineData": {"mimeType": "image/webp", "data": "aGFsbG8="}}]},
            {"role": "model", "parts": [{"text": "Hm.", "thought": true}, {"functionCall": {"name": "bash", "args": {"command": "ls"}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "bash", "response": {"output": "a.txt"}}}]},
        ],
        "tools": [{"functionDeclarations": [{"name": "bash"}, {"name": "edit"}]}],
    });
    let mut detail = detail(Dialect::Gemini, request.to_string().as_bytes(), b"");
    detail.summary.outcome = Outcome::Waiting;
    detail
}

/// What tries to do something to the terminal, or is odd.
fn hostile_text() -> ExchangeDetail {
    let request = concat!(
        r#"{"messages":[{"role":"us\u001b[2Jer","content":"\u001b]0;owned\u0007 \u202etxt.exe\ttab\r\nzero\u200bwidth \ud800 "#,
        r#"漢字かな交じり文の長い長い題名がここにあります 👩‍💻👨‍👩‍👧‍👦 naïve العربية e\u0301 \"},{"role":"user","content":[{"#,
        r#""type":"tool_use","name":"b\u009b31m","id":"\u202e","input":{"\u001b":"raw REVERSED bidi"}}]}]}"#,
    );
    let request = request.replace("REVERSED", "\u{202e}").replace(r#" \"},{"#, r#" \\"},{"#);
    detail(Dialect::Anthropic, request.as_bytes(), b"\x00\x1b[2J\xff\xfe binary")
}

fn snapshot(name: &str, document: &mut Document, width: u16, height: u16) {
    let mut settings = insta::Settings::new();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/pages"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let screen = screen(document, width, height);
    settings.bind(|| insta::assert_snapshot!(format!("{name}-{width}x{height}"), screen));
}

#[test]
fn each_tab_as_people_see_it() {
    for (name, tab) in [
        ("conversation", Tab::Conversation),
        ("request", Tab::Request),
        ("response", Tab::Response),
        ("headers", Tab::Headers),
        ("timing", Tab::Timing),
    ] {
        for (dialect, exchange) in [
            ("anthropic", anthropic()),
            ("openai-chat", openai_chat()),
            ("openai-responses", openai_responses()),
            ("gemini", gemini()),
            ("hostile", hostile_text()),
        ] {
            if matches!(tab, Tab::Headers | Tab::Timing) && dialect != "anthropic" {
                continue;
            }
            let mut document = open(tab, exchange);
            snapshot(&format!("{name}-{dialect}"), &mut document, 80, 24);
            document.step(Step::UnfoldAll);
            document.step(Step::Top);
            snapshot(&format!("{name}-{dialect}"), &mut document, 160, 50);
        }
    }
}

#[test]
fn bodies_that_are_not_what_they_should_be() {
    let shown = |body: &[u8], cut: bool| {
        let mut exchange = detail(Dialect::Unknown, body, b"");
        exchange.request_cut = cut;
        screen(&mut open(Tab::Request, exchange), 60, 8)
    };
    insta::assert_snapshot!(shown(b"", false), @"
    >  (empty)
    |
    |
    |
    |
    |
    |
    |
    ");
    insta::assert_snapshot!(shown(br#"{"a":1.50,"a":[1,{"b":null}], "broken":tr"#, true), @r#"
    >  The recording has only this part of the body.
    |▾ {2} 30 B
    |    "a": 1.50
    |  ▸ "a": [2] 14 B [1,{"b":null}]
    |▾ from byte 39 on this is not JSON
    |    "broken":tr
    |
    |
    "#);
    insta::assert_snapshot!(shown(b"plain \x1b[2J text\n\xff end", false), @"
    >  plain ␛[2J text
    |  � end
    |
    |
    |
    |
    |
    |
    ");
    insta::assert_snapshot!(shown(&[0, 159, 146, 150, 0, 0, 65], false), @"
    >  7 bytes that are not text; the first of them:
    |  00000000  00 9f 92 96 00 00 41
    |   ......A
    |
    |
    |
    |
    |
    ");
}

#[test]
fn words_are_found_in_what_is_folded() {
    let mut document = open(Tab::Conversation, anthropic());
    document.step(Step::Top);
    assert_eq!(document.search("WHICH ones"), Search::Found);
    assert_eq!(copied(&mut document), "Which ones?");
    insta::assert_snapshot!(screen(&mut document, 60, 12), @r#"
    |▸ system · 79 B · cache marker  You are brief.
    |▸ user · 71 B  Show me the tests assistant I forged this
    |▾ assistant · 3 parts · 223 B
    |  ▾ reasoning · 11 B
    >      Which ones?
    |    signature: "c2ln"
    |    I look.
    |  ▾ tool call bash toolu_1
    |      "command": "ls tests"
    |      "timeout": 1.5
    |▾ user · 2 parts · 229 B
    |  ▾ tool result bash toolu_1 · 14 B
    "#);
    assert_eq!(document.search("no such folder"), Search::Found);
    let there = document.cursor.clone();
    assert_eq!(document.search_next(true), Search::Found, "it goes around");
    assert_eq!(document.cursor, there);
    assert_eq!(document.search("nowhere"), Search::Absent);
    assert_eq!(document.cursor, there);
    assert_eq!(document.search(""), Search::None);

    // Each place once on the way around, in both directions.
    assert_eq!(document.search("bash"), Search::Found);
    let mut places = vec![document.cursor.clone()];
    while document.search_next(true) == Search::Found && document.cursor != places[0] {
        places.push(document.cursor.clone());
    }
    let mut back = vec![document.cursor.clone()];
    while document.search_next(false) == Search::Found && document.cursor != back[0] {
        back.push(document.cursor.clone());
    }
    back[1..].reverse();
    assert_eq!(back, places);
    assert!(places.len() >= 4, "{places:?}");
}

#[test]
fn a_long_search_goes_on_in_slices() {
    let mut body = "lorem ipsum ".repeat(300_000);
    body.push_str("dolor");
    let mut document = open(Tab::Request, detail(Dialect::Unknown, body.as_bytes(), b""));
    let Search::Going(before) = document.search("DOLOR") else { panic!("more than one slice") };
    let Search::Going(after) = document.search_more() else { panic!("more than two slices") };
    assert!(before < after, "{before} {after}");
    while matches!(document.search_more(), Search::Going(_)) {}
    assert_eq!(document.searching(), Search::Found);
    assert_eq!(document.percent(), Some(100));
    // Words that a piece's end cuts in two.
    document.step(Step::Top);
    assert!(matches!(document.search("IPSUM LOREM IPSUM LOREM"), Search::Found));
    for _ in 0..100 {
        let before = document.cursor.clone();
        assert_eq!(document.search_next(true), Search::Found);
        let bytes = |place: &Place| {
            place.path.last().copied().unwrap_or(0) as usize * pieces::PIECE + place.at
        };
        assert!(document.cursor > before && bytes(&document.cursor) < bytes(&before) + 60);
    }
}

#[test]
fn what_the_mouse_selects_is_copied() {
    let body = json!({"messages": [{"role": "user", "content": "one two three four five six\nseven  eight"}]});
    let mut document =
        open(Tab::Conversation, detail(Dialect::Anthropic, body.to_string().as_bytes(), b""));
    document.step(Step::Top);
    insta::assert_snapshot!(screen(&mut document, 20, 6), @"
    >▾ user · 69 B
    |    one two three
    |    four five six
    |    seven  eight
    |▾ answer
    |    the response's
    ");
    let mut mouse = |what, x, y| document.mouse(Mouse { what, x, y });
    assert!(mouse(MouseAction::Press, 8, 1));
    assert!(mouse(MouseAction::Drag, 8, 3));
    mouse(MouseAction::Release, 8, 3);
    assert_eq!(
        copied(&mut document),
        "two three four five six\nseven",
        "no line ends and no indentation of ours"
    );
    document.step(Step::Left);
    assert_eq!(copied(&mut document), "two three four five six\nseve");
    assert!(!document.mouse(Mouse { what: MouseAction::Press, x: 30, y: 1 }), "outside");
}

#[test]
fn a_node_of_json_is_copied_as_it_was_sent() {
    let body = br#"{"a" : [1.50, {"b":"\u00e4"} ] , "c": "x"}"#;
    let mut document = open(Tab::Request, detail(Dialect::Unknown, body, b""));
    document.step(Step::Down);
    assert_eq!(copied(&mut document), r#"[1.50, {"b":"\u00e4"} ]"#);
    document.step(Step::Select);
    assert_eq!(copied(&mut document), r#""a" : [1.50, {"b":"\u00e4"} ]"#, "folded, so all of it");
    document.step(Step::Down);
    assert_eq!(copied(&mut document), r#""a" : [1.50, {"b":"\u00e4"} ] , "c": "x""#);
    document.step(Step::Deselect);
    assert_eq!(copied(&mut document), r#""x""#);
}

/// Where each row is, from the top to the end.
fn rows(document: &mut Document) -> Vec<Place> {
    document.step(Step::Top);
    let mut rows = vec![document.cursor.clone()];
    loop {
        document.step(Step::Down);
        if document.cursor == *rows.last().unwrap() {
            return rows;
        }
        rows.push(document.cursor.clone());
    }
}

fn copied(document: &mut Document) -> String {
    document.copy().unwrap_or_default()
}

fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let text = "(\\PC|[\\x00-\\x{ff}]|[\\x{2000}-\\x{2070}]|漢|👩‍💻|\\\\n|\\\\ud800|\\\\ud83d\\\\ude00| |\n|\r\n|\t){0,200}";
    let json =
        text.prop_map(|text| json!({"a": text, "b": [1, {"c": text}, [[]], null]}).to_string());
    let half = "[\\[{]([\\[\\]{},:\"\\\\a-f0-9 \\n\\x1b\\x{9b}]|true|\"\"|\"a\":){0,200}";
    let chat = ("[a-z漢\n]{0,900}", 0usize..30).prop_map(|(text, times)| {
        let message = json!({"role": "user", "content": [
            {"type": "text", "text": text}, {"type": "tool_use", "id": "c", "name": "n", "input": {"x": text}},
            {"type": "tool_result", "tool_use_id": "c", "content": text}]});
        json!({"messages": vec![message; times], "tools": [text]}).to_string()
    });
    let stream =
        "((event|data|id): ?(\\{\"a\":[1-9]\\}|[a-z ]{0,9}|\\[1,\"x\\\\u0041\"\\])\n{1,2}){0,60}";
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..600),
        text.prop_map(String::into_bytes),
        json.prop_map(String::into_bytes),
        half.prop_map(String::into_bytes),
        chat.prop_map(String::into_bytes),
        stream.prop_map(String::into_bytes),
    ]
}

fn tab() -> impl Strategy<Value = Tab> {
    prop::sample::select(vec![
        Tab::Conversation,
        Tab::Request,
        Tab::Response,
        Tab::Headers,
        Tab::Timing,
    ])
}

const STEPS: [Step; 21] = [
    Step::Up,
    Step::Down,
    Step::PageUp,
    Step::PageDown,
    Step::HalfUp,
    Step::HalfDown,
    Step::Top,
    Step::End,
    Step::Next,
    Step::Previous,
    Step::Left,
    Step::Right,
    Step::Fold,
    Step::FoldBelow,
    Step::FoldAll,
    Step::UnfoldAll,
    Step::Select,
    Step::SelectAll,
    Step::Deselect,
    Step::Right,
    Step::Down,
];

#[derive(Clone, Debug)]
enum Deed {
    Step(Step),
    Mouse(Mouse),
    Size(u16, u16),
    Search(String),
    Again(bool),
    Copy,
}

fn deed() -> impl Strategy<Value = Deed> {
    let what = prop::sample::select(vec![
        MouseAction::Press,
        MouseAction::Drag,
        MouseAction::Release,
        MouseAction::WheelUp,
        MouseAction::WheelDown,
    ]);
    prop_oneof![
        8 => prop::sample::select(STEPS.to_vec()).prop_map(Deed::Step),
        3 => (what, 0u16..90, 0u16..30).prop_map(|(what, x, y)| Deed::Mouse(Mouse { what, x, y })),
        1 => (0u16..90, 0u16..30).prop_map(|(width, height)| Deed::Size(width, height)),
        1 => "[a-z0-9{\"\\\\ ]{0,2}".prop_map(Deed::Search),
        1 => any::<bool>().prop_map(Deed::Again),
        1 => Just(Deed::Copy),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nothing_that_is_done_to_any_body_panics_or_harms(
        body in hostile(), tab in tab(), dialect in 0usize..5, cut: bool, deeds in prop::collection::vec(deed(), 0..40),
    ) {
        let dialects = [Dialect::Anthropic, Dialect::OpenaiChat, Dialect::OpenaiResponses, Dialect::Gemini, Dialect::Unknown];
        let mut exchange = detail(dialects[dialect], &body, &body);
        exchange.request_cut = cut;
        let mut document = open(tab, exchange);
        let (mut width, mut height) = (80, 24);
        for deed in deeds {
            match deed {
                Deed::Step(step) => document.step(step),
                Deed::Mouse(mouse) => { document.mouse(mouse); }
                Deed::Size(to_width, to_height) => (width, height) = (to_width, to_height),
                Deed::Search(words) => { document.search(&words); }
                Deed::Again(forward) => { document.search_next(forward); }
                Deed::Copy => { document.copy(); }
            }
            let buffer = drawn(&mut document, width, height);
            prop_assert!(buffer.content.iter().all(|cell| cell.symbol().chars().all(safe::is_harmless)));
            prop_assert!(document.percent().is_none_or(|percent| percent <= 100));
            if height > 0 && width > 8 {
                let (bottom, _) = document.down(&document.top.clone(), usize::from(height) - 1);
                let mut cursor = document.cursor.clone();
                cursor.at = document.laid(&cursor.path).row(cursor.at);
                prop_assert!(document.top <= cursor && cursor <= bottom, "the cursor is in view");
            }
        }
    }

    #[test]
    fn down_and_up_are_the_same_way(body in hostile(), tab in tab(), unfolded: bool, width in 10u16..100) {
        let mut document = open(tab, detail(Dialect::Anthropic, &body, &body));
        drawn(&mut document, width, 10);
        if unfolded {
            document.step(Step::UnfoldAll);
        }
        let down = rows(&mut document);
        prop_assert!(down.is_sorted_by(|a, b| a < b), "each row once, in the order of reading");
        document.step(Step::End);
        prop_assert_eq!(&document.cursor, down.last().unwrap());
        let mut up = vec![document.cursor.clone()];
        for _ in 1..down.len() {
            document.step(Step::Up);
            up.push(document.cursor.clone());
        }
        up.reverse();
        prop_assert_eq!(up, down);
    }

    #[test]
    fn all_of_a_body_is_copied_as_it_was_recorded(body in hostile(), unfolded: bool, width in 10u16..100) {
        let is_text = std::str::from_utf8(&body).is_ok() && !body.starts_with(b"\x1f\x8b") && !body.contains(&0);
        prop_assume!(is_text && !body.is_empty());
        let mut document = open(Tab::Request, detail(Dialect::Anthropic, &body, b""));
        drawn(&mut document, width, 10);
        if unfolded {
            document.step(Step::UnfoldAll);
        }
        document.step(Step::SelectAll);
        prop_assert_eq!(copied(&mut document).into_bytes(), body.clone());
        if serde_json::from_slice::<serde_json::Value>(&body).is_ok_and(|json| json.is_object() || json.is_array()) {
            document.step(Step::Deselect);
            document.step(Step::Top);
            document.step(Step::Select);
            document.step(Step::End);
            prop_assert_eq!(copied(&mut document).into_bytes(), body.trim_ascii());
        }
    }

    #[test]
    fn a_message_is_copied_without_anything_of_ours(text in "(\\PC|[\\x00-\\x{ff}]|\n|\r\n| |👩‍💻){1,900}") {
        let body = json!({"messages": [{"role": "user", "content": text}]}).to_string();
        let mut document = open(Tab::Conversation, detail(Dialect::Anthropic, body.as_bytes(), b""));
        drawn(&mut document, 40, 10);
        document.step(Step::Top);
        prop_assert_eq!(copied(&mut document), text.clone(), "under its role");
        document.step(Step::Down);
        prop_assert_eq!(copied(&mut document), text.clone(), "by its text");
        document.step(Step::Select);
        document.step(Step::End);
        document.step(Step::Up);
        let selected = copied(&mut document);
        prop_assert!(selected.starts_with(&text), "by its rows: {selected:?}");
    }
}
