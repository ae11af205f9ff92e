//! What is to be delivered: each destination with what waits for it, and what was given up.

use octrace_store::delivery::{DeadLetter, Identity, Standing};
use serde_json::Value;

use super::{Paint, Style, counted, figures, line::Line};

/// The destinations, each with what is missing here to deliver there, and the dead letters. `now_us` is the time, µs since
/// the Unix epoch.
pub fn queue(
    destinations: &[(Standing, Option<&str>)],
    letters: &[DeadLetter],
    style: &Style,
    now_us: i64,
) -> String {
    let mut out = String::new();
    for (standing, lacks) in destinations {
        destination(standing, *lacks, style, now_us, &mut out);
    }
    for letter in letters {
        let what = letter.event.as_ref().unwrap_or(&letter.kind);
        let tries = format!("refused {}", times(letter.attempts));
        let number = letter.id.0.to_string();
        Line::new()
            .put(Paint::Bad, "dead")
            .layout(Paint::Plain, "  ")
            .put(Paint::Strong, &number)
            .layout(Paint::Plain, "  ")
            .dotted(
                style,
                Paint::Plain,
                [
                    what,
                    letter.session.as_deref().unwrap_or_default(),
                    &format!("destination {}", letter.destination.0),
                    &tries,
                    &style.date_time(letter.dead_us),
                ],
            )
            .render(style, &mut out);
        Line::new().layout(Paint::Plain, "      ").plain(&letter.reason).render(style, &mut out);
    }
    let shown = letters.len() as u64;
    let dead: u64 = destinations.iter().map(|(standing, _)| standing.dead).sum();
    if dead > shown {
        let more = format!("      and {} more", figures::grouped(dead - shown));
        Line::new().layout(Paint::Dim, &more).render(style, &mut out);
    }
    out
}

fn destination(
    standing: &Standing,
    lacks: Option<&str>,
    style: &Style,
    now_us: i64,
    out: &mut String,
) {
    let Standing { destination, waiting, oldest_us, refused, dead } = standing;
    Line::new()
        .put(Paint::Strong, &destination.id.0.to_string())
        .layout(Paint::Plain, "  ")
        .dotted(
            style,
            Paint::Plain,
            [destination.identity.name.as_str(), &sort(&destination.identity)],
        )
        .render(style, out);
    // What is missing here matters to nobody while nothing waits.
    let lacks = lacks.filter(|_| *waiting > 0 || *dead > 0);
    let since = |at_us: i64| figures::duration(now_us.saturating_sub(at_us));
    let oldest = oldest_us.map(|at_us| format!("the oldest for {}", since(at_us)));
    let waits = match waiting {
        0 => "nothing waits".to_owned(),
        waiting => format!("{} waiting", figures::grouped(*waiting)),
    };
    let dead = match dead {
        0 => String::new(),
        dead => counted(*dead, "dead letter"),
    };
    let is_tried = *waiting > 0 && destination.error.is_some() && lacks.is_none();
    let next = destination.retry_us.filter(|_| is_tried).map(|at_us| {
        let wait = at_us.saturating_sub(now_us);
        if wait > 0 {
            format!("next try in {}", figures::duration(wait))
        } else {
            "tried again".to_owned()
        }
    });
    let (oldest, next) = (oldest.unwrap_or_default(), next.unwrap_or_default());
    Line::new()
        .layout(Paint::Plain, "   ")
        .dotted(style, Paint::Plain, [&waits, &oldest, &dead, &next, lacks.unwrap_or_default()])
        .render(style, out);
    if let Some(error) = &destination.error {
        let failed = format!("   failed {}: ", times(destination.attempts));
        Line::new().layout(Paint::Warn, &failed).plain(error).render(style, out);
    }
    if let Some(reason) = refused {
        let refused = "   refused, and tried again: ";
        Line::new().layout(Paint::Warn, refused).plain(reason).render(style, out);
    }
}

/// What tells destinations with one address apart, but for their keys; a Postgres' address says it all.
fn sort(destination: &Identity) -> String {
    let options: Value = serde_json::from_str(&destination.options).unwrap_or_default();
    let option = |name: &str| options[name].as_str().unwrap_or_default();
    let kind = match (destination.kind.as_str(), option("profile")) {
        ("postgres", _) => return String::new(),
        ("otlp", profile) if !profile.is_empty() => format!("otlp, {profile}"),
        (kind, _) => kind.to_owned(),
    };
    match option("content") {
        content @ "metadata_only" => format!("{kind}, {content}"),
        _ => kind,
    }
}

fn times(number: u32) -> String {
    match number {
        0 => "never".to_owned(),
        1 => "once".to_owned(),
        number => format!("{number} times"),
    }
}

#[cfg(test)]
mod tests {
    use octrace_store::delivery::{DeliveryId, Destination, DestinationId, Identity, Rules};

    use super::*;

    const NOW: i64 = 1_800_000_000_000_000;

    fn standing(id: i64, error: Option<&str>) -> Standing {
        Standing {
            destination: Destination {
                id: DestinationId(id),
                identity: Identity {
                    kind: "postgres".to_owned(),
                    name: format!("postgres://me@db{id}/trace"),
                    options: "{}".to_owned(),
                },
                rules: Rules::default(),
                attempts: if error.is_some() { 3 } else { 0 },
                retry_us: error.map(|_| NOW + 42_000_000),
                retry_is_asked: false,
                error: error.map(str::to_owned),
            },
            waiting: if error.is_some() { 1_234 } else { 0 },
            oldest_us: error.map(|_| NOW - 3_900_000_000),
            refused: None,
            dead: if error.is_some() { 12 } else { 0 },
        }
    }

    fn backend(kind: &str, options: &str) -> Standing {
        let mut standing = standing(4, None);
        let identity = &mut standing.destination.identity;
        (identity.kind, identity.options) = (kind.to_owned(), options.to_owned());
        identity.name = "http://localhost:6006".to_owned();
        standing
    }

    #[test]
    fn it_says_what_waits_where_since_when_and_why() {
        let letter = |id, event: Option<&str>, session: Option<&str>| DeadLetter {
            id: DeliveryId(id),
            destination: DestinationId(1),
            kind: "event".to_owned(),
            item: "7".to_owned(),
            event: event.map(str::to_owned),
            session: session.map(str::to_owned),
            attempts: 6,
            queued_us: NOW,
            dead_us: NOW,
            reason: "value too long\u{1b}[2J".to_owned(),
        };
        let away = "no connection to db1:5432: connection refused";
        let mut refusing = backend("helicone", "{}");
        (refusing.waiting, refusing.refused) = (2, Some("answered 400 (no)\u{1b}[2J".to_owned()));
        let mut given_up = standing(5, Some(away));
        (given_up.waiting, given_up.oldest_us, given_up.dead) = (0, None, 0);
        let destinations = [
            (standing(1, Some(away)), None),
            (given_up, None),
            (standing(2, Some(away)), Some("its URL is not in this environment")),
            (standing(3, None), Some("its URL is not in this environment")),
            (backend("otlp", r#"{"profile":"openinference","content":"full"}"#), None),
            (backend("helicone", r#"{"profile":"genai","content":"metadata_only"}"#), None),
            (backend("newer", "[]"), None),
            (refusing, None),
        ];
        let letters = [letter(17, Some("message.updated"), Some("ses_1")), letter(18, None, None)];
        insta::assert_snapshot!(queue(&destinations, &letters, &Style::plain(), NOW), @"
        1  postgres://me@db1/trace
           1,234 waiting · the oldest for 1h05m · 12 dead letters · next try in 42.0s
           failed 3 times: no connection to db1:5432: connection refused
        5  postgres://me@db5/trace
           nothing waits
           failed 3 times: no connection to db1:5432: connection refused
        2  postgres://me@db2/trace
           1,234 waiting · the oldest for 1h05m · 12 dead letters · its URL is not in this environment
           failed 3 times: no connection to db1:5432: connection refused
        3  postgres://me@db3/trace
           nothing waits
        4  http://localhost:6006 · otlp, openinference
           nothing waits
        4  http://localhost:6006 · helicone, metadata_only
           nothing waits
        4  http://localhost:6006 · newer
           nothing waits
        4  http://localhost:6006 · helicone
           2 waiting
           refused, and tried again: answered 400 (no)␛[2J
        dead  17  message.updated · ses_1 · destination 1 · refused 6 times · 2027-01-15 08:00:00
              value too long␛[2J
        dead  18  event · destination 1 · refused 6 times · 2027-01-15 08:00:00
              value too long␛[2J
              and 22 more
        ");
    }
}
