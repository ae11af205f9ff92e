//! `octrace view`: the terminal viewer.

use std::{
    env, io,
    io::IsTerminal,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, ValueEnum};
use octrace_store::Tape;
use octrace_view::terminal::{Options, Theme};

use super::{
    Context,
    error::{Failure, Result},
    filter::{self, FilterFlag},
    show,
};
use crate::view::{
    self,
    source::{JsonlSource, Source, TapeSource},
};

/// Look at what is recorded, in the terminal: sessions, requests as they go, and what changed between them
///
/// It stays up to date while OpenCode works. ? shows every key, and / changes the filter.
#[derive(Args)]
#[command(after_long_help = filter::help())]
pub(super) struct View {
    /// Instead of the tape: a folder or a file of JSONL, by octrace or by opencode-api-tracer
    #[arg(value_name = "DIR or FILE")]
    path: Option<PathBuf>,
    /// Open with this session: its id, or enough of its beginning (with or without `ses_`) or end
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    #[command(flatten)]
    filter: FilterFlag,
    /// Show requests for titles and the like, too
    #[arg(long)]
    include_meta: bool,
    /// Show what is there now, and nothing new
    #[arg(long = "static")]
    is_static: bool,
    /// Which colours: auto asks NO_COLOR and COLORFGBG
    #[arg(long, value_enum, default_value_t = Colors::Auto)]
    theme: Colors,
}

#[derive(Clone, Copy, ValueEnum)]
enum Colors {
    Auto,
    /// For a dark background
    Dark,
    /// For a light background
    Light,
    /// None at all
    None,
}

impl View {
    pub(super) fn run(self, context: &mut Context) -> Result {
        let Context { paths, out, .. } = context;
        let filter = self.filter.read()?;
        if !out.is_screen() || !io::stdin().is_terminal() {
            return Err(Failure::failed("`octrace view` needs a terminal to draw on and to read keys from")
                .hint("`octrace sessions`, `octrace show` and `octrace request` print the same things, with --json for scripts."));
        }
        let wanted = self.session.as_deref();
        let (source, session, name): (Box<dyn Source>, _, _) = match &self.path {
            Some(path) => {
                let mut source = JsonlSource::open(path, self.is_static)?;
                // Nearly always a file is one session's, and its beginning says so.
                let lists = format!("`octrace view {}` lists them.", path.display());
                let find = |wanted| {
                    show::find_listed(&source.sessions(false), wanted, &lists)
                        .or_else(|_| show::find_listed(&source.sessions(true), wanted, &lists))
                };
                let session = wanted.map(find).transpose()?;
                (Box::new(source), session, path.display().to_string())
            }
            None => {
                let session = wanted.map(|wanted| find(&paths.tape(), wanted)).transpose()?;
                // A tape that cannot be read is better told of here than on a screen of its own. One that is only
                // kept from us at the moment is waited for there.
                match Tape::open_existing_within(&paths.tape(), Duration::ZERO) {
                    Err(error) if !error.is_busy() => return Err(error.into()),
                    _ => {}
                }
                (Box::new(TapeSource::new(paths.tape())), session, "tape".to_owned())
            }
        };
        let style = out.style();
        let options = Options {
            session,
            include_meta: self.include_meta,
            is_static: self.is_static,
            filter,
            theme: self.theme.resolve(style.color),
            style,
            source: name,
        };
        Ok(view::run(source, options, paths.user.clone())?)
    }
}

/// The session that somebody means; for that the tape has to be read, and is waited for.
fn find(tape: &Path, wanted: &str) -> Result<String> {
    let tape = Tape::open_existing(tape)?;
    let rows = tape.as_ref().map(Tape::sessions).transpose()?;
    show::find(&rows.unwrap_or_default(), Some(wanted))
}

impl Colors {
    /// `color`: whether the terminal and the environment want any.
    fn resolve(self, color: bool) -> Theme {
        match self {
            Self::Auto if !color => Theme::Plain,
            Self::Auto => background(&env::var("COLORFGBG").unwrap_or_default()),
            Self::Dark => Theme::Dark,
            Self::Light => Theme::Light,
            Self::None => Theme::Plain,
        }
    }
}

/// By what terminals say about themselves: `15;0`, `0;default;15`. Most say nothing, and are dark.
fn background(colors: &str) -> Theme {
    match colors.rsplit(';').next().map(str::parse::<u8>) {
        Some(Ok(7 | 9..=15)) => Theme::Light,
        _ => Theme::Dark,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_background_is_what_the_terminal_says() {
        for (said, theme) in [
            ("", Theme::Dark),
            ("15;0", Theme::Dark),
            ("0;15", Theme::Light),
            ("0;default;15", Theme::Light),
            ("0;7", Theme::Light),
            ("7;8", Theme::Dark),
            ("0;default", Theme::Dark),
        ] {
            assert_eq!(background(said), theme, "{said:?}");
        }
    }

    #[test]
    fn no_color_is_obeyed_unless_a_flag_says_otherwise() {
        assert_eq!(Colors::Auto.resolve(false), Theme::Plain);
        assert_eq!(Colors::Light.resolve(false), Theme::Light);
        assert_eq!(Colors::None.resolve(true), Theme::Plain);
    }
}
