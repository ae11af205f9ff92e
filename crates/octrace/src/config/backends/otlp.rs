//! The settings of whatever takes OTLP over HTTP: one backend by the environment, and one for each `[[otlp]]` of the
//! user's file.

use std::{collections::BTreeMap, ffi::OsString};

use octrace_core::{redact::Patterns, trace::Content};
use octrace_export::otlp::Profile;

use super::{
    Prints,
    endpoint::Endpoint,
    headers::{Listed, Templates},
    key::Key,
    print_of, shown,
};
use crate::config::{
    Origin, Sources, Spec, Value, counted, file,
    registry::{OTLP, OTLP_ENDPOINT, OTLP_HEADERS, OTLP_PATTERNS, OTLP_PROTOCOL},
    value::{Raw, Setting},
};

/// The backends that take OTLP.
#[derive(Clone, Debug)]
pub(crate) struct Otlp {
    /// Where that of the environment is; `None` where there is none, or what is said of it cannot be read.
    pub(crate) endpoint: Value<Option<Endpoint>>,
    /// What goes with each request to it.
    pub(crate) headers: Value<Option<Listed>>,
    /// How it is talked to; `None` where that is no way that octrace knows.
    pub(crate) protocol: Value<Option<Protocol>>,
    /// What else is blanked for it, and for those of the file, as far as it can be read; and as it was written.
    pub(crate) patterns: Value<(Patterns, Vec<String>)>,
    /// Those of the user's file.
    pub(crate) tables: Vec<Value<Table>>,
    /// The variables of this environment that the tables name, of those that are set.
    pub(crate) variables: BTreeMap<String, Key>,
}

/// A backend of the user's file: `[[otlp]]`.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// Where it is.
    pub(crate) endpoint: Endpoint,
    /// What goes with each request.
    pub(crate) headers: Templates,
    /// In which words.
    pub(crate) profile: Profile,
    /// How much it gets.
    pub(crate) content: Content,
    /// Whether the system prompt goes there, too.
    pub(crate) system_prompt: bool,
    /// What else is blanked, as it was written; each can be read.
    pub(crate) patterns: Vec<String>,
}

impl Setting for Profile {
    const MUST_BE: &str = "`genai`, `openinference`, `langfuse` or `neatlogs`";

    fn read(raw: &Raw) -> Option<Self> {
        match String::read(raw)?.as_str() {
            "genai" => Some(Self::GenAi),
            "openinference" => Some(Self::OpenInference),
            "langfuse" => Some(Self::Langfuse),
            "neatlogs" => Some(Self::Neatlogs),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::GenAi => "genai",
            Self::OpenInference => "openinference",
            Self::Langfuse => "langfuse",
            Self::Neatlogs => "neatlogs",
        }
        .to_owned()
    }
}

impl Setting for Content {
    const MUST_BE: &str = "`full` or `metadata_only`";

    fn read(raw: &Raw) -> Option<Self> {
        match String::read(raw)?.as_str() {
            "full" => Some(Self::Full),
            "metadata_only" => Some(Self::MetadataOnly),
            _ => None,
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Full => "full".to_owned(),
            Self::MetadataOnly => "metadata_only".to_owned(),
        }
    }
}

/// `http/protobuf`: the one way that octrace knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Protocol;

impl Setting for Protocol {
    const MUST_BE: &str = "`http/protobuf`, the one that octrace has";

    fn read(raw: &Raw) -> Option<Self> {
        (String::read(raw)? == "http/protobuf").then_some(Self)
    }

    fn show(&self) -> String {
        "http/protobuf".to_owned()
    }
}

impl Otlp {
    /// Each setting with its value as people read it; of the file's backends, one row each.
    pub(super) fn all(&self) -> Vec<(&'static Spec, Value<String>)> {
        let mut all = vec![
            (&OTLP_ENDPOINT, shown(&self.endpoint)),
            (&OTLP_HEADERS, shown(&self.headers)),
            (&OTLP_PROTOCOL, shown(&self.protocol)),
            (&OTLP_PATTERNS, self.patterns.told(|(patterns, _)| counted(patterns))),
        ];
        all.extend(self.tables.iter().map(|table| (&OTLP, table.told(|table| self.show(table)))));
        if self.tables.is_empty() {
            let value = "(not set)".to_owned();
            all.push((&OTLP, Value { value, origin: Origin::Default, line: None }));
        }
        all
    }

    fn show(&self, table: &Table) -> String {
        let Table { endpoint, headers, profile, content, system_prompt, patterns } = table;
        let key = match self.print(table, &Prints::new()) {
            Ok(None) => "no headers".to_owned(),
            Ok(Some(print)) => format!("{} set (…{print})", headers.show()),
            Err(variable) => format!("off: {variable} is not set"),
        };
        let system = if *system_prompt { "with" } else { "without" };
        let (patterns, _) = Patterns::new(patterns);
        format!(
            "{} ({}, {}, {system} system prompts, redactPatterns: {}, {key})",
            endpoint.show(),
            profile.show(),
            content.show(),
            counted(&patterns),
        )
    }

    /// Those of the file that are off for want of a variable of this environment: where each is, and the variable.
    pub(crate) fn off(&self) -> impl Iterator<Item = (String, String)> + '_ {
        self.tables.iter().filter_map(|Value { value: table, .. }| {
            let variable = self.print(table, &Prints::new()).err()?;
            Some((table.endpoint.show(), variable))
        })
    }

    /// The backend of the environment, and what tells its headers apart, if it has some; `environment` has the fingerprints
    /// of another environment.
    pub(crate) fn of_environment(
        &self,
        environment: &Prints,
    ) -> Option<(&Endpoint, Option<String>)> {
        let endpoint = self.endpoint.value.as_ref()?;
        self.protocol.value?;
        let headers = &self.headers;
        let print = print_of(&OTLP_HEADERS, environment, headers.value.as_ref().map(Listed::print));
        let is_set = OTLP_HEADERS.variable.is_some_and(|name| environment.contains_key(name))
            || headers.origin != Origin::Default;
        // Without the headers that it is to have, it gets nothing.
        (print.is_some() || !is_set).then_some((endpoint, print))
    }

    /// What tells a backend's keys apart, where `environment` has the fingerprints of another environment; `None` where it
    /// has no headers.
    ///
    /// # Errors
    /// The name of a variable that is set in neither of them.
    pub(crate) fn print(
        &self,
        table: &Table,
        environment: &Prints,
    ) -> Result<Option<String>, String> {
        table.headers.print(|name| {
            let print = environment.get(name).cloned();
            let print = print.or_else(|| self.variables.get(name).map(Key::print));
            print.filter(|print| !print.is_empty())
        })
    }
}

pub(super) fn load<F: Fn(&str) -> Option<OsString>>(sources: &mut Sources<'_, F>) -> Otlp {
    let endpoint = sources.strict(&OTLP_ENDPOINT, None);
    let headers = sources.strict(&OTLP_HEADERS, None);
    let protocol = sources.strict(&OTLP_PROTOCOL, Some(Protocol));
    let patterns = sources.patterns(&OTLP_PATTERNS);
    let tables = std::mem::take(&mut sources.file.tables);
    let tables: Vec<_> = tables.into_iter().filter_map(|from| table(sources, from)).collect();
    let mut variables = BTreeMap::new();
    for name in tables.iter().flat_map(|table: &Value<Table>| table.value.headers.variables()) {
        let Some(value) = (sources.variable)(name) else { continue };
        match value.to_str().and_then(Key::new) {
            Some(key) => drop(variables.insert(name.to_owned(), key)),
            None => {
                let what = format!("must be {}; nothing is sent with it", Key::MUST_BE);
                sources.name(name, &what);
            }
        }
    }
    Otlp { endpoint, headers, protocol, patterns, tables, variables }
}

/// One of them; `None` if there is anything in it that cannot be read: it could be what keeps something back.
fn table<F: Fn(&str) -> Option<OsString>>(
    sources: &mut Sources<'_, F>,
    mut from: file::Table,
) -> Option<Value<Table>> {
    let file = &mut sources.file;
    let endpoint = file.of_table(&mut from, "endpoint", None);
    let headers = file.of_table(&mut from, "headers", Some(Templates::default()));
    let protocol = file.of_table(&mut from, "protocol", Some(Protocol));
    let profile = file.of_table(&mut from, "profile", Some(Profile::default()));
    let content = file.of_table(&mut from, "content", Some(Content::default()));
    let system_prompt = file.of_table(&mut from, "system_prompt", Some(false));
    let patterns = file.of_table(&mut from, "redactPatterns", Some(Readable(Vec::new())));
    let line = from.line();
    file.rest_of_table(from)?;
    protocol?;
    let table = Table {
        endpoint: endpoint?,
        headers: headers?,
        profile: profile?,
        content: content?,
        system_prompt: system_prompt?,
        patterns: patterns?.0,
    };
    Some(Value { value: table, origin: Origin::File, line: Some(line) })
}

/// Patterns that all can be read.
struct Readable(Vec<String>);

impl Setting for Readable {
    const MUST_BE: &str = "a list of regular expressions, `[\"a\", \"b\"]`";

    fn read(raw: &Raw) -> Option<Self> {
        let written = Vec::read(raw)?;
        Patterns::new(&written).1.is_empty().then_some(Self(written))
    }

    fn show(&self) -> String {
        self.0.show()
    }
}
