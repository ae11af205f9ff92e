//! The tab that shows what a request changed.

use std::{mem, sync::Arc};

use octrace_store::read::ExchangeDetail;

use super::{How, Node, Span};
use crate::{
    difference::{Below, Block, Side, blocks},
    text::Style,
};

/// What is new in a request against `previous`, the one before it in its conversation.
pub(super) fn nodes(
    mut exchange: ExchangeDetail,
    mut previous: Option<ExchangeDetail>,
    style: &Style,
) -> Vec<Node> {
    let blocks = blocks(&exchange, previous.as_ref(), style);
    let before = previous.as_mut().map(|previous| mem::take(&mut previous.request_body));
    let bodies = Bodies {
        before: Arc::new(before.unwrap_or_default()),
        after: Arc::new(mem::take(&mut exchange.request_body)),
    };
    blocks.into_iter().map(|block| bodies.node(block)).collect()
}

/// Both requests' bodies: what is shown as it was sent is not copied.
struct Bodies {
    before: Arc<Vec<u8>>,
    after: Arc<Vec<u8>>,
}

impl Bodies {
    fn node(&self, block: Block) -> Node {
        let below = block.below.into_iter().map(|below| match below {
            Below::Text(text, paints) => Node::painted(text, paints),
            Below::Block(block) => self.node(block),
            Below::Raw(side, range) => {
                let source = if side == Side::Before { &self.before } else { &self.after };
                Node::span(Span { source: Arc::clone(source), range }, How::Json)
            }
        });
        let node = Node::heading(block.heading, below.collect());
        if block.is_open { node.unfolded() } else { node }
    }
}
