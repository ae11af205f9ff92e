//! Where recordings are delivered to: whether it answers, and what waits.

use std::time::Duration;

use octrace_export::http::{Answer, Client, Verdict};
use octrace_store::{
    Tape,
    delivery::{Identity, Standing},
};
use octrace_view::text::counted;

use super::Finding;
use crate::{
    config::{Settings, database::DatabaseUrl},
    paths::Paths,
    record::{
        Access, Delivery, Reach,
        destination::{self, HELICONE, NEATLOGS},
        now_us, postgres,
    },
};

const ABOUT: &str = "delivery";

/// How long a destination may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);

const NO_ENDPOINT: &str = "That is no endpoint for traces, it seems: correct it.";

const WAITS: &str = "What is recorded waits; nothing is lost.";

/// The destinations of this environment, and every other one that something waits for.
pub(super) fn destinations(paths: &Paths, settings: &Settings) -> Vec<Finding> {
    let delivery = Delivery::new(settings);
    // What is wrong with the tape is said elsewhere.
    let tape = Tape::open_existing(&paths.tape()).ok().flatten();
    let queue = tape.and_then(|tape| tape.queue().ok()).unwrap_or_default();
    let own = destination::own(settings);
    let waiting = queue.iter().filter(|standing| standing.waiting > 0);
    let waiting = waiting.map(|standing| &standing.destination.identity);
    let mut findings: Vec<_> = own.iter().filter_map(|to| tried(to, &delivery)).collect();
    for finding in waiting.filter(|to| !own.contains(to)).filter_map(|to| tried(to, &delivery)) {
        // They differ in what they are sent; who answers may be the same.
        if !findings.contains(&finding) {
            findings.push(finding);
        }
    }
    findings
        .extend(settings.backends.otlp.off().map(|(endpoint, variable)| off(&endpoint, &variable)));
    findings.extend(
        queue
            .iter()
            .filter_map(|standing| waits(standing, delivery.lacks(&standing.destination.identity))),
    );
    findings
}

/// A backend of the settings that gets nothing from an OpenCode with this environment.
fn off(endpoint: &str, variable: &str) -> Finding {
    let says = format!("nothing is sent to {endpoint} from here: {variable} is not set");
    Finding::note(ABOUT, says)
        .remedy("OpenCode needs it in its environment, and `octrace flush` too.")
}

/// Whether it answers; `None` where nothing of this environment leads there.
fn tried(to: &Identity, delivery: &Delivery) -> Option<Finding> {
    Some(match delivery.reach(to)? {
        Reach::Postgres(url) => reached(to, url),
        Reach::Backend(access) => heard(to, &access),
    })
}

/// What a tracing backend says to a request that leaves nothing there: without any span, or, where that is no
/// request, one that is refused for what it is.
fn heard(to: &Identity, access: &Access) -> Finding {
    let (content_type, body): (_, &[u8]) = match to.kind.as_str() {
        HELICONE => ("application/json", b"{}"),
        _ => ("application/x-protobuf", b""),
    };
    let mut headers = vec![("content-type".to_owned(), content_type.to_owned())];
    headers.extend(access.headers.iter().cloned());
    match Client::within(PATIENCE).post(&access.url, &headers, body) {
        Ok(answer) => answered(to, &answer),
        Err(error) => {
            Finding::problem(ABOUT, format!("nothing is delivered now: {error}")).remedy(WAITS)
        }
    }
}

fn answered(to: &Identity, answer: &Answer) -> Finding {
    let Identity { kind, name, .. } = to;
    if kind == HELICONE && answer.status == 400 {
        let says = format!("{name} answers; whether it accepts the key, the first log shows");
        return Finding::ok(ABOUT, says);
    }
    let (why, remedy) = match (answer.judge(now_us()), answer.status) {
        (Verdict::Accepted, _) if answer.is_page() => {
            let says = format!("nothing is delivered now: {name} answers with a page for browsers");
            return Finding::problem(ABOUT, says).remedy(NO_ENDPOINT);
        }
        (Verdict::Accepted | Verdict::Partly(_), _) => {
            return Finding::ok(ABOUT, format!("{name} answers"));
        }
        (Verdict::Refused(why), _) => (why, NO_ENDPOINT),
        (Verdict::Later { why, .. }, 401 | 403) => (why, key(kind)),
        (Verdict::Later { why, .. }, 300..=499) if answer.status != 429 => {
            (why, "Correct the endpoint: it is the base URL, and the path comes by itself.")
        }
        (Verdict::Later { why, .. }, _) => (why, WAITS),
    };
    Finding::problem(ABOUT, format!("nothing is delivered now: {name} {why}")).remedy(remedy)
}

/// Where to look for a key that is not accepted.
fn key(kind: &str) -> &'static str {
    match kind {
        NEATLOGS => "Correct NEATLOGS_API_KEY, or `neatlogs.api_key` in the settings.",
        HELICONE => "Correct HELICONE_API_KEY, or `helicone.api_key` in the settings.",
        _ => "Correct OCTRACE_OTEL_EXPORTER_OTLP_HEADERS, or the headers in the settings.",
    }
}

fn reached(identity: &Identity, url: &DatabaseUrl) -> Finding {
    let name = &identity.name;
    let mut client = match postgres::client(identity, url) {
        Ok(client) => client.with_limit(PATIENCE),
        Err(why) => {
            return Finding::problem(ABOUT, format!("{name}: {why}")).remedy("Correct the URL.");
        }
    };
    match client.version() {
        Ok(0) => {
            let says =
                format!("{name} answers; it has no tables yet, the first delivery makes them");
            Finding::ok(ABOUT, says)
        }
        Ok(version) => Finding::ok(ABOUT, format!("{name} answers, tables of version {version}")),
        Err(error) => {
            let finding = Finding::problem(ABOUT, format!("nothing is delivered now: {error}"));
            finding.remedy(error.hint().unwrap_or(WAITS))
        }
    }
}

fn waits(standing: &Standing, lacks: Option<&str>) -> Option<Finding> {
    let Standing { destination, waiting, dead, .. } = standing;
    let name = &destination.identity.name;
    if *dead > 0 {
        let says = format!("{} for {name} given up", counted(*dead, "item"));
        let remedy = "`octrace queue` says why; `octrace queue retry` tries again.";
        return Some(Finding::warning(ABOUT, says).remedy(remedy));
    }
    let says = format!("{} waiting for {name}", counted(*waiting, "item"));
    match (waiting, lacks) {
        (0, _) => None,
        (_, None) => Some(Finding::note(ABOUT, says)),
        (_, Some(lacks)) => Some(
            Finding::note(ABOUT, format!("{says}: {lacks}"))
                .remedy("`octrace flush` where it is delivers them."),
        ),
    }
}

#[cfg(test)]
mod tests {
    use octrace_store::delivery::{Destination, DestinationId, Rules};
    use octrace_testkit::{Receiver, Response};

    use super::*;

    fn told(finding: &Finding) -> String {
        format!("{}: {}", finding.verdict.as_str(), finding.says)
    }

    #[test]
    fn what_waits_is_named_with_what_to_do() {
        let name = "postgres://me@db/trace".to_owned();
        let identity = Identity { kind: "postgres".to_owned(), name, options: "{}".to_owned() };
        let id = DestinationId(1);
        let destination = Destination {
            id,
            identity,
            rules: Rules::default(),
            attempts: 0,
            retry_us: None,
            retry_is_asked: false,
            error: None,
        };
        let standing = |waiting, dead| Standing {
            destination: destination.clone(),
            waiting,
            oldest_us: None,
            refused: None,
            dead,
        };
        let says = |waiting, dead, lacks| waits(&standing(waiting, dead), lacks).as_ref().map(told);
        assert_eq!(says(0, 0, None), None);
        let two = "note: 2 items waiting for postgres://me@db/trace";
        assert_eq!(says(2, 0, None).as_deref(), Some(two));
        let lacks = "its URL is not in this environment";
        assert_eq!(says(2, 0, Some(lacks)), Some(format!("{two}: {lacks}")));
        assert_eq!(
            says(2, 1, None).as_deref(),
            Some("warning: 1 item for postgres://me@db/trace given up")
        );
    }

    #[test]
    fn a_backend_whose_key_is_not_set_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        let table = "[[otlp]]\nendpoint = \"https://traces.example\"\nheaders = { x-key = \"${TRACES_KEY}\" }\n";
        std::fs::write(&file, table).unwrap();
        let found = |key: Option<&str>| {
            let settings =
                crate::config::load(&file, folder.path(), &crate::config::Options::new(), |name| {
                    key.filter(|_| name == "TRACES_KEY").map(Into::into)
                });
            let off = settings.backends.otlp.off();
            off.map(|(endpoint, variable)| told(&super::off(&endpoint, &variable)))
                .collect::<Vec<_>>()
        };
        let says =
            "note: nothing is sent to https://traces.example from here: TRACES_KEY is not set";
        assert_eq!(found(None), [says]);
        assert_eq!(found(Some("k")), [""; 0]);
    }

    #[test]
    fn a_backend_is_asked_without_leaving_anything_there() {
        let key = "k".repeat(20);
        let ask = |kind: &str, receiver: &Receiver| {
            let (kind, options) = (kind.to_owned(), "{}".to_owned());
            let identity = Identity { kind, name: receiver.url(), options };
            let headers = vec![("x-api-key".to_owned(), key.clone())];
            let access = Access { url: format!("{}/v1/traces", receiver.url()), headers };
            let finding = heard(&identity, &access);
            assert!(!format!("{finding:?}").contains(&key), "{finding:?}");
            let remedy = finding.remedy.clone().unwrap_or_default();
            format!("{} -> {remedy}", told(&finding)).replace(&receiver.url(), "URL")
        };
        let otlp = Receiver::otlp().unwrap();
        assert_eq!(ask("otlp", &otlp), "ok: URL answers -> ");
        let asked = &otlp.received()[0];
        assert_eq!((asked.spans().unwrap().len(), asked.body.len()), (0, 0));
        assert_eq!(asked.header("x-api-key"), Some(key.as_str()));
        let helicone = Receiver::helicone().unwrap();
        let refused = "ok: URL answers; whether it accepts the key, the first log shows -> ";
        assert_eq!(ask("helicone", &helicone), refused);
        // It is told to be answered once the answer has left.
        helicone.wait_for(|received| received[0].answered == Some(400)).unwrap();

        let says = |kind: &str, status, body: &str| {
            otlp.always(self::says(status, body));
            ask(kind, &otlp)
        };
        insta::assert_snapshot!(says("neatlogs", 401, &format!("no such key: {key}")), @"PROBLEM: nothing is delivered now: URL answered 401: it does not accept the key (no such key: ********************) -> Correct NEATLOGS_API_KEY, or `neatlogs.api_key` in the settings.");
        insta::assert_snapshot!(says("helicone", 401, ""), @"PROBLEM: nothing is delivered now: URL answered 401: it does not accept the key -> Correct HELICONE_API_KEY, or `helicone.api_key` in the settings.");
        insta::assert_snapshot!(says("otlp", 403, ""), @"PROBLEM: nothing is delivered now: URL answered 403: it does not accept the key -> Correct OCTRACE_OTEL_EXPORTER_OTLP_HEADERS, or the headers in the settings.");
        insta::assert_snapshot!(says("otlp", 404, "<html>"), @"PROBLEM: nothing is delivered now: URL answered 404: there is no such endpoint -> Correct the endpoint: it is the base URL, and the path comes by itself.");
        insta::assert_snapshot!(says("otlp", 400, "not OTLP"), @"PROBLEM: nothing is delivered now: URL answered 400 (not OTLP) -> That is no endpoint for traces, it seems: correct it.");
        insta::assert_snapshot!(says("otlp", 200, "\n<!doctype html>"), @"PROBLEM: nothing is delivered now: URL answers with a page for browsers -> That is no endpoint for traces, it seems: correct it.");
        insta::assert_snapshot!(says("otlp", 200, "{}"), @"ok: URL answers -> ");
        insta::assert_snapshot!(says("otlp", 429, ""), @"PROBLEM: nothing is delivered now: URL answered 429 -> What is recorded waits; nothing is lost.");
        insta::assert_snapshot!(says("otlp", 503, "in maintenance"), @"PROBLEM: nothing is delivered now: URL answered 503 (in maintenance) -> What is recorded waits; nothing is lost.");
        otlp.is_down(true);
        let away = ask("otlp", &otlp);
        assert!(away.starts_with("PROBLEM: nothing is delivered now: URL/v1/traces: "), "{away}");
    }

    fn says(status: u16, body: &str) -> octrace_testkit::Answer {
        octrace_testkit::Answer::Says(Response::new(status, body))
    }

    #[test]
    fn a_database_that_is_not_there_is_a_problem_without_its_password() {
        // Nothing listens there.
        let url = DatabaseUrl::new("postgres://me:geheim@127.0.0.1:1/trace").unwrap();
        let options = r#"{"redaction":true,"patterns":[]}"#.to_owned();
        let kind = destination::POSTGRES.to_owned();
        let identity = Identity { kind, name: url.name().to_owned(), options };
        let finding = reached(&identity, &url);
        assert!(finding.says.contains("127.0.0.1:1"), "{finding:?}");
        assert!(told(&finding).starts_with("PROBLEM"), "{finding:?}");
        assert!(!format!("{finding:?}").contains("geheim"));
    }
}
