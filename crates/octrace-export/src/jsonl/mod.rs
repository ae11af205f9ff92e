//! JSONL: a line for each request, response and error, in the format of opencode-api-tracer, so that the viewers
//! which people have for its files read these.
//!
//! ```text
//! {"kind":"request","id":1,"timestamp":"…Z","sessionID":"ses_…","method":"POST","url":"…","headers":{…},"body":{…}}
//! {"kind":"response","id":1,"timestamp":"…Z",…,"status":200,"statusText":"OK","headers":{…},"body":{…}}
//! {"kind":"error","id":1,"timestamp":"…Z",…,"error":"fetch failed"}
//! ```
//!
//! * `id` counts the requests of the session; a response and an error have their request's. A response that broke off
//!   has both: a `response` with what arrived, then an `error`.
//! * Fields of ours come last: `exchange` (what `octrace request` takes), `agent`, `purpose` (`main`, `title`, …), and
//!   `"cut":true` where the recorded body is shorter than the true one.
//! * Bodies: see `body`. Names of files: see [`file_name`].
//!
//! What a line says follows from the tape alone, and never changes: a file that was written while the session went on
//! and one that is exported years later are the same bytes.

mod body;
mod line;
mod name;

pub use self::{
    line::write,
    name::{file_name, numbered},
};
