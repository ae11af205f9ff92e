//! Where recordings are delivered to: whether it answers, and what waits.

use std::time::Duration;

use octrace_store::{
    Tape,
    delivery::{Identity, Standing},
};
use octrace_view::text::counted;

use super::Finding;
use crate::{
    config::{Settings, database::DatabaseUrl},
    paths::Paths,
    record::{destination, postgres},
};

const ABOUT: &str = "delivery";

/// How long a database may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// The database of this environment, and every destination that something waits for.
pub(super) fn destinations(paths: &Paths, settings: &Settings) -> Vec<Finding> {
    let traced = &settings.agent_trace;
    let database = traced.database.value.as_ref();
    let mut findings = Vec::new();
    if let (Some(url), Some((identity, _))) = (database, destination::postgres(traced, Vec::new()))
    {
        findings.push(reached(&identity, url));
    }
    // What is wrong with the tape is said elsewhere.
    let tape = Tape::open_existing(&paths.tape()).ok().flatten();
    let queue = tape.and_then(|tape| tape.queue().ok()).unwrap_or_default();
    findings.extend(queue.iter().filter_map(|standing| waiting(standing, database)));
    findings
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
            finding.remedy(error.hint().unwrap_or("What is recorded waits; nothing is lost."))
        }
    }
}

fn waiting(standing: &Standing, database: Option<&DatabaseUrl>) -> Option<Finding> {
    let Standing { destination, waiting, dead, .. } = standing;
    let name = &destination.identity.name;
    if *dead > 0 {
        let says = format!("{} for {name} given up", counted(*dead, "item"));
        let remedy = "`octrace queue` says why; `octrace queue retry` tries again.";
        return Some(Finding::warning(ABOUT, says).remedy(remedy));
    }
    let says = format!("{} waiting for {name}", counted(*waiting, "item"));
    let is_known = destination::url(&destination.identity, database).is_some();
    match (waiting, is_known) {
        (0, _) => None,
        (_, true) => Some(Finding::note(ABOUT, says)),
        (_, false) => Some(
            Finding::note(ABOUT, format!("{says}, whose URL is not in this environment"))
                .remedy("`octrace flush` where it is delivers them."),
        ),
    }
}

#[cfg(test)]
mod tests {
    use octrace_store::delivery::{Destination, DestinationId, Rules};

    use super::*;

    fn told(finding: &Finding) -> String {
        format!("{}: {}", finding.verdict.as_str(), finding.says)
    }

    #[test]
    fn what_waits_is_named_with_what_to_do() {
        let url = DatabaseUrl::new("postgres://me:geheim@db/trace");
        let name = url.as_ref().unwrap().name().to_owned();
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
            dead,
        };
        let says = |waiting_, dead, url: Option<&DatabaseUrl>| {
            waiting(&standing(waiting_, dead), url).as_ref().map(told)
        };
        assert_eq!(says(0, 0, None), None);
        assert_eq!(
            says(2, 0, url.as_ref()).as_deref(),
            Some("note: 2 items waiting for postgres://me@db/trace")
        );
        assert_eq!(
            says(2, 0, None).as_deref(),
            Some(
                "note: 2 items waiting for postgres://me@db/trace, whose URL is not in this environment"
            )
        );
        assert_eq!(
            says(2, 1, url.as_ref()).as_deref(),
            Some("warning: 1 item for postgres://me@db/trace given up")
        );
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
