//! What a setting's value may be, and how it is written in each of the places that settings come from.

use std::{
    num::{NonZeroU32, NonZeroU64},
    path::PathBuf,
};

use toml::{
    Spanned,
    de::{DeString, DeValue},
};

/// A value as its place has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Raw {
    /// The text of a variable, which stands for a value of any type.
    Variable(String),
    /// A string.
    Text(String),
    /// A boolean.
    Switch(bool),
    /// A whole number.
    Number(i64),
    /// A list of nothing but strings.
    Texts(Vec<String>),
    /// Names, each with a string, in no particular order.
    Pairs(Vec<(String, String)>),
    /// Whatever else it is, no setting is that.
    Other,
}

impl From<&DeValue<'_>> for Raw {
    fn from(value: &DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text.to_string()),
            DeValue::Boolean(switch) => Self::Switch(*switch),
            DeValue::Integer(number) => {
                let read = i64::from_str_radix(number.as_str(), number.radix());
                read.map_or(Self::Other, Self::Number)
            }
            DeValue::Array(list) => {
                let text = |value: &DeValue<'_>| value.as_str().map(str::to_owned);
                let texts = list.iter().map(|value| text(value.get_ref())).collect();
                texts_or_other(texts)
            }
            DeValue::Table(table) => {
                let pair = |(name, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
                    Some((name.get_ref().to_string(), value.get_ref().as_str()?.to_owned()))
                };
                table.iter().map(pair).collect::<Option<_>>().map_or(Self::Other, Self::Pairs)
            }
            _ => Self::Other,
        }
    }
}

impl From<&serde_json::Value> for Raw {
    fn from(value: &serde_json::Value) -> Self {
        use serde_json::Value;
        match value {
            Value::String(text) => Self::Text(text.clone()),
            Value::Bool(switch) => Self::Switch(*switch),
            Value::Number(number) => number.as_i64().map_or(Self::Other, Self::Number),
            Value::Array(list) => {
                let texts = list.iter().map(|value| value.as_str().map(str::to_owned)).collect();
                texts_or_other(texts)
            }
            Value::Null | Value::Object(_) => Self::Other,
        }
    }
}

fn texts_or_other(texts: Option<Vec<String>>) -> Raw {
    texts.map_or(Raw::Other, Raw::Texts)
}

/// A type that settings have.
pub(crate) trait Setting: Sized {
    /// What it must be, for those who wrote something else: "must be …".
    const MUST_BE: &str;

    /// The value, if this is one.
    fn read(raw: &Raw) -> Option<Self>;

    /// The value as people read it.
    fn show(&self) -> String;
}

/// A path that means the same wherever it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Absolute(pub(crate) PathBuf);

impl Setting for Absolute {
    const MUST_BE: &str = "an absolute path";

    fn read(raw: &Raw) -> Option<Self> {
        PathBuf::read(raw).filter(|path| path.is_absolute()).map(Self)
    }

    fn show(&self) -> String {
        self.0.show()
    }
}

/// A path, possibly relative to where OpenCode was started.
impl Setting for PathBuf {
    const MUST_BE: &str = "a path";

    fn read(raw: &Raw) -> Option<Self> {
        match raw {
            Raw::Text(text) | Raw::Variable(text) if !text.is_empty() => Some(text.into()),
            _ => None,
        }
    }

    fn show(&self) -> String {
        self.display().to_string()
    }
}

impl Setting for bool {
    const MUST_BE: &str = "true or false";

    fn read(raw: &Raw) -> Option<Self> {
        match raw {
            Raw::Switch(switch) => Some(*switch),
            Raw::Variable(text) => match text.to_ascii_lowercase().as_str() {
                "0" | "false" | "off" | "no" => Some(false),
                "1" | "true" | "on" | "yes" => Some(true),
                _ => None,
            },
            _ => None,
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for String {
    const MUST_BE: &str = "a string that is not empty";

    fn read(raw: &Raw) -> Option<Self> {
        match raw {
            Raw::Text(text) | Raw::Variable(text) if !text.is_empty() => Some(text.clone()),
            _ => None,
        }
    }

    fn show(&self) -> String {
        self.clone()
    }
}

impl Setting for u32 {
    const MUST_BE: &str = "a whole number, 0 or more";

    fn read(raw: &Raw) -> Option<Self> {
        match raw {
            Raw::Number(number) => (*number).try_into().ok(),
            Raw::Variable(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for NonZeroU32 {
    const MUST_BE: &str = "a whole number, 1 or more";

    fn read(raw: &Raw) -> Option<Self> {
        u32::read(raw).and_then(Self::new)
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

impl Setting for NonZeroU64 {
    const MUST_BE: &str = NonZeroU32::MUST_BE;

    fn read(raw: &Raw) -> Option<Self> {
        match raw {
            Raw::Number(number) => Self::new((*number).try_into().ok()?),
            Raw::Variable(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    fn show(&self) -> String {
        self.to_string()
    }
}

/// In a variable, one per line.
impl Setting for Vec<String> {
    const MUST_BE: &str = "a list of strings, `[\"a\", \"b\"]`";

    fn read(raw: &Raw) -> Option<Self> {
        match raw {
            Raw::Texts(texts) => Some(texts.clone()),
            Raw::Variable(lines) => Some(lines.lines().map(str::to_owned).collect()),
            _ => None,
        }
    }

    fn show(&self) -> String {
        self.join(", ")
    }
}

/// Not set, or set to a value.
impl<T: Setting> Setting for Option<T> {
    const MUST_BE: &str = T::MUST_BE;

    fn read(raw: &Raw) -> Option<Self> {
        T::read(raw).map(Some)
    }

    fn show(&self) -> String {
        self.as_ref().map_or_else(|| "(not set)".to_owned(), T::show)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Raw {
        Raw::Text(text.to_owned())
    }

    fn variable(text: &str) -> Raw {
        Raw::Variable(text.to_owned())
    }

    #[test]
    fn a_switch_is_written_in_many_ways_where_there_is_only_text() {
        for (raw, expected) in [
            (Raw::Switch(true), Some(true)),
            (variable("0"), Some(false)),
            (variable("Off"), Some(false)),
            (variable("on"), Some(true)),
            (variable("maybe"), None),
            (text("on"), None),
            (Raw::Number(1), None),
            (Raw::Other, None),
        ] {
            assert_eq!(bool::read(&raw), expected, "{raw:?}");
        }
    }

    #[test]
    fn a_path_is_text_and_an_absolute_one_more() {
        assert_eq!(PathBuf::read(&text("traces")), Some("traces".into()));
        assert_eq!(PathBuf::read(&text("")), None);
        assert_eq!(PathBuf::read(&Raw::Texts(vec!["traces".into()])), None);
        assert_eq!(Absolute::read(&text("traces")), None);
        assert_eq!(Absolute::read(&text("/traces")), Some(Absolute("/traces".into())));
    }

    #[test]
    fn a_number_is_one_of_those_that_mean_something() {
        let both = |raw| (u32::read(&raw), NonZeroU32::read(&raw).map(NonZeroU32::get));
        assert_eq!(both(Raw::Number(50)), (Some(50), Some(50)));
        assert_eq!(both(variable(" 50 ")), (Some(50), Some(50)));
        assert_eq!(both(Raw::Number(0)), (Some(0), None));
        for bad in [Raw::Number(-1), Raw::Number(1 << 32), variable("5s"), text("50")] {
            assert_eq!(both(bad), (None, None));
        }
    }

    #[test]
    fn a_list_is_one_where_lists_can_be_written() {
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(Vec::read(&Raw::Variable("a\nb, c".into())), Some(texts(&["a", "b, c"])));
        assert_eq!(Vec::read(&Raw::Texts(texts(&["a"]))), Some(texts(&["a"])));
        assert_eq!(Vec::<String>::read(&text("a")), None);
    }

    #[test]
    fn toml_and_json_say_the_same() {
        let toml = toml::de::DeTable::parse("a = ['x', 'y']\nb = 0x10\nc = [1]\nd = 1.5").unwrap();
        let json = serde_json::json!({"a": ["x", "y"], "b": 16, "c": [1], "d": 1.5});
        for (name, value) in toml.get_ref() {
            let name = name.get_ref().as_ref();
            assert_eq!(Raw::from(value.get_ref()), Raw::from(&json[name]), "{name}");
        }
        assert_eq!(Raw::from(&json["a"]), Raw::Texts(vec!["x".into(), "y".into()]));
        assert_eq!(Raw::from(&json["b"]), Raw::Number(16));
    }
}
