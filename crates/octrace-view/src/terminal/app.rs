//! The whole state, and how it changes.

use std::path::PathBuf;

use octrace_core::filter::Filter;
use ratatui_core::buffer::Buffer;

use super::{
    Theme,
    data::{Answer, Ask, Payload},
    input::Input,
};
use crate::text::Style;

/// How the viewer begins, and how everything in it looks.
#[derive(Clone, Debug)]
pub struct Options {
    /// Opens with this session instead of the list.
    pub session: Option<String>,
    /// Requests for titles and the like are shown, too.
    pub include_meta: bool,
    /// Nothing new is shown.
    pub is_static: bool,
    /// What is shown at the beginning.
    pub filter: Filter,
    /// Colours.
    pub theme: Theme,
    /// Marks and times.
    pub style: Style,
    /// What is looked at, in a few words: `tape`, a file's name.
    pub source: String,
}

/// What happens to the viewer. Nothing else changes it.
#[derive(Debug)]
pub enum Event {
    /// A person did something.
    Input(Input),
    /// The source said something.
    Answer(Answer),
    /// Time has passed; sent a few times a second while [`App::is_moving`].
    Tick,
    /// An action was done, in words for the person who wanted it.
    Done(String),
    /// An action failed, in words.
    Failed(String),
}

/// What is to be done outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ask the source.
    Ask(Ask),
    /// Put it on the clipboard, then say how ([`Event::Done`]).
    Copy(Payload),
    /// Write it to a new file, then say where.
    Save(Payload, PathBuf),
    /// Whether the mouse is ours, or the terminal's own selection works.
    Mouse(bool),
    /// Give the terminal back until somebody brings us to the foreground.
    Suspend,
    /// The end.
    Quit,
}

/// The viewer.
pub struct App {
    options: Options,
    now_us: i64,
}

impl App {
    /// A viewer at its beginning, and what it wants first. `now_us`: µs since the Unix epoch.
    pub fn new(options: Options, now_us: i64) -> (Self, Vec<Action>) {
        (Self { options, now_us }, vec![Action::Ask(Ask::Sessions)])
    }

    /// Something happened at `now_us`.
    pub fn update(&mut self, _event: Event, now_us: i64) -> Vec<Action> {
        self.now_us = now_us;
        Vec::new()
    }

    /// Whether what is shown changes by time alone: something is under way, or a message will go.
    pub fn is_moving(&self) -> bool {
        false
    }

    /// Draws everything.
    pub fn draw(&mut self, buffer: &mut Buffer) {
        let style = self.options.theme.style(crate::text::Paint::Dim);
        buffer.set_string(0, 0, "octrace", style);
    }
}
