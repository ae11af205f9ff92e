//! Which request comes before which.

use super::*;

#[test]
fn each_conversation_of_a_session_has_its_own_requests_before() {
    let mut author = Author::new();
    let first = author.asks("ses_a", "msg_1", &body(&[("user", "one")]));
    let mut title = author.exchange("ses_a", "msg_1", &body(&[("user", "title")]));
    title.request.agent = Some("title".to_owned());
    let title = author.begins(&title);
    let mut nobody = author.exchange("ses_a", "msg_1", &body(&[("user", "no agent")]));
    nobody.request.agent = None;
    let nobodies = [author.begins(&nobody), author.begins(&nobody)];
    author.asks("ses_b", "msg_1", &body(&[("user", "another session")]));
    let second = author.asks("ses_a", "msg_1", &body(&[("user", "one"), ("user", "two")]));

    let before = |id: ExchangeId| {
        let summary = author.tape.summary(id.0).unwrap().unwrap();
        author.tape.previous(&summary).unwrap()
    };
    assert_eq!([first, title, nobodies[0]].map(before), [None, None, None]);
    assert_eq!([nobodies[1], second].map(before), [Some(nobodies[0].0), Some(first.0)]);
}
