//! `octrace request`: one exchange with a model, as it went over the wire.

use clap::Args;
use octrace_store::follow::Step;
use octrace_view::{difference, json, text::request as view};

use super::{
    Context,
    error::{Failure, Result},
    show,
};

/// Show one request with its response: headers, body, answer
#[derive(Args)]
pub(super) struct Request {
    /// The request's number, as `octrace show` names it
    id: String,
    /// As JSON, all of it; not together with the flags below
    #[arg(long, conflicts_with_all = ["raw", "body", "response", "curl", "diff"])]
    json: bool,
    /// The request's body exactly as it was sent; with --response, the response's as it arrived
    #[arg(long, conflicts_with = "curl")]
    raw: bool,
    /// The whole request body, laid out
    #[arg(long, conflicts_with_all = ["response", "curl"])]
    body: bool,
    /// The whole response, put together where it was streamed
    #[arg(long, conflicts_with = "curl")]
    response: bool,
    /// A curl command that sends the same request
    #[arg(long)]
    curl: bool,
    /// What is new against the request before it in its conversation, and where the prompt cache breaks
    #[arg(long, conflicts_with_all = ["raw", "body", "response", "curl"])]
    diff: bool,
}

impl Request {
    pub(super) fn run(self, context: &mut Context) -> Result {
        let Context { paths, out, .. } = context;
        let typed = &self.id;
        let id = typed.trim_start_matches('#').parse().map_err(|_| {
            Failure::usage(format!("{typed} is not the number of a request"))
                .hint("`octrace show` has the numbers.")
        })?;
        let tape = show::open(&paths.tape())?;
        let Some(detail) = tape.exchange(id)? else {
            return Err(Failure::failed(format!("no request {id} is recorded"))
                .hint("`octrace show` has the numbers."));
        };
        if self.raw {
            let raw = if self.response { view::raw_response } else { view::raw_request };
            return out.bytes(raw(&detail));
        }
        let text = if self.json {
            json::request(&detail)?
        } else if self.body {
            view::body(&detail, &out.style())
        } else if self.response {
            view::response(&detail, &out.style())
        } else if self.curl {
            view::curl(&detail)
        } else if self.diff {
            let previous = match tape.previous(&detail.summary)? {
                Some(previous) => tape.exchange_at(previous, Step::Begin)?,
                None => None,
            };
            difference::text(&detail, previous.as_ref(), &out.style())
        } else {
            view::request(&detail, &out.style())
        };
        out.print(&text)
    }
}
