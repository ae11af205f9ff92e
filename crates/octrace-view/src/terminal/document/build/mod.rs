//! From an exchange to what a tab shows of it. Long work: not for the thread that draws.

mod body;
mod headers;
mod timing;

use std::sync::Arc;

use octrace_core::{
    exchange::{Summary, content_type},
    provider::Answer,
};
use octrace_store::{follow::Step, read::ExchangeDetail};

pub(super) use self::body::Body;
use super::{Document, conversation, difference};
use crate::{
    terminal::data::Tab,
    text::{Style, request::read_answer_of},
};

/// What a page is made of. Only the bodies that its tab [`needs`] have to be there.
#[derive(Debug)]
pub struct Exchanges {
    /// What is shown.
    pub exchange: ExchangeDetail,
    /// The one before it in the same conversation.
    pub previous: Option<ExchangeDetail>,
}

/// An exchange for the conversation's tab.
pub(super) struct Exchange {
    pub(super) summary: Summary,
    pub(super) request: Body,
    pub(super) response: Body,
    pub(super) answer: Answer,
}

/// The bodies that a tab shows something of, by the steps that they are of.
pub fn needs(tab: Tab) -> &'static [Step] {
    match tab {
        Tab::Conversation => &[Step::Begin, Step::End],
        Tab::Request | Tab::Difference => &[Step::Begin],
        Tab::Response => &[Step::End],
        Tab::Headers | Tab::Timing => &[],
    }
}

/// What the tab shows. `style`: marks and times.
pub fn document(tab: Tab, exchanges: Exchanges, style: &Style) -> Document {
    let Exchanges { exchange: detail, previous } = exchanges;
    match tab {
        Tab::Conversation => {
            let answer = read_answer_of(&detail);
            let (request, response, summary) = bodies(detail);
            let exchange = Exchange { summary, request, response, answer };
            let (nodes, begin, calls) = conversation::nodes(&exchange);
            Document::new(nodes).beginning_at(begin).calling(calls)
        }
        Tab::Request => page(bodies(detail).0),
        Tab::Response => page(bodies(detail).1),
        Tab::Headers => Document::new(headers::nodes(&detail)),
        Tab::Timing => Document::new(timing::nodes(&detail.summary, style)),
        Tab::Difference => Document::new(difference::nodes(detail, previous, style)),
    }
}

fn page(body: Body) -> Document {
    Document::new(body.page()).exact(body.bytes)
}

fn bodies(detail: ExchangeDetail) -> (Body, Body, Summary) {
    let request = Body {
        content_type: content_type(&detail.request_headers),
        bytes: Arc::new(detail.request_body),
        is_cut: detail.request_cut,
        is_open: false,
    };
    let response = Body {
        content_type: content_type(&detail.response_headers),
        bytes: Arc::new(detail.response_body),
        is_cut: detail.response_cut,
        is_open: detail.summary.outcome.is_open(),
    };
    (request, response, detail.summary)
}
