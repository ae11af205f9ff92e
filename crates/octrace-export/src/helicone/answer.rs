//! What Helicone's answers mean: it says `200` to what it could not store, too, and only the body tells.

use crate::http::{Answer, Verdict};

/// What an answer to a log means for it, `now_us` being µs since the Unix epoch. A server of one's own answers `204`.
pub fn judge(answer: &Answer, now_us: i64) -> Verdict {
    if answer.status != 200 || answer.body.trim_ascii() == b"ok" {
        return answer.judge(now_us);
    }
    let said = answer.said().map_or_else(String::new, |said| format!(" ({said})"));
    let why = format!("answered 200, but not that the log is stored{said}");
    Verdict::Later { why, retry_after: answer.retry_after(now_us) }
}

#[cfg(test)]
mod tests {
    use octrace_testkit::{Answer, Receiver, Response};

    use super::*;
    use crate::http::Client;

    #[test]
    fn only_ok_is_accepted() {
        let receiver = Receiver::otlp().unwrap();
        let client = Client::new();
        let told = |status, body: &str| {
            receiver.always(Answer::Says(Response::new(status, body)));
            let answer = client.post(&receiver.url(), &[], b"{}").unwrap();
            format!("{:?}", judge(&answer, 0))
        };
        assert_eq!(told(200, "ok\n"), "Accepted");
        assert_eq!(told(204, ""), "Accepted");
        insta::assert_snapshot!(told(200, r#"{"error":"Error logging"}"#), @r#"Later { why: "answered 200, but not that the log is stored (Error logging)", retry_after: None }"#);
        insta::assert_snapshot!(told(200, ""), @r#"Later { why: "answered 200, but not that the log is stored", retry_after: None }"#);
        insta::assert_snapshot!(told(200, "<html>a proxy's page"), @r#"Later { why: "answered 200, but not that the log is stored", retry_after: None }"#);
        insta::assert_snapshot!(told(400, "Payload too large"), @r#"Refused("answered 400 (Payload too large)")"#);
        insta::assert_snapshot!(told(401, "Unauthorized"), @r#"Later { why: "answered 401: it does not accept the key (Unauthorized)", retry_after: None }"#);
    }
}
