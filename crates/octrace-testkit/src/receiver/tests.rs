//! The receiver breaks what it is told to, and only that.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use super::*;

/// The answers to requests with these bodies on one connection; what is there of them when it ends.
fn post(receiver: &Receiver, bodies: &[&str]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", receiver.port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    for body in bodies {
        let head =
            format!("POST /v1/traces HTTP/1.1\r\nX-Api-Key: k\r\ncontent-length: {}", body.len());
        // The other end may be gone already, as it is to be.
        write!(stream, "{head}\r\n\r\n{body}").ok();
    }
    stream.shutdown(std::net::Shutdown::Write).ok();
    let mut answers = Vec::new();
    stream.read_to_end(&mut answers).ok();
    String::from_utf8(answers).unwrap()
}

#[test]
fn requests_are_kept_in_order_and_answered_on_one_connection() {
    let receiver = Receiver::otlp().unwrap();
    let mut count = 0;
    receiver.script(move |received| {
        assert_eq!((received.header("x-api-key"), received.body.len()), (Some("k"), 0));
        count += 1;
        match count {
            1 => Answer::Says(Response::new(429, "wait").header("retry-after", "7")),
            2 => Answer::Slowly(Response::new(500, "no"), Duration::from_micros(10)),
            _ => Answer::Well,
        }
    });
    let answers = post(&receiver, &["one", "two", "", "three"]);
    insta::assert_snapshot!(answers.replace('\r', ""), @"
    HTTP/1.1 429 .
    content-length: 4
    retry-after: 7

    waitHTTP/1.1 500 .
    content-length: 2

    noHTTP/1.1 200 .
    content-length: 0
    content-type: application/x-protobuf

    HTTP/1.1 400 .
    content-length: 20

    the body is not OTLP");
    let received = receiver.received();
    let bodies: Vec<_> = received.iter().map(|one| (&one.body[..], one.answered)).collect();
    let all: [(&[u8], _); 4] =
        [(b"one", Some(429)), (b"two", Some(500)), (b"", Some(200)), (b"three", Some(400))];
    assert_eq!(bodies, all);
}

#[test]
fn connections_end_where_they_are_told_to() {
    let receiver = Receiver::otlp().unwrap();
    let kept = || receiver.received().iter().map(|one| one.answered).collect::<Vec<_>>();
    receiver.always(Answer::CutAsked);
    assert_eq!(post(&receiver, &["lost"]), "");
    assert_eq!(kept(), []);
    receiver.always(Answer::CutUnanswered);
    assert_eq!(post(&receiver, &["kept"]), "");
    receiver.always(Answer::CutAnswered(Response::new(200, "0123456789")));
    assert!(
        "HTTP/1.1 200 .\r\ncontent-length: 10\r\n\r\n".starts_with(&post(&receiver, &["kept"]))
    );
    assert_eq!(kept(), [None, None]);
    receiver.always(Answer::Well);
    receiver.is_down(true);
    assert_eq!(post(&receiver, &[""]), "");
    receiver.is_down(false);
    assert!(post(&receiver, &[""]).starts_with("HTTP/1.1 200"));
    assert_eq!(kept(), [None, None, Some(200)]);
}

#[test]
fn silence_lasts_until_it_is_released() {
    let receiver = Receiver::otlp().unwrap();
    receiver.always(Answer::Silence);
    thread::scope(|scope| {
        let asked = scope.spawn(|| post(&receiver, &[""]));
        receiver.wait_for(|received| received.len() == 1).unwrap();
        assert_eq!(receiver.received()[0].answered, None);
        receiver.release();
        assert!(asked.join().unwrap().starts_with("HTTP/1.1 200"));
    });
    receiver.wait_for(|received| received[0].answered == Some(200)).unwrap();
}
