//! Requests of which only the beginning was recorded.

use super::*;

/// The conversation of the first `length` bytes.
fn begun(body: &str, length: usize) -> String {
    let mut exchange = detail(Dialect::Anthropic, body.get(..length).unwrap().as_bytes(), b"");
    exchange.request_cut = true;
    let mut document = open(Tab::Conversation, exchange);
    document.step(Step::Top);
    screen(&mut document, 60, 12)
}

const BODY: &str = concat!(
    r#"{"model":"m1","system":"Be brief.","messages":[{"role":"user","content":"One"},"#,
    r#"{"role":"assistant","content":"Two"},{"role":"user","content":"Three \"and\" four"}],"tools":[{"name":"bash"}]}"#,
);

#[test]
fn messages_that_are_whole_are_read_and_the_cut_one_is_shown_as_it_is() {
    let at = |text: &str| BODY.find(text).unwrap();
    insta::assert_snapshot!(begun(BODY, at(" four")), @r#"
    >  The recording has only this part of the body.
    |▸ 1 setting: model
    |▸ system · 11 B  Be brief.
    |▸ user · 31 B  One
    |▾ assistant · 36 B
    |    Two
    |▾ user · cut off · 39 B
    |    {"role":"user","content":"Three \"and\"
    |▾ answer
    |    the response's body is empty
    |
    |
    "#);
    insta::assert_snapshot!(begun(BODY, at("assistant") - 10), @r#"
    >  The recording has only this part of the body.
    |▸ 1 setting: model
    |▸ system · 11 B  Be brief.
    |▾ user · 31 B
    |    One
    |▾ answer
    |    the response's body is empty
    |
    |
    |
    |
    |
    "#);
    insta::assert_snapshot!(begun(BODY, at("bash")), @r#"
    >  The recording has only this part of the body.
    |▸ 1 setting: model
    |▸ system · 11 B  Be brief.
    |▸ user · 31 B  One
    |▸ assistant · 36 B  Two
    |▾ user · 46 B
    |    Three "and" four
    |▾ tools · cut off · 10 B
    |    [{"name":"
    |▾ answer
    |    the response's body is empty
    |
    "#);
}

#[test]
fn wherever_it_is_cut_nothing_is_lost() {
    for length in 0..BODY.len() {
        let text = begun(BODY, length);
        assert!(text.contains("The recording has only this part"), "{length}: {text}");
        let said = ["One", "Two", "Three"];
        for word in said.iter().filter(|word| BODY.get(..length).unwrap().contains(**word)) {
            assert!(text.contains(word), "{length}: {text}");
        }
    }
}
