//! What the receiver was sent, as spans.

use std::{borrow::Cow, io::Read};

use anyhow::Context;
use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, trace::v1::Span,
};
use prost::Message;

use super::Received;

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

    /// The body as OTLP.
    ///
    /// # Errors
    /// When it is something else.
    pub fn traces(&self) -> anyhow::Result<ExportTraceServiceRequest> {
        let plain = self.plain()?;
        ExportTraceServiceRequest::decode(&plain[..]).context("the body is not OTLP")
    }

    /// The spans of the body, which is OTLP, in order.
    ///
    /// # Errors
    /// When it is something else.
    pub fn spans(&self) -> anyhow::Result<Vec<Span>> {
        let resources = self.traces()?.resource_spans.into_iter();
        let scopes = resources.flat_map(|resource| resource.scope_spans);
        Ok(scopes.flat_map(|scope| scope.spans).collect())
    }
}
