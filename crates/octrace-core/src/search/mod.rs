//! What of a recording can be searched, and finding it there.
//!
//! * [`passages_of_request`] and [`passages_of_answer`] give the text in a piece of a body, string by string,
//!   decoded and without JSON's own signs, each with who says it.
//! * [`words`] cuts text into the words that an index keeps.
//! * [`Query`] is what somebody looks for: the words that an index has to have for it, and the search itself.
//!
//! An index only says where to look; [`Query::find`] decides. So it may know words and nothing of their order,
//! and what is found is the same with it and without.
//!
//! A word is a run of letters and digits, case apart: `foo_bar` and `a.b.c` are words and what is between them,
//! and are found as they are written. In scripts that put no spaces between words (Chinese, Japanese, Thai, …)
//! and in Korean every letter is a word, so that a word is found inside a sentence.

mod passage;
mod query;
mod word;

pub use passage::{
    Passage, Role, is_inside_string, passages_of_answer, passages_of_request, passages_of_string,
};
pub use query::{Found, Fragment, IndexWord, Query};
pub use word::words;
