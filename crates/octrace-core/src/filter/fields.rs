//! The language as a table: what the parser knows, and what people are told of it, is the same.

use super::{
    amount::{Quantity, Unit},
    subject::Text,
};

/// A field: what may stand before the colon.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What else it may be called.
    pub also: &'static [&'static str],
    /// What it is about, and which values it can have.
    pub means: &'static str,
    /// What has it; all other rows do not fit.
    pub of: &'static str,
    /// How it is typed.
    pub examples: &'static [&'static str],
    pub(super) reads: Reads,
}

/// What a field's value is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reads {
    Kind,
    Status,
    Text(Text),
    Amount(Quantity, Unit),
    Recorded,
    Role,
}

/// Something that has a meaning of its own in the language.
#[derive(Debug)]
pub struct Sign {
    /// How it is typed.
    pub example: &'static str,
    /// What it means.
    pub means: &'static str,
}

/// How terms are put together.
pub const SIGNS: &[Sign] = &[
    Sign {
        example: "date parser",
        means: "both words stand in what the row shows (of a session: title, project, model, id; text: looks inside), \
                case apart, also as part of a word",
    },
    Sign { example: "\"date parser\"", means: "the words follow each other" },
    Sign { example: "kind:error tool:bash", means: "every term has to hold" },
    Sign { example: "status:4xx,5xx", means: "one of them" },
    Sign { example: "-kind:tool", means: "not that; ! does the same" },
    Sign { example: "cost>0.1", means: "also >= < <= = and !=; = rounds to the digits typed" },
];

const ALL: &str = "sessions, requests, tools, prompts";
const SPENDERS: &str = "sessions, requests";

/// Every field.
pub const FIELDS: &[Field] = &[
    Field {
        name: "kind",
        also: &[],
        means: "request, response (answered), error, tool, prompt, main, title, summary, compaction, meta (the \
                last three), sub-agent or live",
        of: ALL,
        examples: &["kind:error", "kind:error,tool", "-kind:meta"],
        reads: Reads::Kind,
    },
    Field {
        name: "model",
        also: &[],
        means: "part of provider/model",
        of: SPENDERS,
        examples: &["model:claude", "model:openai/gpt"],
        reads: Reads::Text(Text::Model),
    },
    Field {
        name: "provider",
        also: &[],
        means: "part of OpenCode's name for the provider",
        of: SPENDERS,
        examples: &["provider:anthropic"],
        reads: Reads::Text(Text::Provider),
    },
    Field {
        name: "agent",
        also: &[],
        means: "part of the agent's name",
        of: SPENDERS,
        examples: &["agent:build"],
        reads: Reads::Text(Text::Agent),
    },
    Field {
        name: "status",
        also: &[],
        means: "the HTTP status: a number, a class, or compared",
        of: SPENDERS,
        examples: &["status:429", "status:5xx", "status>=400"],
        reads: Reads::Status,
    },
    Field {
        name: "tool",
        also: &[],
        means: "part of the tool's name",
        of: "sessions, tools",
        examples: &["tool:bash", "tool:read,grep"],
        reads: Reads::Text(Text::Tool),
    },
    Field {
        name: "session",
        also: &[],
        means: "part of the session's id",
        of: ALL,
        examples: &["session:ses_e07c"],
        reads: Reads::Text(Text::Session),
    },
    Field {
        name: "title",
        also: &[],
        means: "part of the session's title",
        of: ALL,
        examples: &["title:\"date parser\""],
        reads: Reads::Text(Text::Title),
    },
    Field {
        name: "project",
        also: &[],
        means: "part of the path that the session works in",
        of: ALL,
        examples: &["project:website"],
        reads: Reads::Text(Text::Project),
    },
    Field {
        name: "text",
        also: &[],
        means: "words in everything recorded, as `octrace search` finds them: prompts, answers, what tools gave, \
                system prompts, errors; the request that said it first",
        of: SPENDERS,
        examples: &["text:parse_date", "text:\"not found\"", "text:dat*"],
        reads: Reads::Recorded,
    },
    Field {
        name: "role",
        also: &[],
        means: "whose words they are: system, user, assistant, tool-result, tool-definition, request or error",
        of: "what `octrace search` finds",
        examples: &["role:user", "role:tool-result"],
        reads: Reads::Role,
    },
    Field {
        name: "cost",
        also: &[],
        means: "dollars",
        of: SPENDERS,
        examples: &["cost>0.1", "cost>=$1"],
        reads: Reads::Amount(Quantity::Cost, Unit::Dollars),
    },
    Field {
        name: "tokens",
        also: &[],
        means: "tokens in and out",
        of: SPENDERS,
        examples: &["tokens>100k"],
        reads: Reads::Amount(Quantity::Tokens, Unit::Count),
    },
    Field {
        name: "in",
        also: &[],
        means: "tokens in, cached ones included",
        of: SPENDERS,
        examples: &["in>50k"],
        reads: Reads::Amount(Quantity::Input, Unit::Count),
    },
    Field {
        name: "out",
        also: &[],
        means: "tokens out, reasoning included",
        of: SPENDERS,
        examples: &["out>=1k"],
        reads: Reads::Amount(Quantity::Output, Unit::Count),
    },
    Field {
        name: "cached",
        also: &[],
        means: "tokens in that came from the provider's cache",
        of: SPENDERS,
        examples: &["cached=0"],
        reads: Reads::Amount(Quantity::Cached, Unit::Count),
    },
    Field {
        name: "size",
        also: &[],
        means: "bytes of request and response: kB, MB, GB",
        of: SPENDERS,
        examples: &["size>1.5MB"],
        reads: Reads::Amount(Quantity::Size, Unit::Bytes),
    },
    Field {
        name: "sent",
        also: &[],
        means: "bytes of the request",
        of: "requests",
        examples: &["sent>100kB"],
        reads: Reads::Amount(Quantity::Sent, Unit::Bytes),
    },
    Field {
        name: "received",
        also: &[],
        means: "bytes of the response",
        of: "requests",
        examples: &["received<1kB"],
        reads: Reads::Amount(Quantity::Received, Unit::Bytes),
    },
    Field {
        name: "time",
        also: &[],
        means: "how long it took, or takes so far: ms, s, m, h; a session from its first to its last record",
        of: "sessions, requests, tools",
        examples: &["time>30s", "time<500ms"],
        reads: Reads::Amount(Quantity::Time, Unit::Time),
    },
    Field {
        name: "first",
        also: &[],
        means: "how long until the first piece of the answer",
        of: "requests",
        examples: &["first>2s"],
        reads: Reads::Amount(Quantity::First, Unit::Time),
    },
    Field {
        name: "requests",
        also: &[],
        means: "how many requests",
        of: SPENDERS,
        examples: &["requests>=10"],
        reads: Reads::Amount(Quantity::Requests, Unit::Count),
    },
    Field {
        name: "errors",
        also: &[],
        means: "how many of the requests went wrong",
        of: SPENDERS,
        examples: &["errors>2"],
        reads: Reads::Amount(Quantity::Errors, Unit::Count),
    },
    Field {
        name: "attempt",
        also: &["attempts"],
        means: "which try of a call it is; in `octrace show`, how many it took",
        of: "requests",
        examples: &["attempt>1"],
        reads: Reads::Amount(Quantity::Attempt, Unit::Count),
    },
    Field {
        name: "age",
        also: &[],
        means: "how long ago: s, m, h, d, w; a session by its last record",
        of: ALL,
        examples: &["age<2h", "age>7d"],
        reads: Reads::Amount(Quantity::Age, Unit::Time),
    },
];

impl Field {
    /// Whether it can stand in a [`Filter`](super::Filter); the others are for a [`Search`](super::Search).
    pub fn is_for_filters(&self) -> bool {
        !matches!(self.reads, Reads::Role)
    }

    /// Whether it is told as a number, which can be compared.
    pub(super) fn compares(&self) -> bool {
        matches!(self.reads, Reads::Amount(..) | Reads::Status)
    }

    pub(super) fn named(name: &str) -> Option<&'static Self> {
        FIELDS.iter().find(|field| {
            field.name.eq_ignore_ascii_case(name)
                || field.also.iter().any(|also| also.eq_ignore_ascii_case(name))
        })
    }
}
