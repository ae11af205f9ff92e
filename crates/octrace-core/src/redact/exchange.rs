//! A whole exchange through redaction: heads, bodies and error, each by its own rules.

use super::{Clean, Redactor};
use crate::exchange::{Exchange, ResponseHead, content_type};

impl Redactor {
    /// Makes an exchange clean, whatever of it is there yet.
    pub fn exchange(&self, exchange: Exchange) -> Clean<Exchange> {
        let asked_as = content_type(&exchange.request.headers);
        let answered_as =
            exchange.response.as_ref().map(ResponseHead::content_type).unwrap_or_default();
        Clean::vouch(Exchange {
            request: self.request_head(exchange.request).into_inner(),
            request_body: self.body(&asked_as, exchange.request_body).into_inner(),
            response: exchange.response.map(|head| self.response_head(head).into_inner()),
            response_body: self.body(&answered_as, exchange.response_body).into_inner(),
            error: exchange.error.map(|error| self.text(error).into_inner()),
            // Numbers, times and words of our own: nothing that came from outside.
            number: exchange.number,
            dialect: exchange.dialect,
            request_cut: exchange.request_cut,
            response_cut: exchange.response_cut,
            timing: exchange.timing,
            outcome: exchange.outcome,
        })
    }
}
