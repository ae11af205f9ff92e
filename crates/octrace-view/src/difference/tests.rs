//! Pairs of requests in all dialects, and what holds for any pair.

use octrace_core::{
    exchange::Summary,
    provider::{Dialect, Usage},
};
use octrace_store::read::ExchangeDetail;
use proptest::prelude::*;

use super::{Change, Difference, Request, Step, difference, text};
use crate::text::Style;

fn detail(id: i64, dialect: Dialect, body: &str) -> ExchangeDetail {
    ExchangeDetail {
        summary: Summary { id, dialect, ..Summary::default() },
        request_body: body.as_bytes().to_vec(),
        ..ExchangeDetail::default()
    }
}

fn told(dialect: Dialect, before: &str, after: &str) -> String {
    let (before, after) = (detail(7, dialect, before), detail(9, dialect, after));
    text(&after, Some(&before), &Style::plain())
}

fn between<'a>(dialect: Dialect, before: &'a str, after: &'a str) -> Difference<'a> {
    let request = |body: &'a str| Request { dialect, body: body.as_bytes() };
    difference(request(before), request(after))
}

const ANTHROPIC: &str = r#"{"model":"claude-x","max_tokens":100,"system":[{"type":"text","text":"You help.\nToday is Monday.\nBe brief.","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":[{"type":"text","text":"Fix it","cache_control":{"type":"ephemeral"}}]}],"tools":[{"name":"bash","description":"Runs"},{"name":"read","description":"Reads"}]}"#;

/// Whatever their cache markers.
fn says_the_same(difference: &Difference<'_>) -> bool {
    difference.steps.iter().all(|step| matches!(step.change, Change::Same | Change::Marker))
}

#[test]
fn a_conversation_that_grew_breaks_nothing_though_its_cache_markers_moved() {
    let after = ANTHROPIC.replace(
        r#""Fix it","cache_control":{"type":"ephemeral"}}]}"#,
        r#""Fix it"}]},{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"bash","input":{"command":"ls"}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"a\nb","cache_control":{"type":"ephemeral"}}]}"#,
    );
    let usage = Usage { input: 1200, cache_read: 1000, cache_write: 150, ..Usage::default() };
    let before = detail(7, Dialect::Anthropic, ANTHROPIC);
    let mut exchange = detail(9, Dialect::Anthropic, &after);
    exchange.summary.usage = Some(usage);
    insta::assert_snapshot!(text(&exchange, Some(&before), &Style::plain()), @"
    Against #7: 2 new, 5 unchanged, 1 with only the cache marker moved
    prompt   nothing breaks, it begins with all of the one before
    shared   100% of the prompt before: 205 B of 205 B, 5 of 5 parts
    as sent  the bodies are the same up to byte 217
    cache    1,000 of 1,200 input tokens read from it, 150 written to it

      model unchanged, 10 B
      2 tools unchanged, 73 B
      system unchanged, 100 B
      user message, only its cache marker moved, 59 B
    + assistant message, 101 B
    + role: assistant
    + content:
    +   - type: tool_use
    +     id: t1
    +     name: bash
    +     input:
    +       command: ls
    + user message, 123 B
    + role: user
    + content:
    +   - type: tool_result
    +     tool_use_id: t1
    +     content:
    +       a
    +       b
    +     cache_control:
    +       type: ephemeral
      setting max_tokens unchanged, 3 B
    ");
}

#[test]
fn a_date_in_the_instructions_breaks_all_that_comes_after_it() {
    let after = ANTHROPIC
        .replace("Monday", "Tuesday")
        .replace(r#""max_tokens":100"#, r#""max_tokens":200"#);
    insta::assert_snapshot!(told(Dialect::Anthropic, ANTHROPIC, &after), @r#"
    Against #7: 2 changed, 4 unchanged
    prompt   breaks in system, at byte 90
             …You help.\nToday is [-Monday-]{+Tuesday+}
    shared   61% of the prompt before: 126 B of 205 B, 3 of 5 parts
    as sent  the bodies are the same up to byte 33

      model unchanged, 10 B
      2 tools unchanged, 73 B
    ~ system, 100 B → 101 B
      type: text
      text:
        You help.
    ── the prompt breaks here, at byte 90 ──
    ~   Today is [-Monday-]{+Tuesday+}.
        Be brief.
      cache_control:
        type: ephemeral
      user message unchanged, 96 B
    ~ setting max_tokens, 3 B
    - 100
    + 200
    "#);
}

const CHAT: &str = r#"{"model":"gpt-x","stream":true,"messages":[{"role":"system","content":"You are"},{"role":"user","content":"Go on"},{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"read","arguments":"{\"path\":\"a\"}"}}]},{"role":"tool","tool_call_id":"c1","content":"old text"}],"tools":[{"type":"function","function":{"name":"bash"}},{"type":"function","function":{"name":"read"}},{"type":"function","function":{"name":"write"}}]}"#;

#[test]
fn tools_in_another_order() {
    let (bash, write) = (
        r#"{"type":"function","function":{"name":"bash"}},"#,
        r#"{"type":"function","function":{"name":"write"}}"#,
    );
    let after =
        CHAT.replace(bash, "").replace(write, &format!("{write},{}", bash.trim_end_matches(',')));
    insta::assert_snapshot!(told(Dialect::OpenaiChat, CHAT, &after), @"
    Against #7: 1 moved, 8 unchanged
    prompt   breaks before tool bash: now comes tool read, at byte 306
    shared   1% of the prompt before: 7 B of 395 B, 1 of 8 parts
    as sent  the bodies are the same up to byte 345

      model unchanged, 7 B
    ── the prompt breaks here, at byte 306 ──
      2 tools unchanged, 93 B
    > tool bash, 46 B, in another place
      4 messages unchanged, 249 B
      setting stream unchanged, 4 B
    ");
}

#[test]
fn a_tool_result_that_was_pruned_is_changed_and_not_another_one() {
    let after = CHAT.replace("old text", "[old tool output cleared]").replace("gpt-x", "gpt-y");
    insta::assert_snapshot!(told(Dialect::OpenaiChat, CHAT, &after), @r#"
    Against #7: 2 changed, 7 unchanged
    prompt   breaks in model, at byte 14
             …"gpt-[-x-]{+y+}
    shared   1% of the prompt before: 5 B of 395 B, 0 of 8 parts
    as sent  the bodies are the same up to byte 14

    ~ model, 7 B
    ── the prompt breaks here, at byte 14 ──
    ~ gpt-[-x-]{+y+}
      3 tools unchanged, 139 B
      3 messages unchanged, 193 B
    ~ tool message c1, 56 B → 73 B
      role: tool
      tool_call_id: c1
    ~ content: {+[+}old [-text-]{+tool output cleared]+}
      setting stream unchanged, 4 B
    "#);
}

const RESPONSES: &str = r#"{"model":"gpt-x","instructions":"Be kind","input":[{"role":"user","content":[{"type":"input_text","text":"one"}]},{"type":"function_call","call_id":"c1","name":"bash","arguments":"{}"},{"type":"function_call_output","call_id":"c1","output":"done"},{"role":"assistant","content":[{"type":"output_text","text":"two"}]},{"role":"user","content":[{"type":"input_text","text":"three"}]}]}"#;

#[test]
fn a_compaction_leaves_little() {
    let after = r#"{"model":"gpt-x","instructions":"Be kind","input":[{"role":"user","content":[{"type":"input_text","text":"A summary of what was said: one, two"}]},{"role":"user","content":[{"type":"input_text","text":"three"}]}]}"#;
    insta::assert_snapshot!(told(Dialect::OpenaiResponses, RESPONSES, after), @r#"
    Against #7: 1 changed, 3 gone, 3 unchanged
    prompt   breaks in user message, at byte 106
             …input_text","text":"{+A summary of what wa…+}
    shared   20% of the prompt before: 71 B of 342 B, 2 of 7 parts
    as sent  the bodies are the same up to byte 106

      model unchanged, 7 B
      instructions unchanged, 9 B
    ~ user message, 62 B → 95 B
      role: user
      content:
        - type: input_text
    ── the prompt breaks here, at byte 106 ──
    -     text: one
    +     text: A summary of what was said: one, two
    - function_call c1, 70 B
    - type: function_call
    - call_id: c1
    - name: bash
    - arguments: {}
    - function_call_output c1, 62 B
    - type: function_call_output
    - call_id: c1
    - output: done
    - assistant message, 68 B
    - role: assistant
    - content:
    -   - type: output_text
    -     text: two
      user message unchanged, 64 B
    "#);
}

const GEMINI: &str = r#"{"request":{"systemInstruction":{"parts":[{"text":"Sei höflich 👩‍💻"}]},"contents":[{"role":"user","parts":[{"text":"文字を読む"}]}],"tools":[{"functionDeclarations":[{"name":"bash"},{"name":"read"}]}],"generationConfig":{"temperature":1}}}"#;

#[test]
fn functions_and_words_of_any_script_inside_a_gateways_envelope() {
    let after = GEMINI
        .replace("höflich", "freundlich")
        .replace(r#"{"name":"read"}"#, r#"{"name":"read"},{"name":"web\u202e\u001b"}"#)
        .replace("文字", "漢字");
    insta::assert_snapshot!(told(Dialect::Gemini, GEMINI, &after), @r#"
    Against #7: 1 new, 2 changed, 3 unchanged
    prompt   breaks before systemInstruction: now comes tool web\u{202e}␛, at byte 214
    shared   23% of the prompt before: 30 B of 129 B, 2 of 4 parts
    as sent  the bodies are the same up to byte 55

      2 tools unchanged, 30 B
    ── the prompt breaks here, at byte 214 ──
    + tool web\u{202e}␛, 26 B
    + name: web\u{202e}␛
    ~ systemInstruction, 47 B → 49 B
      parts:
    ~   - text: Sei [-höflich-]{+freundlich+} 👩‍💻
    ~ user message, 52 B
      role: user
      parts:
    ~   - text: [-文-]{+漢+}字を読む
      setting generationConfig unchanged, 17 B
    "#);
}

#[test]
fn the_same_again() {
    insta::assert_snapshot!(told(Dialect::Gemini, GEMINI, GEMINI), @"
    Against #7: the same, byte for byte
    prompt   nothing breaks
    shared   100% of the prompt before: 129 B of 129 B, 4 of 4 parts
    as sent  the bodies are the same up to byte 253

      2 tools unchanged, 30 B
      systemInstruction unchanged, 47 B
      user message unchanged, 52 B
      setting generationConfig unchanged, 17 B
    ");
    assert!(says_the_same(&between(Dialect::Gemini, GEMINI, GEMINI)));
}

#[test]
fn what_is_no_json_and_what_is_nothing() {
    insta::assert_snapshot!(told(Dialect::Unknown, "one two three four five", "one two 3 four five"), @"
    Against #7: 1 changed
    prompt   breaks in what is no JSON, at byte 8
             …one two [-three-]{+3+}
    shared   34% of the prompt before: 8 B of 23 B, 0 of 1 part
    as sent  the bodies are the same up to byte 8

    ~ what is no JSON, 23 B → 19 B
    ── the prompt breaks here, at byte 8 ──
    ~ one two [-three-]{+3+} four five
    ");
    insta::assert_snapshot!(told(Dialect::Unknown, "", r#"{"model":"m"}"#), @"
    Against #7: 1 new
    prompt   nothing breaks, it begins with all of the one before
    shared   100% of the prompt before: 0 B of 0 B, 0 of 0 parts
    as sent  the bodies are the same up to byte 0

    + model, 3 B
    + m
    ");
    insta::assert_snapshot!(told(Dialect::OpenaiChat, r#"{"messages":[{"role":"user"},{"role":"us"#, r#"{"messages":[{"role":"user"},{"role":"user"}]}"#), @r#"
    Against #7: 1 new, 1 gone, 1 unchanged
    prompt   breaks before what is no JSON: now comes user message, at byte 29
    shared   55% of the prompt before: 15 B of 27 B, 1 of 2 parts
    as sent  the bodies are the same up to byte 40

      user message unchanged, 15 B
    ── the prompt breaks here, at byte 29 ──
    - what is no JSON, 12 B
    - ,{"role":"us
    + user message, 15 B
    + role: user
    "#);
    let alone = text(&detail(1, Dialect::Gemini, GEMINI), None, &Style::plain());
    insta::assert_snapshot!(alone, @"
    No request came before this one in its conversation: all of it is new.
    ");
}

#[test]
fn another_spelling_of_the_same() {
    let after = CHAT.replace("You are", r"\u0059ou are");
    insta::assert_snapshot!(told(Dialect::OpenaiChat, CHAT, &after), @r#"
    Against #7: 1 changed, 8 unchanged
    prompt   breaks in system message, at byte 71
             …"system","content":"[-You-]{+\u0059ou+}
    shared   44% of the prompt before: 174 B of 395 B, 4 of 8 parts
    as sent  the bodies are the same up to byte 71

      model unchanged, 7 B
      3 tools unchanged, 139 B
    ~ system message, 37 B → 42 B
      only spelled in another way: white space or escapes
      3 messages unchanged, 212 B
      setting stream unchanged, 4 B
    "#);
}

#[test]
fn what_is_too_large_to_be_laid_out_is_shown_around_its_change() {
    let body = |word: &str| {
        let text = "many words ".repeat(40_000);
        format!(r#"{{"messages":[{{"role":"user","content":"{text}{word} {text}"}}]}}"#)
    };
    let told = told(Dialect::OpenaiChat, &body("old"), &body("new"));
    assert!(told.contains("many words [-old-]{+new+} many words"), "{told}");
    assert!(told.len() < 2_000, "{}", told.len());
}

#[test]
fn a_hundred_thousand_messages_are_bounded() {
    let body = |from: usize| {
        let messages: Vec<_> = (from..from + 100_000).map(|n| format!("{{\"n\":{n}}}")).collect();
        format!(r#"{{"messages":[{}]}}"#, messages.join(","))
    };
    let (before, after) = (body(0), body(50_000));
    let difference = between(Dialect::OpenaiChat, &before, &after);
    assert!(difference.steps.len() < 40_000);
    assert_eq!(difference.after.parts.last().map(|part| part.range.end), Some(after.len()));
}

fn counts(difference: &Difference<'_>, changes: &[Change]) -> usize {
    changes.iter().map(|change| difference.count(*change)).sum()
}

/// A body of few words, so that parts come again.
fn body() -> impl Strategy<Value = String> {
    let marker = prop_oneof![Just(""), Just(r#","cache_control":{"type":"ephemeral"}"#)];
    let message = ("(user|assistant)", "[ab]", marker).prop_map(|(role, text, marker)| {
        format!(r#"{{"role":"{role}","content":"{text}"{marker}}}"#)
    });
    let tool =
        ("[pqr]", "[ab]").prop_map(|(name, text)| format!(r#"{{"name":"{name}","d":"{text}"}}"#));
    let lists = (prop::collection::vec(message, 0..8), prop::collection::vec(tool, 0..5));
    (lists, "[mn]", "[0-2]", any::<bool>()).prop_map(|((messages, tools), model, top, first)| {
        let (messages, tools) = (messages.join(","), tools.join(","));
        let lists = [format!(r#""messages":[{messages}]"#), format!(r#""tools":[{tools}]"#)];
        let lists = if first { lists.join(",") } else { [&*lists[1], &*lists[0]].join(",") };
        format!(r#"{{"model":"{model}",{lists},"top_k":{top}}}"#)
    })
}

fn any_body() -> impl Strategy<Value = String> {
    prop_oneof![8 => body(), 1 => ".{0,40}", 1 => (body(), 0usize..200).prop_map(|(body, end)| {
        body.chars().take(end).collect()
    })]
}

proptest! {
    #[test]
    fn the_steps_are_both_requests(before in any_body(), after in any_body()) {
        let difference = between(Dialect::Anthropic, &before, &after);
        let new: Vec<_> = difference.steps.iter().filter_map(|step| step.after).collect();
        let mut old: Vec<_> = difference.steps.iter().filter_map(|step| step.before).collect();
        old.sort_unstable();
        prop_assert_eq!(new, (0..difference.after.parts.len()).collect::<Vec<_>>());
        prop_assert_eq!(old, (0..difference.before.parts.len()).collect::<Vec<_>>());
        for Step { change, before: old, after: new } in &difference.steps {
            let old = old.map(|part| difference.before.content(part));
            let new = new.map(|part| difference.after.content(part));
            match change {
                Change::Same => prop_assert!(old.zip(new).is_some_and(|(a, b)| a.is_exactly(b))),
                Change::Marker => {
                    prop_assert!(old.zip(new).is_some_and(|(a, b)| a == b && !a.is_exactly(b)));
                }
                Change::Moved => prop_assert!(old.zip(new).is_some_and(|(a, b)| a == b)),
                Change::Changed => prop_assert!(old.zip(new).is_some_and(|(a, b)| a != b)),
                Change::New => prop_assert!(old.is_none() && new.is_some()),
                Change::Gone => prop_assert!(old.is_some() && new.is_none()),
            }
        }
    }

    #[test]
    fn the_prompt_is_shared_up_to_the_break(before in any_body(), after in any_body()) {
        let difference = between(Dialect::Anthropic, &before, &after);
        let prompt = |parts: &super::Parts<'_>, body: &str| {
            let content = |part: usize| parts.parts[part].content().map(|range| body.as_bytes()[range].to_vec());
            (0..parts.prompt()).flat_map(content).flatten().collect::<Vec<u8>>()
        };
        let (old, new) = (prompt(&difference.before, &before), prompt(&difference.after, &after));
        let shared = difference.shared_bytes;
        prop_assert_eq!(old.get(..shared), new.get(..shared));
        prop_assert_eq!(difference.broken.is_none(), difference.shared_parts == difference.before.prompt());
        if difference.broken.is_none() {
            prop_assert!(new.starts_with(&old));
        }
        prop_assert!(before.as_bytes()[..difference.raw] == after.as_bytes()[..difference.raw]);
        let broken = difference.broken.map_or(0, |broken| broken.at);
        prop_assert!(broken <= after.len());
    }

    #[test]
    fn the_same_body_is_no_difference(body in any_body()) {
        let difference = between(Dialect::Anthropic, &body, &body);
        prop_assert!(says_the_same(&difference) && difference.broken.is_none());
        prop_assert_eq!(difference.raw, body.len());
    }

    #[test]
    fn the_other_way_round_new_is_gone(before in any_body(), after in any_body()) {
        let there = between(Dialect::Anthropic, &before, &after);
        let back = between(Dialect::Anthropic, &after, &before);
        let kept = [Change::Same, Change::Marker, Change::Moved];
        prop_assert_eq!(counts(&there, &kept), counts(&back, &kept));
        let pairs = [(Change::New, Change::Gone), (Change::Gone, Change::New)];
        for (one, other) in pairs {
            let (one, other) = ([one, Change::Changed], [other, Change::Changed]);
            prop_assert_eq!(counts(&there, &one), counts(&back, &other));
        }
        prop_assert_eq!(there.shared_bytes, back.shared_bytes);
    }

    #[test]
    fn any_bytes_are_told(before in prop::collection::vec(any::<u8>(), 0..200), after in any_body()) {
        let mut exchange = detail(2, Dialect::Unknown, &after);
        let mut previous = detail(1, Dialect::Gemini, "");
        previous.request_body = before;
        let harmless = |text: &str| text.chars().all(|char| char == '\n' || crate::text::safe::is_harmless(char));
        prop_assert!(harmless(&text(&exchange, Some(&previous), &Style::plain())));
        std::mem::swap(&mut exchange, &mut previous);
        prop_assert!(harmless(&text(&exchange, Some(&previous), &Style::plain())));
    }
}
