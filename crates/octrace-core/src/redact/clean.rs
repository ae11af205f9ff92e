//! [`Clean`]: the proof, in a type, that something went through redaction.

use std::fmt;

/// Something that redaction has been through, and that may therefore be stored, shown or sent.
///
/// Only [`Redactor`](super::Redactor) makes one from what OpenCode sent; there is no public
/// constructor, no `From` and no `Deserialize`. `Debug` shows nothing of the content.
///
/// ```compile_fail,E0423
/// let forged = octrace_core::redact::Clean(String::from("raw"));
/// ```
/// ```compile_fail,E0308
/// let raw = String::from("raw");
/// let clean = octrace_core::redact::Redactor::new("").text("POST");
/// let smuggled = clean.derive(|_| raw.clone());
/// ```
#[derive(Clone, Default)]
pub struct Clean<T>(T);

impl<T> Clean<T> {
    /// The rules have been applied to `value`.
    pub(super) fn vouch(value: T) -> Self {
        Self(value)
    }

    /// What is inside.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// What is inside, for the place where it is stored or shown.
    pub fn into_inner(self) -> T {
        self.0
    }

    /// What follows from clean content is clean. A function pointer on purpose: it cannot carry raw
    /// content in from outside.
    pub fn derive<U>(&self, function: fn(&T) -> U) -> Clean<U> {
        Clean(function(&self.0))
    }
}

impl<T> Clean<Option<T>> {
    /// Turns the nesting round.
    pub fn transpose(self) -> Option<Clean<T>> {
        self.0.map(Clean)
    }
}

impl<T> fmt::Debug for Clean<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Clean<{}>", std::any::type_name::<T>())
    }
}
