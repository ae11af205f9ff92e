//! Colours: for dark and light terminals, and none.

use ratatui_core::style::{Color, Modifier, Style};

use crate::text::Paint;

/// What the terminal's background is like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// Light text on dark.
    #[default]
    Dark,
    /// Dark text on light.
    Light,
    /// No colours at all, for `NO_COLOR`: what is marked is bold, dim or reversed.
    Plain,
}

impl Theme {
    /// The one after it, round and round.
    pub(super) fn next(self) -> Self {
        match self {
            Self::Dark => Self::Light,
            Self::Light => Self::Plain,
            Self::Plain => Self::Dark,
        }
    }

    /// What it is for, in a word.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
            Self::Plain => "none",
        }
    }

    /// How text of this kind looks.
    pub(crate) fn style(self, paint: Paint) -> Style {
        let plain = Style::new();
        let color = |color| if self == Self::Plain { plain } else { plain.fg(color) };
        match paint {
            Paint::Plain => plain,
            Paint::Strong => plain.add_modifier(Modifier::BOLD),
            Paint::Dim => plain.add_modifier(Modifier::DIM),
            Paint::Good => color(Color::Green),
            Paint::Bad => color(Color::Red).add_modifier(Modifier::BOLD),
            // Yellow cannot be read on white.
            Paint::Warn if self == Self::Light => color(Color::Magenta),
            Paint::Warn => color(Color::Yellow),
            Paint::Accent if self == Self::Light => color(Color::Blue),
            Paint::Accent => color(Color::Cyan),
            Paint::Meta => color(Color::Magenta),
            Paint::Found => plain.add_modifier(Modifier::REVERSED),
        }
    }
}
