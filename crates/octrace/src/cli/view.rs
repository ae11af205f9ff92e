//! `octrace view`: the terminal viewer.

use clap::Args;
use octrace_core::filter::Filter;
use octrace_view::terminal::{Options, Theme};

use super::{
    Context,
    error::{Failure, Result},
};
use crate::view;

/// Look at what is recorded, in the terminal
#[derive(Args)]
pub(super) struct View {
    /// Only what is there now
    #[arg(long = "static")]
    is_static: bool,
    /// Requests for titles and the like, too
    #[arg(long)]
    include_meta: bool,
}

impl View {
    pub(super) fn run(self, context: &mut Context) -> Result {
        if !context.out.is_screen() {
            return Err(Failure::failed("this is no terminal")
                .hint("`octrace sessions` and `octrace show` print the same."));
        }
        let options = Options {
            session: None,
            include_meta: self.include_meta,
            is_static: self.is_static,
            filter: Filter::default(),
            theme: Theme::Dark,
            style: context.out.style(),
            source: "tape".to_owned(),
        };
        Ok(view::run(&context.paths, options)?)
    }
}
