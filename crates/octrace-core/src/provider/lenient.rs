//! Types for reading providers' JSON that take what fits and pass over what does not.
//!
//! With plain `serde` types one field of an unexpected type loses the whole event, and a generic value
//! tree of a hostile body takes many times its size. These types parse a field on its own, from the
//! bytes where it stands, and walk arrays without collecting them: nesting cannot exhaust the stack,
//! nor width the memory, and an odd field is merely absent.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};
use serde_json::value::RawValue;

use super::outline::Elements;

/// A field of type `T`; `None` where it is absent, null, or something else.
pub(super) struct Lenient<T>(pub Option<T>);

impl<T> Default for Lenient<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(raw.get()).ok()))
    }
}

impl<T: Default> Lenient<T> {
    pub(super) fn or_default(self) -> T {
        self.0.unwrap_or_default()
    }
}

impl Lenient<Text> {
    /// The text; empty where there is none.
    pub(super) fn as_str(&self) -> &str {
        self.0.as_ref().map_or("", |text| &text.0)
    }
}

impl Lenient<Count> {
    pub(super) fn get(&self) -> Option<u64> {
        self.0.as_ref().map(|count| count.0)
    }

    pub(super) fn or_zero(&self) -> u64 {
        self.get().unwrap_or(0)
    }
}

/// A JSON string. Half of a surrogate pair, which JavaScript servers send when they cut text between
/// chunks, becomes replacement characters instead of an error.
#[derive(Default)]
pub(crate) struct Text(pub String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Text, E> {
                // Faster than what looks for what is none.
                Ok(Text(match str::from_utf8(bytes) {
                    Ok(text) => text.to_owned(),
                    Err(_) => String::from_utf8_lossy(bytes).into_owned(),
                }))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

/// A number of tokens, or an index: negative is zero, a fraction is cut off.
#[derive(Clone, Copy, Default)]
pub(super) struct Count(pub u64);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Count;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Count, E> {
                Ok(Count(number))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Count, E> {
                Ok(Count(u64::try_from(number).unwrap_or(0)))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Count, E> {
                // A float-to-integer cast saturates.
                Ok(Count(number as u64))
            }
        }
        deserializer.deserialize_any(Number)
    }
}

/// A value as it stands; `None` where it is absent or null.
#[derive(Clone, Copy, Default, Deserialize)]
pub(super) struct Raw<'a>(#[serde(borrow)] pub Option<&'a RawValue>);

impl<'a> Raw<'a> {
    pub(super) fn parse<T: Deserialize<'a>>(self) -> Option<T> {
        serde_json::from_str(self.0?.get()).ok()
    }

    /// The value's JSON text; empty where there is none.
    pub(super) fn json(self) -> &'a str {
        self.0.map_or("", RawValue::get)
    }

    /// What a string says, or the JSON text of anything else.
    pub(super) fn text_or_json(self) -> String {
        self.parse::<Text>().map_or_else(|| self.json().to_owned(), |text| text.0)
    }
}

/// An array; empty where the value is something else.
pub(super) struct List<'a, T>(Raw<'a>, PhantomData<T>);

impl<T> Default for List<'_, T> {
    fn default() -> Self {
        Self(Raw::default(), PhantomData)
    }
}

impl<'de: 'a, 'a, T> Deserialize<'de> for List<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Raw::deserialize(deserializer)?, PhantomData))
    }
}

impl<'a, T: Deserialize<'a>> List<'a, T> {
    /// The elements that are `T`s, one at a time.
    pub(super) fn iter(&self) -> impl Iterator<Item = T> + use<'a, T> {
        let json = self.0.json();
        Elements::new(json.as_bytes())
            .filter_map(|range| json.get(range))
            .filter_map(|element| serde_json::from_str(element).ok())
    }
}
