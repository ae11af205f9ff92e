//! From an exchange to what a tab shows of it. Long work: not for the thread that draws.

use octrace_store::read::ExchangeDetail;

use super::{Document, difference};
use crate::terminal::data::Tab;

/// What a page is made of. Bodies that its tab does not need may be missing.
#[derive(Debug)]
pub struct Exchanges {
    /// What is shown.
    pub exchange: ExchangeDetail,
    /// The one before it in the same conversation.
    pub previous: Option<ExchangeDetail>,
}

/// What the tab shows.
pub fn document(tab: Tab, exchanges: Exchanges) -> Document {
    let Exchanges { exchange, previous } = exchanges;
    match tab {
        Tab::Difference => Document::new(difference::nodes(exchange, previous)),
        _ => Document::default(),
    }
}
