//! Which rows fit.

use super::*;

/// Each example of the reference, and what of [exchange, tool, prompt] fits it. `text:` finds nothing in these rows.
const EXAMPLES: &[(&str, [bool; 3])] = &[
    ("date parser", [false, true, true]),
    ("\"date parser\"", [false, false, true]),
    ("kind:error tool:bash", [false, true, false]),
    ("status:4xx,5xx", [true, false, false]),
    ("-kind:tool", [true, false, true]),
    ("cost>0.1", [true, false, false]),
    ("kind:error", [true, true, false]),
    ("kind:error,tool", [true, true, false]),
    ("-kind:meta", [true, true, true]),
    ("model:claude", [true, false, false]),
    ("model:openai/gpt", [false, false, false]),
    ("provider:anthropic", [true, false, false]),
    ("agent:build", [true, false, false]),
    ("status:429", [false, false, false]),
    ("status:5xx", [true, false, false]),
    ("status>=400", [true, false, false]),
    ("tool:bash", [false, true, false]),
    ("tool:read,grep", [false, false, false]),
    ("session:ses_e07c", [true, true, true]),
    ("title:\"date parser\"", [true, true, true]),
    ("project:website", [true, true, true]),
    ("text:parse_date", [false, false, false]),
    ("text:\"not found\"", [false, false, false]),
    ("text:dat*", [false, false, false]),
    ("cost>=$1", [false, false, false]),
    ("tokens>100k", [false, false, false]),
    ("in>50k", [true, false, false]),
    ("out>=1k", [true, false, false]),
    ("cached=0", [true, false, false]),
    ("size>1.5MB", [false, false, false]),
    ("sent>100kB", [true, false, false]),
    ("received<1kB", [true, false, false]),
    ("time>30s", [true, false, false]),
    ("time<500ms", [false, true, false]),
    ("first>2s", [true, false, false]),
    ("requests>=10", [false, false, false]),
    ("errors>2", [false, false, false]),
    ("attempt>1", [true, false, false]),
    ("age<2h", [false, false, false]),
    ("age>7d", [false, false, false]),
];

fn which(typed: &str) -> [bool; 3] {
    let (exchange, tool, prompt) = (exchange(), tool(), prompt());
    let rows: [&dyn Subject; 3] = [&exchange, &tool, &prompt];
    rows.map(|row| fits_within(typed, &session(), row))
}

#[test]
fn each_example_of_the_reference_does_what_it_says() {
    let fields = FIELDS.iter().filter(|field| field.name != "role");
    let told = SIGNS.iter().map(|sign| sign.example);
    let told: Vec<_> = told.chain(fields.flat_map(|field| field.examples).copied()).collect();
    let tried: Vec<_> = EXAMPLES.iter().map(|(typed, _)| *typed).collect();
    assert!(told.iter().all(|example| tried.contains(example)), "{told:?}");
    for (typed, expected) in EXAMPLES {
        assert_eq!(which(typed), *expected, "{typed}");
    }
}

#[test]
fn words_look_at_what_a_row_shows() {
    for (typed, expected) in [
        ("OVERLOADED", [true, false, false]),
        ("\"try again\"", [true, false, false]),
        ("\"again try\"", [false, false, false]),
        ("sonnet", [true, false, false]),
        ("anthropic/claude", [true, false, false]),
        ("ropic/CL", [true, false, false]),
        ("opic/claude-sonnet-4-5", [true, false, false]),
        ("openai/claude", [false, false, false]),
        ("#12", [true, false, false]),
        ("#1", [false, false, false]),
        ("529", [true, false, false]),
        ("#529", [false, false, false]),
        ("büro.TS", [false, false, true]),
        ("cargo dat*", [false, true, false]),
        // What only the session shows, its rows do not.
        ("website", [false, false, false]),
        ("", [true, true, true]),
        ("\"\"", [true, true, true]),
        ("!date", [true, false, false]),
        ("-\"cargo test\"", [true, false, true]),
        ("->", [false, false, false]),
        ("--package", [false, true, false]),
    ] {
        assert_eq!(which(typed), expected, "{typed}");
    }
    let cut = ExchangeRow { outcome: Outcome::Cut, ..ExchangeRow::default() };
    assert!(fits("cut kind:error -kind:live -kind:response", &cut));
    let open = ExchangeRow { at_us: NOW_US - 90_000_000, ..ExchangeRow::default() };
    assert!(fits("waiting kind:live time>1m time=90s -kind:error", &open));
}

#[test]
fn kinds() {
    let title = ExchangeRow { purpose: Purpose::Title, ..ExchangeRow::default() };
    assert!(fits("kind:title kind:meta KIND:Requests -kind:main", &title));
    let task = ToolRow { child: Some("ses_2".into()), ..ToolRow::default() };
    assert!(fits("kind:sub-agent,prompt kind:live", &task));
    let compaction = PromptRow::default();
    assert!(fits("kind:prompt kind:compaction", &compaction));
    let child = Session { parent: Some("ses_1".to_owned()), ..session() };
    let row = &Row::from(exchange());
    assert!(fits_within("kind:sub-agent kind:response", &child, row));
    assert!(fits_within("-kind:sub-agent", &session(), row));
}

#[test]
fn quantities_are_compared_in_their_units() {
    let row = &exchange();
    for typed in [
        "cost=0.25",
        "cost=$0.3 cost:0.3",
        "cost!=0.2",
        "time=31s time:0.5m time>=31000ms",
        "time:>30s time:<=1h",
        "tokens=61.5k tokens:62k tokens=61500",
        "size>=120.5KB size<1mib",
        "age=1d age>23h age<25h",
        "status=529 status!=500,404 status<600 status<=529 status>500 -status:4xx",
        "requests=1 errors=1 attempts:1,2",
    ] {
        assert!(fits(typed, row), "{typed}");
    }
    for typed in ["cost=0.24", "cost<0.25", "cost>0.25", "tokens=61k", "status!=529"] {
        assert!(!fits(typed, row), "{typed}");
    }
    let unknown = &ExchangeRow::default();
    for typed in ["cost<1", "cost>=0", "tokens=0", "first<1h", "status<600"] {
        assert!(!fits(typed, unknown), "what is not known fits nothing: {typed}");
    }
}

#[test]
fn recorded_text_is_for_the_caller_to_tell() {
    let filter = Filter::parse("text:one,\"two three\" -text:four* kind:error").unwrap();
    let texts = ["one", "\"two three\"", "four*"].map(|typed| Query::parse(typed).unwrap());
    assert_eq!(filter.texts(), texts);
    let matches = |has: [bool; 3]| filter.matches(&exchange(), NOW_US, |text| has[text]);
    assert!(matches([true, false, false]) && matches([false, true, false]));
    assert!(!matches([false, false, false]) && !matches([true, true, true]));
}

#[test]
fn what_the_session_says_is_decided_for_all_rows() {
    for (typed, fits) in [
        ("title:date", true),
        ("title:other", false),
        ("-title:other project:website", true),
        ("-session:ses_e07c", false),
        ("title:date sonnet", true),
        ("sonnet title:other", false),
    ] {
        assert_eq!(fits_within(typed, &session(), &exchange()), fits, "{typed}");
    }
}

/// `cargo test --release -p octrace-core filter_in_figures -- --ignored --nocapture`
#[test]
#[ignore = "a measurement"]
#[expect(clippy::disallowed_methods, reason = "it measures time")]
fn filter_in_figures() {
    let rows: Vec<Row> = (0..100_000)
        .map(|number| match number % 3 {
            0 => Row::from(ExchangeRow { id: number, ..exchange() }),
            1 => Row::from(tool()),
            _ => Row::from(prompt()),
        })
        .collect();
    let session = &session();
    for typed in [
        "sonnet",
        "kind:error",
        "cost>0.1 model:anthropic/claude",
        "status:5xx -kind:meta age<2d",
        "title:\"date parser\" parser",
        "#4711",
        "nothing of the kind",
        "tool:bash,grep,read kind:error package",
    ] {
        let filter = Filter::parse(typed).unwrap();
        let begun = std::time::Instant::now();
        let within = filter.within(session);
        let fitting = rows.iter().filter(|row| within.matches(*row, NOW_US, |_| false)).count();
        println!("{typed}: {fitting} of {} in {:?}", rows.len(), begun.elapsed());
    }
}
