//! The only way from what OpenCode sent to what may be kept.
//!
//! A [`Redactor`] takes raw things and gives [`Clean`] ones; nothing else can make a [`Clean`], and the
//! tape and the sinks accept nothing else. What it does, everywhere alike:
//!
//! * `headers`: values by an allow list of names;
//! * `url`: userinfo and the values of secret parameters, in URLs and forms;
//! * `json`: values under secret names (`key`) at any depth, schemas excepted (`schema`);
//! * `text`: a table of rules for text of any kind;
//! * `literal`: values of known credentials, by their fingerprints;
//! * `encoded`: all of this in base64, hex and percent signs.
//!
//! Every search gives ranges (`hit`) of the original bytes and those are replaced by `[REDACTED]`; nothing
//! is printed anew, so that what remains is byte for byte what was sent. `scan` decides which search
//! sees what, and follows text inside text (`escape`); what a model streams in fragments is joined first
//! (`stream`). What a body begins with is not searched again if another began with it (`memory`), nor is a
//! long string in which nothing was found (`strings`). Whatever the input, the work is linear in it, and the room it takes is a few times the longest string
//! that has escapes, or the size of a stream.
//!
//! A fingerprint is one of a whole value: where a text was cut inside a known credential, what is there of it
//! stays. Rules for shapes match what is there.
//!
//! When in doubt, a rule errs on the side of blanking; broken input is searched more, not less.

mod around;
mod clean;
mod encoded;
mod escape;
mod exchange;
mod file;
mod headers;
pub(crate) mod hit;
mod json;
mod key;
mod literal;
mod memory;
mod scan;
mod schema;
mod sse;
mod stream;
mod strings;
mod text;
mod url;

#[cfg(test)]
mod tests;

use std::cell::RefCell;

use octrace_wire::payload::SecretPrint;

pub use self::{
    clean::Clean,
    text::{BadPattern, Patterns},
};
use self::{
    hit::{Hit, MARK},
    literal::Literals,
    memory::Memory,
    scan::Scan,
    strings::Strings,
};
use crate::exchange::{Headers, RequestHead, ResponseHead};

/// A text is searched so often at most. Two is what those take in which something is found.
const ROUNDS: usize = 4;

/// Applies the rules, and knows the fingerprints of one spool's credentials.
pub struct Redactor {
    literals: Literals,
    patterns: Patterns,
    memory: RefCell<Memory>,
    /// The same of what becomes of bodies.
    changed: RefCell<Memory>,
    strings: RefCell<Strings>,
    /// The same of texts that are no JSON strings: these have no escapes.
    texts: RefCell<Strings>,
}

impl Redactor {
    /// For a spool with this salt (`Hello::salt`), before it named any credential.
    pub fn new(salt_hex: &str) -> Self {
        Self {
            literals: Literals::new(salt_hex),
            patterns: Patterns::default(),
            memory: RefCell::default(),
            changed: RefCell::default(),
            strings: RefCell::default(),
            texts: RefCell::default(),
        }
    }

    /// The same, and what the user's own patterns match is blanked too.
    pub fn with_patterns(mut self, patterns: &Patterns) -> Self {
        self.patterns = patterns.clone();
        self.forget();
        self
    }

    /// Adds credentials that the spool names. Repeating them changes nothing.
    pub fn learn(&mut self, prints: &[SecretPrint]) {
        if self.literals.learn(prints) {
            self.forget();
        }
    }

    fn forget(&mut self) {
        self.memory.get_mut().forget();
        self.changed.get_mut().forget();
        self.strings.get_mut().forget();
        self.texts.get_mut().forget();
    }

    fn scan(&self) -> Scan<'_> {
        Scan::new(&self.literals, &self.patterns, &self.strings)
    }

    /// Whether it is for the spool with this salt.
    pub fn is_for(&self, salt_hex: &str) -> bool {
        self.literals.are_salted_with(salt_hex)
    }

    /// A request's head.
    pub fn request_head(&self, head: RequestHead) -> Clean<RequestHead> {
        let text = |value| self.plain(value);
        let optional = |value: Option<String>| value.map(text);
        Clean::vouch(RequestHead {
            method: text(head.method),
            url: self.url(head.url),
            headers: self.headers(head.headers),
            session: text(head.session),
            parent: optional(head.parent),
            message: optional(head.message),
            agent: optional(head.agent),
            provider: optional(head.provider),
            model: optional(head.model),
            npm: optional(head.npm),
            price: optional(head.price),
            body_bytes: head.body_bytes,
        })
    }

    /// A response's head.
    pub fn response_head(&self, head: ResponseHead) -> Clean<ResponseHead> {
        Clean::vouch(ResponseHead {
            status: head.status,
            status_text: self.plain(head.status_text),
            headers: self.headers(head.headers),
        })
    }

    /// A request's or response's body, whole or cut: JSON, JSON lines, server-sent events, a form, or
    /// anything else as text. `content_type` may be empty.
    pub fn body(&self, content_type: &str, body: Vec<u8>) -> Clean<Vec<u8>> {
        Clean::vouch(self.blanked(body, self.body_hits(content_type), hit::apply).0)
    }

    /// JSON text: an event, a hook's input. What was JSON is JSON afterwards.
    pub fn json(&self, text: &[u8]) -> Clean<Vec<u8>> {
        Clean::vouch(self.blanked(text.to_vec(), Scan::json, hit::apply).0)
    }

    /// Text of any kind: an error message, a title.
    pub fn text(&self, text: impl Into<String>) -> Clean<String> {
        Clean::vouch(self.plain(text.into()))
    }

    fn headers(&self, headers: Headers) -> Headers {
        let value = |name: &str, value| {
            if headers::is_kept(name) { self.plain(value) } else { MARK.to_owned() }
        };
        headers
            .into_iter()
            .map(|(name, raw)| (self.plain(name.clone()), value(&name, raw)))
            .collect()
    }

    fn plain(&self, text: String) -> String {
        let key = self.texts.borrow().key(text.as_bytes());
        if key.is_some_and(|key| self.texts.borrow_mut().has(&key)) {
            return text;
        }
        let find = |scan: &mut Scan<'_>, text: &[u8]| scan.document(text, 0);
        let (clean, changed) = self.blanked(text.into_bytes(), find, hit::apply);
        if let Some(key) = key.filter(|_| !changed) {
            self.texts.borrow_mut().insert(key);
        }
        in_letters(clean)
    }

    fn url(&self, url: String) -> String {
        in_letters(self.blanked(url.into_bytes(), Scan::url, hit::apply).0)
    }

    /// What finds the hits in a body, first in what was sent, then in what has become of it.
    fn body_hits(&self, content_type: &str) -> impl FnMut(&mut Scan<'_>, &[u8]) -> Vec<Hit> {
        let (mut sent, mut changed) = (Some(self.memory.borrow_mut()), self.changed.borrow_mut());
        move |scan, body| match sent.take() {
            Some(mut sent) => scan.body(content_type, body, &mut sent),
            None => scan.body(content_type, body, &mut changed),
        }
    }

    /// What `apply` makes of the hits that `find` has, and whether there were any. A mark changes how the rest reads: JSON that
    /// was broken there goes on, a line has other neighbours. So what was changed is searched again, until
    /// nothing is found.
    fn blanked<'s>(
        &'s self,
        mut bytes: Vec<u8>,
        mut find: impl FnMut(&mut Scan<'s>, &[u8]) -> Vec<Hit>,
        apply: fn(Vec<u8>, &[Hit]) -> Vec<u8>,
    ) -> (Vec<u8>, bool) {
        for round in 0..ROUNDS {
            let hits = find(&mut self.scan(), &bytes);
            if hits.is_empty() {
                return (bytes, round > 0);
            }
            bytes = apply(bytes, &hits);
        }
        (bytes, true)
    }
}

/// Hits in valid text end between characters; a forged fingerprint's may not.
fn in_letters(clean: Vec<u8>) -> String {
    String::from_utf8(clean)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
