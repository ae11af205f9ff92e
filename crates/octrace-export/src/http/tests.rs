use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::{Arc, mpsc},
    thread,
};

use octrace_testkit::{Identity, PATIENCE, refused_url};
use proptest::prelude::*;
use tokio_rustls::rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::*;

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

/// A server on loopback; it gives each connection to `serve`, until the test ends.
fn server(
    tls: Option<&Identity>,
    serve: impl Fn(&mut BufReader<Box<dyn Stream>>) + Send + 'static,
) -> String {
    let config = tls.map(|identity| {
        let certificate =
            CertificateDer::from_pem_slice(identity.certificate().as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(identity.key().unwrap().as_bytes()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap();
        Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap())
    });
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let scheme = if config.is_some() { "https" } else { "http" };
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let stream: Box<dyn Stream> = match &config {
                None => Box::new(stream),
                Some(config) => {
                    let tls = ServerConnection::new(Arc::clone(config)).unwrap();
                    Box::new(StreamOwned::new(tls, stream))
                }
            };
            serve(&mut BufReader::new(stream));
        }
    });
    format!("{scheme}://localhost:{port}")
}

/// One request: its head and its body.
fn request(stream: &mut BufReader<Box<dyn Stream>>) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    if head.contains("expect: 100-continue") {
        stream.get_mut().write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
    }
    let length = head.split("content-length: ").nth(1)?.lines().next()?.parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some((head, body))
}

/// Answers every request with these bytes and closes.
fn answering(answer: impl Into<Vec<u8>>) -> String {
    let answer = answer.into();
    server(None, move |stream| {
        request(stream);
        // A client that has enough may have gone.
        drop(stream.get_mut().write_all(&answer));
    })
}

fn client() -> Client {
    Client::with(None, PATIENCE)
}

fn answer(status: u16, body: &str) -> Answer {
    Answer::new(status, body)
}

#[test]
fn what_is_posted_arrives_and_what_is_answered_comes_back() {
    let (tell, told) = mpsc::channel();
    let url = server(None, move |stream| {
        while let Some(asked) = request(stream) {
            tell.send(asked).unwrap();
            let answer = b"HTTP/1.1 202 Accepted\r\ncontent-length: 4\r\n\r\nfine";
            stream.get_mut().write_all(answer).unwrap();
        }
    });
    let client = client();
    let headers = [("x-api-key".to_owned(), "key".to_owned())];
    for body in [vec![], vec![7; 10], vec![8; 3 * ASKED_FIRST]] {
        let answer = client.post(&format!("{url}/v1/traces?a=b"), &headers, &body).unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (202, &b"fine"[..]));
        let (head, arrived) = told.recv().unwrap();
        assert!(head.starts_with("POST /v1/traces?a=b HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("x-api-key: key\r\n"), "{head}");
        assert!(head.contains(concat!("octrace/", env!("CARGO_PKG_VERSION"))), "{head}");
        assert!(arrived == body);
    }
}

#[test]
fn a_private_authority_is_believed_where_its_file_is_named() {
    let authority = Identity::authority("our own").unwrap();
    let url = server(Some(&authority.server("localhost").unwrap()), |stream| {
        request(stream).unwrap();
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.crt");
    // What else is in the file does not matter.
    fs::write(&file, format!("# ours\n{}{}", authority.key().unwrap(), authority.certificate()))
        .unwrap();
    let client = Client::with(Some(&file), PATIENCE);
    assert_eq!(client.post(&url, &[], b"x").unwrap().status, 200);
}

#[test]
fn nobody_else_is_believed() {
    let (ours, other) =
        (Identity::authority("our own").unwrap(), Identity::authority("other").unwrap());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.crt");
    fs::write(&file, ours.certificate()).unwrap();
    let client = Client::with(Some(&file), PATIENCE);
    for (identity, why) in [
        (other.server("localhost").unwrap(), "UnknownIssuer"),
        (ours.server("elsewhere").unwrap(), "not valid for name"),
    ] {
        let url = server(Some(&identity), |stream| assert!(request(stream).is_none()));
        let told = client.post(&url, &[], b"x").unwrap_err().why;
        assert!(told.contains("certificate") && told.contains(why), "{told}");
    }
}

#[test]
fn without_certificates_to_believe_only_tls_fails() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty");
    fs::write(&empty, "").unwrap();
    let plain = answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    for (file, why) in [
        (empty, "empty: it has no certificate in PEM"),
        (folder.path().join("nowhere"), "nowhere: No such file"),
    ] {
        let client = Client::with(Some(&file), PATIENCE);
        let told = client.post("https://localhost:1", &[], b"x").unwrap_err().why;
        assert!(told.contains(why), "{told}");
        assert_eq!(client.post(&plain, &[], b"x").unwrap().status, 200);
    }
}

#[test]
fn who_does_not_answer_in_time_is_unreachable() {
    let limit = Duration::from_millis(300);
    let client = Client::with(None, limit);
    let silent = server(None, |stream| {
        request(stream);
        // It says nothing and closes nothing, until the other end has gone.
        drop(stream.read(&mut [0]));
    });
    let slow = server(None, move |stream| {
        request(stream);
        let stream = stream.get_mut();
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n"));
        while stream.write_all(b"x").and_then(|()| stream.flush()).is_ok() {
            thread::sleep(limit / 30);
        }
    });
    for url in [silent, slow] {
        let told = client.post(&url, &[], b"x").unwrap_err();
        assert_eq!(told.why, "no whole answer within 0.3 s");
    }
}

#[test]
fn an_answer_that_is_cut_is_none_unless_its_status_says_enough() {
    let cut = answering("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
    client().post(&cut, &[], b"x").unwrap_err();
    let cut = answering("HTTP/1.1 400 Bad\r\ncontent-length: 10\r\n\r\nhalf");
    assert_eq!(client().post(&cut, &[], b"x").unwrap(), answer(400, "half"));
    for nothing in ["", "HTTP/1.1 20", "no HTTP at all\r\n\r\n"] {
        client().post(&answering(nothing), &[], b"x").unwrap_err();
    }
}

#[test]
fn an_answer_without_end_is_read_as_far_as_it_matters() {
    let endless = server(None, |stream| {
        request(stream);
        let stream = stream.get_mut();
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n"));
        while stream.write_all(&[b'x'; 4096]).is_ok() {}
    });
    assert_eq!(client().post(&endless, &[], b"x").unwrap().body.len() as u64, ANSWER_MAX);
}

#[test]
fn a_body_that_is_refused_unseen_is_not_sent() {
    let early = server(None, |stream| {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            stream.read_line(&mut head).unwrap();
        }
        let answer = b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        stream.get_mut().write_all(answer).unwrap();
    });
    let answer = client().post(&early, &[], &vec![0; 4 * ASKED_FIRST]).unwrap();
    assert_eq!(answer.judge(0), Verdict::Refused("answered 413".to_owned()));
}

#[test]
fn a_redirect_is_not_followed() {
    let (tell, told) = mpsc::channel();
    let elsewhere = server(None, move |_| tell.send(()).unwrap());
    for status in [301, 302, 303, 307, 308] {
        let url = answering(format!(
            "HTTP/1.1 {status} Moved\r\nlocation: {elsewhere}/\r\ncontent-length: 0\r\n\r\n"
        ));
        let answer = client().post(&url, &[], b"x").unwrap();
        let why = format!("answered {status}, a redirect, which is not followed");
        assert_eq!(answer.judge(0), Verdict::Later { why, retry_after: None });
    }
    assert!(told.try_recv().is_err());
}

#[test]
fn nothing_of_a_request_is_in_what_is_told_of_it() {
    let secret = ["hunter", "2hunter2"].concat();
    let port = refused_url().unwrap().split(':').next_back().unwrap().to_owned();
    let key = |value: &str| [("authorization".to_owned(), format!("Bearer {value}"))];
    let refused = format!("http://me:{secret}@localhost:{port}/v1/traces?key={secret}#{secret}");
    let mut told = vec![
        client().post(&refused, &key(&secret), b"x").unwrap_err(),
        client().post(&format!("http://localhost/ {secret}"), &[], b"x").unwrap_err(),
        client().post(&format!("{secret}://localhost"), &[], b"x").unwrap_err(),
        client().post(&refused, &key(&format!("{secret}\n")), b"x").unwrap_err(),
    ];
    assert_eq!(told[0].place, format!("http://localhost:{port}/v1/traces"));
    told.push(client().post(&secret, &[], b"x").unwrap_err());
    for told in told {
        assert!(!format!("{told} {told:?}").contains(&secret), "{told:?}");
    }
    let repeats = format!("no such key: {secret}, Bearer {secret}, application/x-protobuf");
    let url =
        answering(format!("HTTP/1.1 401 No\r\ncontent-length: {}\r\n\r\n{repeats}", repeats.len()));
    let mut headers = key(&secret).to_vec();
    headers.push(("Content-Type".to_owned(), "application/x-protobuf".to_owned()));
    let said = client().post(&url, &headers, b"x").unwrap().said();
    let stars = "*".repeat(secret.len());
    let expected = format!("no such key: {stars}, ****** {stars}, application/x-protobuf");
    assert_eq!(said, Some(expected));
}

#[test]
fn verdicts_are_by_status() {
    use Verdict::{Accepted, Later, Refused};
    for status in 200..600 {
        let verdict = answer(status, "").judge(0);
        let is_right = match status {
            200..=299 => verdict == Accepted,
            401 | 403 | 404 | 408 | 429 => matches!(verdict, Later { .. }),
            400..=499 => matches!(verdict, Refused(_)),
            _ => matches!(verdict, Later { .. }),
        };
        assert!(is_right, "{status}: {verdict:?}");
    }
    let told = answer(400, r#"{"error":{"message":"no\u001b[31m such\n  span"}}"#).judge(0);
    assert_eq!(told, Refused("answered 400 (no [31m such span)".to_owned()));
}

#[test]
fn backends_words_are_found_wherever_they_keep_them() {
    let said = |body: &str| answer(400, body).said().unwrap_or_default();
    assert_eq!(said(r#"{"error":"no"}"#), "no");
    assert_eq!(said(r#"{"message":"no"}"#), "no");
    assert_eq!(said(r#"{"detail":"no"}"#), "no");
    assert_eq!(said(r#"{"code":7}"#), r#"{"code":7}"#);
    assert_eq!(said(" plain\r\n words "), "plain words");
    assert_eq!(said("<html>no</html>"), "");
    assert_eq!(said(""), "");
    assert_eq!(said(&"ä".repeat(400)), format!("{}…", "ä".repeat(300)));
}

#[test]
fn it_is_known_how_long_a_backend_wants_peace() {
    // 21 October 2015, 07:28:00 UTC.
    let at_us = 1_445_412_480_000_000;
    for (said, waits) in [
        ("120", Some(120)),
        (" 0 ", Some(0)),
        ("Wed, 21 Oct 2015 07:29:30 GMT", Some(90)),
        ("Wed, 21 Oct 2015 07:27:00 GMT", Some(0)),
        ("-1", None),
        ("soon", None),
        ("99999999999999999999", None),
    ] {
        let answer = Answer { retry_after: Some(said.to_owned()), ..answer(429, "") };
        assert_eq!(answer.retry_after(at_us), waits.map(Duration::from_secs), "{said}");
    }
    let url = answering("HTTP/1.1 429 Slowly\r\nRetry-After: 7\r\ncontent-length: 0\r\n\r\n");
    let verdict = client().post(&url, &[], b"x").unwrap().judge(0);
    let why = "answered 429".to_owned();
    assert_eq!(verdict, Verdict::Later { why, retry_after: Some(Duration::from_secs(7)) });
}

proptest! {
    #[test]
    fn no_answer_is_too_odd_to_be_judged(status in any::<u16>(), body in any::<Vec<u8>>(), header in any::<String>()) {
        let odd = Answer { status, body, retry_after: Some(header) };
        odd.judge(0);
        odd.retry_after(i64::MIN);
        odd.retry_after(i64::MAX);
    }
}
