//! What was typed, cut into terms, before anybody asks what they mean.

use std::ops::Range;

use super::{amount::Comparison, fields::Field};

/// One term.
pub(super) struct Token<'a> {
    /// Whether it has the sign for not before it.
    pub(super) not: bool,
    /// Where all of it stands.
    pub(super) at: Range<usize>,
    pub(super) what: What<'a>,
}

pub(super) enum What<'a> {
    /// What is looked for as it is, without quotes and without the sign for not.
    Word(&'a str),
    /// A field with its values; with none where there are only blanks.
    Field { field: &'static Field, comparison: Comparison, values: Vec<Value<'a>> },
}

/// One of a field's values, with something in it.
pub(super) struct Value<'a> {
    pub(super) at: Range<usize>,
    /// With its quotes.
    pub(super) raw: &'a str,
    /// Without.
    pub(super) text: &'a str,
}

/// Goes through what was typed.
pub(super) struct Tokens<'a> {
    typed: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(typed: &'a str) -> Self {
        Self { typed, at: 0 }
    }

    fn rest(&self) -> &'a str {
        self.typed.get(self.at..).unwrap_or_default()
    }

    fn since(&self, start: usize) -> &'a str {
        self.typed.get(start..self.at).unwrap_or_default()
    }

    /// Goes on if this comes next.
    fn skip(&mut self, sign: &str) -> bool {
        let comes = self.rest().starts_with(sign);
        if comes {
            self.at += sign.len();
        }
        comes
    }

    /// Goes on to the first of such characters, or to the end.
    fn skip_to(&mut self, ends: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(ends).unwrap_or(rest.len());
    }

    /// What stands in quotes, of which the first comes next. Quotes that nobody closes go to the end.
    fn quoted(&mut self) -> &'a str {
        self.skip("\"");
        let start = self.at;
        self.skip_to(|char| char == '"');
        let inside = self.since(start);
        self.skip("\"");
        inside
    }

    /// Whether a sign for not comes next, and something to apply it to: `->`, `--x` and `!=` are words.
    fn skip_not(&mut self) -> bool {
        let mut chars = self.rest().chars();
        let not = chars.next().is_some_and(|char| matches!(char, '-' | '!'))
            && chars.next().is_some_and(|char| {
                !char.is_whitespace() && !matches!(char, '-' | '!' | '=' | '>')
            });
        if not {
            self.at += 1;
        }
        not
    }

    /// The field that comes next, and how its values are compared. Else nothing is skipped.
    fn field(&mut self) -> Option<(&'static Field, Comparison)> {
        let start = self.at;
        self.skip_to(|char| !char.is_ascii_alphabetic());
        let found = Field::named(self.since(start))
            .and_then(|field| Some((field, self.comparison(field.compares())?)));
        if found.is_none() {
            self.at = start;
        }
        found
    }

    fn comparison(&mut self, compares: bool) -> Option<Comparison> {
        // `session::build` is code.
        let colon = !self.rest().starts_with("::") && self.skip(":");
        let signs = [
            (">=", Comparison::AtLeast),
            ("<=", Comparison::AtMost),
            ("!=", Comparison::Other),
            ("==", Comparison::Equal),
            (">", Comparison::More),
            ("<", Comparison::Less),
            ("=", Comparison::Equal),
        ];
        let sign = || signs.into_iter().find(|(sign, _)| self.rest().starts_with(sign));
        match compares.then(sign).flatten() {
            Some((sign, comparison)) => {
                self.skip(sign);
                Some(comparison)
            }
            None => colon.then_some(Comparison::Equal),
        }
    }

    fn values(&mut self) -> Vec<Value<'a>> {
        let mut values = Vec::new();
        loop {
            let start = self.at;
            let quoted = self.rest().starts_with('"').then(|| self.quoted());
            match quoted {
                // The sign for the beginning of a word; anything else is the next term.
                Some(_) => {
                    self.skip("*");
                }
                None => self.skip_to(|char| char == ',' || char.is_whitespace()),
            }
            let raw = self.since(start);
            let text = quoted.unwrap_or(raw);
            if !text.trim().is_empty() {
                values.push(Value { at: start..self.at, raw, text });
            }
            if !self.skip(",") {
                return values;
            }
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        self.skip_to(|char| !char.is_whitespace());
        let start = self.at;
        if self.rest().is_empty() {
            return None;
        }
        let not = self.skip_not();
        let what = if self.rest().starts_with('"') {
            let word = self.quoted();
            self.skip("*");
            What::Word(word)
        } else if let Some((field, comparison)) = self.field() {
            What::Field { field, comparison, values: self.values() }
        } else {
            let start = self.at;
            self.skip_to(char::is_whitespace);
            What::Word(self.since(start))
        };
        Some(Token { not, at: start..self.at, what })
    }
}
