//! Answers that are none: empty, of another kind, not UTF-8, compressed, huge. Each is recorded as it arrived,
//! and said to be what it was.

use anyhow::{Context, ensure};
use octrace_testkit::{
    Serve,
    script::{Bytes, Fault, Script, Step},
};
use serde_json::Value;

use crate::stage::{Stage, attempts, main_calls};

const PAGE: &str =
    "<!doctype html><html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>";

/// A stream in Latin-1.
const LATIN: &[u8] = b"data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"scripted\",\
    \"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"caf\xe9 \xff\xfe\"},\"finish_reason\":null}]}\n\n\
    data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"scripted\",\
    \"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

/// Bytes that are nothing: every value there is.
fn binary() -> Bytes {
    (0..=255_u8).rev().cycle().take(3_000).collect::<Vec<_>>().into()
}

fn raw(content_type: &'static str, chunks: impl IntoIterator<Item = Bytes>) -> Fault {
    Fault::Raw { content_type, chunks: chunks.into_iter().collect() }
}

/// A gzip file (RFC 1952) with `text` in one stored block.
fn gzip(text: &[u8]) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("one block");
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    file.extend(length.to_le_bytes());
    file.extend((!length).to_le_bytes());
    file.extend(text);
    let sum = !text.iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xedb8_8320 & (sum & 1).wrapping_neg())
        })
    });
    file.extend(sum.to_le_bytes());
    file.extend(u32::from(length).to_le_bytes());
    file
}

struct Met {
    stage: Stage,
    /// By the order of the faults.
    sessions: Vec<Value>,
}

/// Lets OpenCode meet each fault once, in a session of its own, before a proper answer.
fn meet<const N: usize>(faults: [(&str, Fault); N]) -> anyhow::Result<Met> {
    let names = faults.clone().map(|(name, _)| name.to_owned());
    let script = faults.into_iter().fold(Script::new(), |script, (name, fault)| {
        script.on(name, [Step::text("A proper answer.").fail_times(1, fault)])
    });
    let stage = Stage::new(script)?;
    let command = stage.serve();
    let serve = Serve::of(command)?;
    let dir = stage.home.project();
    let mut ids = Vec::new();
    for name in &names {
        let id = serve.session(&dir)?;
        serve.prompt(&dir, &id, "mock/scripted", &format!("SCRIPT:{name}"))?;
        ids.push(id);
    }
    stage.flush()?;
    let sessions = ids.iter().map(|id| stage.show(id)).collect::<Result<_, _>>()?;
    Ok(Met { stage, sessions })
}

impl Met {
    /// Compares a session with what the server saw: as many requests, each with its status and its answer,
    /// which is `decoded` for the first of them if it is not as it was sent. Gives the first one.
    fn as_sent(&self, number: usize, decoded: Option<&[u8]>) -> anyhow::Result<Value> {
        let session = &self.sessions[number];
        let recorded: Vec<_> = main_calls(session).into_iter().flat_map(attempts).collect();
        let id = session["id"].as_str().context("an id")?;
        let asked = self.stage.asked();
        let asked: Vec<_> =
            asked.iter().filter(|seen| seen.header("x-session-affinity") == Some(id)).collect();
        assert_eq!(recorded.len(), asked.len(), "{session:#}");
        for (place, (attempt, seen)) in recorded.iter().zip(&asked).enumerate() {
            assert_eq!(attempt["status"], Value::from(seen.status), "{attempt:#}");
            assert_eq!(attempt["outcome"], "complete", "{attempt:#}");
            let id = attempt["id"].to_string();
            let response = self.stage.octrace(["request", &id, "--response", "--raw"]);
            let response = response.output()?.success()?.bytes;
            let sent = seen.response_body();
            let expected = decoded.filter(|_| place == 0).unwrap_or(&sent);
            ensure!(response == expected, "{attempt:#}: {} bytes", response.len());
            assert_eq!(attempt["response_bytes"], expected.len(), "{attempt:#}");
        }
        Ok((*recorded.first().context("a request")?).clone())
    }
}

#[test]
fn what_is_no_answer_is_recorded_as_it_arrived() -> anyhow::Result<()> {
    let zipped = Fault::Status {
        code: 200,
        headers: vec![("content-encoding", "gzip".to_owned())],
        body: Some(gzip(LATIN).into()),
    };
    let met = meet([
        ("empty", raw("text/event-stream", [])),
        ("page", raw("text/html; charset=utf-8", [PAGE.into()])),
        ("binary", raw("application/octet-stream", [binary()])),
        ("latin", raw("text/event-stream", [LATIN.into()])),
        ("zipped", zipped),
    ])?;
    let problems = |attempt: &Value| attempt["problems"].to_string();
    let empty = met.as_sent(0, None)?;
    ensure!(problems(&empty).contains("empty"), "{empty:#}");
    let page = met.as_sent(1, None)?;
    ensure!(problems(&page).contains("HTML page"), "{page:#}");
    ensure!(page["error"].as_str().is_some_and(|error| error.contains("502")), "{page:#}");
    let binary = met.as_sent(2, None)?;
    ensure!(problems(&binary).contains("neither text nor JSON"), "{binary:#}");
    met.as_sent(3, None)?;
    // Bun has unpacked it before anybody sees it; the headers say what they said.
    let zipped = met.as_sent(4, Some(LATIN))?;
    let shown = met.stage.json(["request", &zipped["id"].to_string()])?;
    ensure!(shown.to_string().contains(r#"["content-encoding","gzip"]"#), "{shown:#}");
    Ok(())
}

#[test]
#[ignore = "slow"]
fn a_hundred_megabytes_are_recorded_whole() -> anyhow::Result<()> {
    // Comments: OpenCode reads past them.
    let line = format!(": {}\n", "as good as nothing ".repeat(3_449));
    let lines: Bytes = line.repeat(16).into();
    let mut chunks = vec![lines; 100 * 1024 * 1024 / (16 * line.len())];
    chunks.push(LATIN.into());
    let met = meet([("huge", raw("text/event-stream", chunks))])?;
    let huge = met.as_sent(0, None)?;
    ensure!(huge["response_bytes"].as_u64() > Some(100_000_000), "{huge:#}");
    Ok(())
}
