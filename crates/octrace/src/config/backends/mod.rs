//! The settings of tracing backends: Neatlogs, Helicone, and whatever takes OTLP.
//!
//! They decide who gets to read what people and models said, so a slip of the pen sends nothing anywhere: where an
//! endpoint, a key, a mode or a protocol cannot be used, its backend is off, and no other place's value or default
//! stands in for it. Endpoints and keys come from the environment and from the user's file, never from a project's.
//!
//! * [`key`], [`headers`]: what nobody sees. [`endpoint`]: where they are.
//! * [`neatlogs`], [`helicone`], [`otlp`].

mod endpoint;
mod headers;
mod helicone;
mod key;
mod neatlogs;
mod otlp;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, ffi::OsString};

pub(crate) use self::{helicone::Helicone, neatlogs::Neatlogs, otlp::Otlp};
use super::{Origin, Sources, Spec, Value, value::Setting};

/// What tells keys apart, by the name of the variable that they stand in: of an environment that is not ours. Empty of a
/// variable that is set to what is no key.
pub(crate) type Prints = BTreeMap<String, String>;

/// How the tracing backends are set.
#[derive(Clone, Debug)]
pub(crate) struct Backends {
    /// Neatlogs.
    pub(crate) neatlogs: Neatlogs,
    /// Helicone.
    pub(crate) helicone: Helicone,
    /// Whatever takes OTLP.
    pub(crate) otlp: Otlp,
}

impl Backends {
    /// Each setting with its value as people read it.
    pub(super) fn all(&self) -> Vec<(&'static Spec, Value<String>)> {
        let mut all = Vec::new();
        all.extend(self.neatlogs.all());
        all.extend(self.helicone.all());
        all.extend(self.otlp.all());
        all
    }
}

pub(super) fn load<F: Fn(&str) -> Option<OsString>>(sources: &mut Sources<'_, F>) -> Backends {
    Backends {
        neatlogs: neatlogs::load(sources),
        helicone: helicone::load(sources),
        otlp: otlp::load(sources),
    }
}

/// The fingerprint of the key in a variable: that of the other environment, if it is set there at all, else our own.
fn print_of(spec: &Spec, environment: &Prints, own: Option<String>) -> Option<String> {
    let there = spec.variable.and_then(|name| environment.get(name)).cloned();
    there.or(own).filter(|print| !print.is_empty())
}

/// What people read of a setting that decides who gets anything.
fn shown<T: Setting>(value: &Value<Option<T>>) -> Value<String> {
    let is_said = value.origin != Origin::Default;
    value.told(|value| match value {
        None if is_said => "(cannot be used)".to_owned(),
        value => value.show(),
    })
}
