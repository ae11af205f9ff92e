//! Headers that go with each request to an OTLP backend. There are keys in them: nothing shows more than their names.

use std::{collections::BTreeMap, fmt};

use super::key::{Key, is_plain, print};
use crate::config::value::{Raw, Setting};

/// What octrace says of its requests itself.
const OURS: [&str; 6] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
];

/// `OCTRACE_OTEL_EXPORTER_OTLP_HEADERS`: `name=value,other=value`, values percent-encoded.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    whole: Key,
    pairs: Vec<(String, String)>,
}

impl Listed {
    /// What tells two lists apart.
    pub(crate) fn print(&self) -> String {
        self.whole.print()
    }

    /// Each with its value.
    pub(crate) fn whole(&self) -> &[(String, String)] {
        &self.pairs
    }
}

impl fmt::Debug for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listed").field(&self.whole).finish()
    }
}

impl Setting for Listed {
    const MUST_BE: &str = "headers, `name=value,other=value`, with their values percent-encoded";

    fn read(raw: &Raw) -> Option<Self> {
        let Raw::Variable(text) = raw else { return None };
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let pairs: Option<Vec<_>> = entries
            .map(|entry| {
                let (name, value) = entry.split_once('=')?;
                let (name, value) = (name.trim(), decoded(value.trim())?);
                (is_name(name) && is_plain(&value)).then(|| (name.to_owned(), value))
            })
            .collect();
        let pairs = without_ours(pairs.filter(|pairs| !pairs.is_empty())?);
        Some(Self { whole: Key::new(text)?, pairs })
    }

    fn show(&self) -> String {
        let names: Vec<_> = self.pairs.iter().map(|(name, _)| name.as_str()).collect();
        format!("{} {}", names.join(", "), self.whole.show())
    }
}

/// `headers = { "Authorization" = "Basic ${NAME}" }` in the user's file: values with variables of the environment in
/// them.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Templates(Vec<(String, Vec<Piece>)>);

#[derive(Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Variable(String),
}

impl Templates {
    /// The variables that they name.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().flat_map(|(_, pieces)| pieces).filter_map(|piece| match piece {
            Piece::Variable(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// The headers' names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// What tells two of them apart, by the fingerprints of the variables; `None` where there are no headers.
    ///
    /// # Errors
    /// The name of a variable without one.
    pub(crate) fn print(
        &self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<String>, String> {
        let mut lines = Vec::new();
        for (name, pieces) in &self.0 {
            let mut line = format!("{}: ", name.to_ascii_lowercase());
            for piece in pieces {
                match piece {
                    Piece::Text(text) => line.push_str(text),
                    Piece::Variable(name) => {
                        let print = variable(name).ok_or_else(|| name.clone())?;
                        line.extend(["${", &print, "}"]);
                    }
                }
            }
            lines.push(line);
        }
        lines.sort();
        Ok((!lines.is_empty()).then(|| print(&lines.join("\n"))))
    }

    /// Each with its value; `None` where a variable is not set.
    pub(crate) fn whole(&self, variables: &BTreeMap<String, Key>) -> Option<Vec<(String, String)>> {
        let filled = self.0.iter().map(|(name, pieces)| {
            let value: Option<String> = pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Text(text) => Some(text.as_str()),
                    Piece::Variable(name) => variables.get(name).map(Key::whole),
                })
                .collect();
            Some((name.clone(), value?))
        });
        filled.collect::<Option<_>>().map(without_ours)
    }
}

/// Only names: what stands between variables may be a key as well.
impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

impl Setting for Templates {
    const MUST_BE: &str = "headers, `{ \"Authorization\" = \"Bearer ${NAME}\" }`";

    fn read(raw: &Raw) -> Option<Self> {
        let Raw::Pairs(pairs) = raw else { return None };
        let headers = pairs.iter().map(|(name, value)| {
            (is_name(name) && is_plain(value)).then_some(())?;
            Some((name.clone(), pieces(value)?))
        });
        headers.collect::<Option<_>>().map(Self)
    }

    fn show(&self) -> String {
        let names: Vec<_> = self.names().collect();
        names.join(", ")
    }
}

/// `None` where `${` is not followed by a name and `}`.
fn pieces(value: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = value;
    while let Some((text, behind)) = rest.split_once("${") {
        let (name, behind) = behind.split_once('}')?;
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name || name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        pieces.extend([Piece::Text(text.to_owned()), Piece::Variable(name.to_owned())]);
        rest = behind;
    }
    pieces.push(Piece::Text(rest.to_owned()));
    Some(pieces)
}

/// As RFC 9110 has them.
fn is_name(name: &str) -> bool {
    let is_of = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_of)
}

/// Percent-decoded; `None` where a percent sign stands for nothing.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        decoded.push(match byte {
            b'%' => u8::try_from(digit()? * 16 + digit()?).ok()?,
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

fn without_ours(mut headers: Vec<(String, String)>) -> Vec<(String, String)> {
    headers.retain(|(name, _)| !OURS.contains(&name.to_ascii_lowercase().as_str()));
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(text: &str) -> Option<Listed> {
        Listed::read(&Raw::Variable(text.to_owned()))
    }

    fn templates(pairs: &[(&str, &str)]) -> Option<Templates> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Templates::read(&Raw::Pairs(pairs.collect()))
    }

    #[test]
    fn a_list_is_read_as_opentelemetry_has_it() {
        let list =
            listed("Authorization=Basic%20Z2Vo=, x-a = b ,,content-type=text/plain").unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(list.whole(), [pair("Authorization", "Basic Z2Vo="), pair("x-a", "b")]);
        assert!(list.show().starts_with("Authorization, x-a set (…"), "{}", list.show());
        assert!(!format!("{list:?} {}", list.show()).contains("Z2Vo"));
    }

    #[test]
    fn the_plugin_and_we_take_the_same_for_a_list() {
        #[derive(serde::Deserialize)]
        struct Vectors {
            headers: Vec<Vector>,
        }
        #[derive(serde::Deserialize)]
        struct Vector {
            headers: String,
            sent: String,
        }
        let vectors = include_str!("../../../../../fixtures/wire/keys.json");
        let Vectors { headers } = serde_json::from_str(vectors).unwrap();
        for Vector { headers, sent } in headers {
            let print = listed(&headers).map(|list| list.print());
            assert_eq!(print.unwrap_or_default(), sent, "{headers:?}");
        }
    }

    #[test]
    fn variables_stand_in_values() {
        let headers =
            templates(&[("x-b", "plain $ {A}"), ("Authorization", "Basic ${A}:${B_2}!")]).unwrap();
        assert_eq!(headers.variables().collect::<Vec<_>>(), ["A", "B_2"]);
        let key = |text| Key::new(text).unwrap();
        let mut variables = BTreeMap::from([("A".to_owned(), key("geheim"))]);
        assert_eq!(headers.whole(&variables), None);
        variables.insert("B_2".to_owned(), key("x"));
        let whole = headers.whole(&variables).unwrap();
        assert_eq!(whole[1], ("Authorization".to_owned(), "Basic geheim:x!".to_owned()));
        assert_eq!(whole[0].1, "plain $ {A}");
        for bad in ["${", "${}", "${A", "${A-B}", "${1}", "", "a\nb", "ü"] {
            assert_eq!(templates(&[("a", bad)]), None, "{bad:?}");
        }
        assert_eq!(templates(&[("a b", "c")]), None);
    }

    #[test]
    fn headers_are_told_apart_by_all_that_is_in_them() {
        let print = |pairs: &[(&str, &str)], a: &str| {
            let variable = |name: &str| (name == "A").then(|| print(a));
            templates(pairs).unwrap().print(variable)
        };
        let one = print(&[("Authorization", "Basic ${A}"), ("x", "y")], "geheim").unwrap();
        let same = print(&[("X", "y"), ("authorization", "Basic ${A}")], "geheim").unwrap();
        assert_eq!(one, same);
        let others = [
            print(&[("Authorization", "Basic ${A}"), ("x", "y")], "other"),
            print(&[("Authorization", "Basic ${A}"), ("x", "z")], "geheim"),
            print(&[("Authorization", "Basic ${A}")], "geheim"),
            print(&[("Authorization", "Basic geheim"), ("x", "y")], "geheim"),
        ];
        for other in others {
            assert_ne!(other.unwrap(), one);
        }
        assert_eq!(print(&[], "geheim"), Ok(None));
        assert_eq!(print(&[("x", "${B}")], "geheim"), Err("B".to_owned()));
        let debug = format!("{:?}", templates(&[("x", "geheim ${A}")]));
        assert!(!debug.contains("geheim"), "{debug}");
    }
}
