//! What a tab shows: text that can be folded, searched, selected and copied, of any size.

mod build;

pub use self::build::{Exchanges, document};

/// One page's content, and where somebody is in it.
#[derive(Debug, Default)]
pub struct Document {}
