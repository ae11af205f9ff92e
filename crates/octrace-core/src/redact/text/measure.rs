//! The figures of `docs/redaction.md`: how many planted secrets are found, wherever they stand, and how
//! much of ordinary source code is taken for one. `cargo xtask test --only redaction` prints them.

#![expect(
    clippy::disallowed_methods,
    reason = "measuring needs files and a clock, which the core itself must not have"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::json;

use super::{
    Patterns,
    example::{Example, Random},
    find, table,
};
use crate::{
    exchange::RequestHead,
    redact::{Redactor, hit::MARK},
};

/// How often each example is made up anew.
const ROUNDS: usize = 8;

/// The name of a place, and what is left of a text that was put there.
type Context = (&'static str, fn(&Redactor, &str) -> String);

/// Where whole lines, or several, are found.
const EVERYWHERE: &[Context] = &[
    ("text", |redactor, text| redactor.text(text).into_inner()),
    ("JSON", |redactor, text| body(redactor, "", &json!({"content": text}).to_string())),
    ("JSON in JSON", |redactor, text| {
        let inner = json!({"output": text, "n": 1}).to_string();
        body(redactor, "application/json", &json!([{"arguments": inner}]).to_string())
    }),
    ("JSON that was cut", |redactor, text| {
        let whole = json!({"a": 1, "content": text}).to_string();
        body(redactor, "", whole.strip_suffix("\"}").unwrap())
    }),
    ("event stream", |redactor, text| {
        let data = json!({"delta": {"content": text}});
        body(redactor, "text/event-stream", &format!("event: x\ndata: {data}\n\ndata: [DONE]\n\n"))
    }),
    ("form", |redactor, text| {
        body(redactor, "application/x-www-form-urlencoded", &format!("a=1&b={}", percent(text)))
    }),
    ("URL", |redactor, text| {
        let url = format!("https://h/p?q={}&r=1", percent(text));
        redactor.request_head(RequestHead { url, ..RequestHead::default() }).into_inner().url
    }),
];

/// Where a token may stand in the middle of a line.
const IN_A_LINE: &[Context] = &[
    ("log line", |redactor, text| said(redactor, &format!("12:00:01 INFO got {text} from it"))),
    ("source code", |redactor, text| {
        said(redactor, &format!("  let x = \"{text}\";\n  f('{text}')"))
    }),
    (".env", |redactor, text| said(redactor, &format!("A=1\nSOMETHING={text}\nB=2\n"))),
    ("YAML", |redactor, text| {
        said(redactor, &format!("a: b\nsomething: {text}\nlist:\n  - {text}\n"))
    }),
    ("Markdown", |redactor, text| {
        said(redactor, &format!("use `{text}`, or ({text}) or **{text}**"))
    }),
    ("XML", |redactor, text| said(redactor, &format!("<a b=\"{text}\">{text}</a>"))),
    ("list", |redactor, text| said(redactor, &format!("one,{text};{text}|{text}\ttwo"))),
    ("listing", |redactor, text| said(redactor, &format!("00001| a\n00002| {text}\n00003| b\n"))),
    ("diff", |redactor, text| said(redactor, &format!("-old\n+{text}\n new\n"))),
];

fn said(redactor: &Redactor, text: &str) -> String {
    redactor.text(text).into_inner()
}

fn body(redactor: &Redactor, content_type: &str, body: &str) -> String {
    String::from_utf8(redactor.body(content_type, body.into()).into_inner()).unwrap()
}

fn percent(text: &str) -> String {
    let letter = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    text.bytes().map(letter).collect()
}

/// Whether anything of a secret is left that one could begin with.
fn shows(clean: &str, secret: &str) -> bool {
    let pieces = secret.split(|letter: char| !letter.is_ascii_alphanumeric());
    let mut long = pieces.filter(|piece| piece.len() >= 8).peekable();
    if long.peek().is_none() {
        clean.contains(secret)
    } else {
        long.any(|piece| clean.contains(piece))
    }
}

#[test]
fn planted_secrets_are_found_wherever_they_stand() {
    let redactor = Redactor::new("");
    let mut random = Random::default();
    let mut missed = Vec::new();
    let (mut all, mut rules) = (0, 0);
    for family in table::FAMILIES {
        let mut planted = 0;
        let settings = family.name == table::SETTINGS;
        for rule in family.rules {
            let contexts = || {
                let in_a_line = if settings { &[][..] } else { IN_A_LINE };
                EVERYWHERE.iter().chain(in_a_line)
            };
            for hit in rule.hits.iter().flat_map(|hit| [hit; ROUNDS]) {
                let example = Example::new(hit, &mut random);
                for (place, redact) in contexts() {
                    if settings && *place == "URL" {
                        // There are no lines.
                        continue;
                    }
                    planted += 1;
                    let clean = redact(&redactor, &example.before);
                    if example.secrets.iter().any(|secret| shows(&clean, secret)) {
                        missed.push(format!("{} in {place}: {:?}", rule.name, clean));
                    }
                }
            }
        }
        println!("{}: {} rules, {planted} planted", family.name, family.rules.len());
        (all, rules) = (all + planted, rules + family.rules.len());
    }
    println!("figures: {rules} rules; {} of {all} planted secrets found", all - missed.len());
    missed.dedup_by_key(|line| line.split(':').next().unwrap().to_owned());
    assert!(missed.is_empty(), "{} places, such as:\n{}", missed.len(), missed.join("\n"));
}

#[test]
#[ignore = "needs packages that `cargo xtask test --only redaction` fetches"]
fn ordinary_source_code_is_left_alone() {
    let sources =
        std::env::var_os("OCTRACE_TEST_SOURCES").expect("OCTRACE_TEST_SOURCES names a folder");
    let mut packages: Vec<_> =
        fs::read_dir(sources).unwrap().map(|entry| entry.unwrap().path()).collect();
    packages.sort();
    let redactor = Redactor::new("");
    let mut total = Figures::default();
    for package in packages {
        let mut figures = Figures::default();
        for file in files(&package) {
            let Ok(text) = fs::read_to_string(&file) else { continue };
            figures.look(&redactor, &text);
        }
        println!("{}: {}", package.file_name().unwrap().display(), figures.told());
        total.add(&figures);
    }
    println!("figures: {}", total.told());
    assert!(total.bytes > 10_000_000, "these are not all of the packages");
    assert!(total.hits_per_mb() < 1.0, "{} false hits per MB", total.hits_per_mb());
}

#[test]
#[ignore = "needs the release profile: `cargo xtask test --only redaction`"]
fn hostile_text_takes_linear_time() {
    let redactor = Redactor::new("");
    // Each piece begins something that never comes; a search that reads on to the end from each of
    // them would take hours.
    for piece in [
        "sk-",
        "sk-a-",
        "eyJ",
        ".eyJaaaaaaaaaaaa",
        "-eyJaaaaaaaaaaaa.",
        "-----BEGIN PRIVATE KEY-----",
        "bearer ",
        "cookie: a={{",
        "token='",
        "token=`",
        "\"token\": ",
        "password",
        "password=",
        "PASSWORD=$",
        "<password>",
        "://u:",
        "https://h/?sig=",
        "-us",
        "login ",
        "authorization: ",
        "AKIA",
        "private-lines: 1\n",
        "MTA.",
        "kind: Secret\n",
        "mysql -u ",
        "create password ",
        "echo | sudo -S",
        "<a name=\"password\" ",
    ] {
        let text = piece.repeat((2 << 20) / piece.len());
        let begun = Instant::now();
        said(&redactor, &text);
        assert!(begun.elapsed().as_secs() < 10, "{piece}");
    }
}

#[derive(Default)]
struct Figures {
    bytes: usize,
    hits: usize,
    /// In the rules for text alone.
    rules: Duration,
    /// In all of redaction, with escapes decoded.
    whole: Duration,
}

impl Figures {
    fn look(&mut self, redactor: &Redactor, text: &str) {
        self.rules += quickest(|| {
            find(&Patterns::default(), text.as_bytes(), &mut Vec::new());
        });
        self.whole += quickest(|| {
            redactor.text(text);
        });
        let clean = redactor.text(text);
        self.bytes += text.len();
        for (at, _) in clean.get().match_indices(MARK) {
            let around = clean.get().get(at.saturating_sub(60)..at + 30);
            println!("  hit: {:?}", around.unwrap_or_default());
            self.hits += 1;
        }
    }

    fn add(&mut self, other: &Self) {
        self.bytes += other.bytes;
        self.hits += other.hits;
        self.rules += other.rules;
        self.whole += other.whole;
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of bytes and hits are far below 2^52")]
    fn per(count: usize, of: f64) -> f64 {
        count as f64 / of
    }

    fn hits_per_mb(&self) -> f64 {
        Self::per(self.hits, Self::per(self.bytes, 1e6))
    }

    fn told(&self) -> String {
        format!(
            "{:.1} MB, {} hits, {:.2} per MB; rules {:.0} MB/s, whole {:.0} MB/s",
            Self::per(self.bytes, 1e6),
            self.hits,
            self.hits_per_mb(),
            Self::per(self.bytes, 1e6 * self.rules.as_secs_f64()),
            Self::per(self.bytes, 1e6 * self.whole.as_secs_f64()),
        )
    }
}

/// The least time of a few runs: the others were interrupted by something.
fn quickest(run: impl Fn()) -> Duration {
    let runs = (0..5).map(|_| {
        let begun = Instant::now();
        run();
        begun.elapsed()
    });
    runs.min().unwrap_or_default()
}

/// All files below a folder, other packages' excepted.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
        if entry.file_type().unwrap().is_dir() {
            files.extend(self::files(&entry.path()));
        } else {
            files.push(entry.path());
        }
    }
    files.sort();
    files
}
