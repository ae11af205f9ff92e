//! From an exchange to what a tab shows of it. Long work: not for the thread that draws.

use octrace_store::read::ExchangeDetail;

use super::Document;
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
pub fn document(_tab: Tab, _exchanges: Exchanges) -> Document {
    Document::default()
}
