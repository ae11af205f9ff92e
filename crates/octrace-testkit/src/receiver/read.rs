//! What the receiver was sent, as it was before compression.

use std::{borrow::Cow, io::Read};

use anyhow::Context;
use flate2::read::GzDecoder;

use super::{PlainSpan, Received, spans};

impl Received {
    /// A header's value, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body as it was before compression.
    ///
    /// # Errors
    /// When it says gzip and is not.
    pub fn plain(&self) -> anyhow::Result<Cow<'_, [u8]>> {
        if self.header("content-encoding") != Some("gzip") {
            return Ok(Cow::Borrowed(&self.body));
        }
        let mut plain = Vec::new();
        GzDecoder::new(&self.body[..]).read_to_end(&mut plain).context("the body is not gzip")?;
        Ok(Cow::Owned(plain))
    }

    /// The spans of the body, which is OTLP, in order.
    ///
    /// # Errors
    /// When it is something else.
    pub fn spans(&self) -> anyhow::Result<Vec<PlainSpan>> {
        spans(&self.plain()?)
    }
}
