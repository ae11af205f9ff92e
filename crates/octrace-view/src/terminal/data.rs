//! What the viewer asks of its source, and what it is told.
//!
//! A source is the tape, or files. It answers when it can, piece by piece, from another thread; of what is open it
//! tells by itself what is new. An answer to what nobody looks at any more is passed over.

use octrace_core::{
    search::Query,
    timeline::{Row, RowId},
};
use octrace_store::read::SessionRow;

use super::document::Document;

/// A question to the source.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Ask {
    /// The sessions, newest first, and from then on what changes in them.
    Sessions,
    /// A session's rows, and from then on what changes in them, until another session's are asked for.
    Timeline {
        /// OpenCode's id.
        session: String,
    },
    /// An exchange, as one of its tabs shows it.
    Page(PageId),
    /// Where these words stand.
    Find {
        /// Only in this session.
        session: Option<String>,
        /// What they are.
        words: Query,
    },
}

/// What is shown of an exchange, one at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tab {
    /// What was said, as people read it: the request's messages, then the answer.
    #[default]
    Conversation,
    /// The request's body, as JSON.
    Request,
    /// The response's body, as JSON; a stream event by event.
    Response,
    /// Of both.
    Headers,
    /// When what happened, and what it cost.
    Timing,
    /// What is new in the request, against the one before it in its conversation.
    Difference,
}

impl Tab {
    /// In their order on screen.
    pub const ALL: [Self; 6] = [
        Self::Conversation,
        Self::Request,
        Self::Response,
        Self::Headers,
        Self::Timing,
        Self::Difference,
    ];
}

/// One tab of one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PageId {
    /// The exchange.
    pub exchange: i64,
    /// The one that [`Tab::Difference`] compares it with.
    pub previous: Option<i64>,
    /// What of it.
    pub tab: Tab,
}

/// What the source says.
#[derive(Debug)]
pub enum Answer {
    /// Sessions: new ones, and known ones as they are now.
    Sessions {
        /// In any order.
        rows: Vec<SessionRow>,
        /// Ids of sessions that are gone.
        gone: Vec<String>,
        /// How far the first reading is; `None` once all are known.
        progress: Option<Progress>,
    },
    /// Rows of the session that was asked for last: new ones, and known ones as they are now.
    Timeline {
        /// Whose.
        session: String,
        /// In any order.
        rows: Vec<Row>,
        /// Rows that are gone.
        gone: Vec<RowId>,
        /// How far the first reading is; `None` once all are known.
        progress: Option<Progress>,
    },
    /// A page, or why there is none.
    Page(PageId, Result<Box<Document>, String>),
    /// Where the words stand.
    Found {
        /// As asked.
        session: Option<String>,
        /// As asked.
        words: Query,
        /// Session and exchange.
        places: Vec<(String, i64)>,
    },
    /// What was told before holds no longer: the source was replaced. Whoever shows something asks again.
    Renewed,
    /// Something that a person should know of: the source cannot be read at the moment, or was cut.
    Trouble(String),
}

/// How far long work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// So much is done, in whatever unit.
    pub done: u64,
    /// Of so much.
    pub of: u64,
}

/// What is copied or saved whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// The request's body, byte for byte.
    Request(i64),
    /// The response's body, byte for byte.
    Response(i64),
    /// A curl command that sends the same request.
    Curl(i64),
    /// Something on the screen.
    Text(String),
}

impl Payload {
    /// A name for the file that it is saved to.
    pub(super) fn file_name(&self) -> String {
        match self {
            Self::Request(id) => format!("octrace-{id}.request.json"),
            Self::Response(id) => format!("octrace-{id}.response.json"),
            Self::Curl(id) => format!("octrace-{id}.sh"),
            Self::Text(_) => "octrace.txt".to_owned(),
        }
    }
}
