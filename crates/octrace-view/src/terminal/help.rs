//! What can be done here, by which keys; typing narrows it, Enter does it. Then the language of filters.

use octrace_core::filter::{FIELDS, SIGNS};
use ratatui_core::layout::Rect;

use super::{
    command::{self, Command, Entry, Place},
    draw::{Pen, row, split_bottom, split_top, without_left, wrapped},
    input::Key,
    list::Cursor,
    prompt::{Prompt, Typed},
};
use crate::text::{Paint, line::Line};

/// The open help.
#[derive(Debug)]
pub(super) struct Help {
    place: Place,
    prompt: Prompt,
    cursor: Cursor,
}

/// What a key did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Helped {
    /// It goes on.
    Open,
    /// Somebody has seen enough.
    Closed,
    /// This is to be done.
    Chosen(Command),
    /// A filter is to be typed that goes on with this.
    Filter(String),
}

/// A line of help.
struct Said {
    left: String,
    right: String,
    /// What Enter does.
    command: Option<Command>,
    /// The beginning of a filter's term: Enter goes on with it.
    term: Option<String>,
}

/// How it works, for the foot line.
pub(super) const HOW: &str = "type to narrow, enter runs it, arrows move, esc closes";

/// The rows for the text of the line with the cursor.
const WHOLE: u16 = 4;

/// What keys or terms take on the left.
const LEFT: u16 = 24;

impl Help {
    pub(super) fn new(place: Place) -> Self {
        Self { place, prompt: Prompt::new("help", String::new()), cursor: Cursor::default() }
    }

    pub(super) fn key(&mut self, key: Key) -> Helped {
        let count = self.lines(true).len();
        let moves = match key {
            Key::Up => Some(Command::Up),
            Key::Down => Some(Command::Down),
            Key::PageUp => Some(Command::PageUp),
            Key::PageDown => Some(Command::PageDown),
            _ => None,
        };
        if let Some(command) = moves {
            self.cursor.go(command, count);
            return Helped::Open;
        }
        if key == Key::Char('?') && self.prompt.text().is_empty() {
            return Helped::Closed;
        }
        match self.prompt.key(key) {
            Typed::Nothing => Helped::Open,
            Typed::Cancelled => Helped::Closed,
            Typed::Changed => {
                self.cursor.set(0, count);
                Helped::Open
            }
            Typed::Accepted => {
                let said = self.lines(true).into_iter().nth(self.cursor.at);
                match said {
                    Some(Said { command: Some(command), .. }) => Helped::Chosen(command),
                    // Filters are for lists.
                    Some(Said { term: Some(term), .. }) if self.place != Place::Exchange => {
                        Helped::Filter(term)
                    }
                    _ => Helped::Closed,
                }
            }
        }
    }

    /// The mouse wheel.
    pub(super) fn scroll(&mut self, command: Command) {
        let count = self.lines(true).len();
        self.cursor.go(command, count);
    }

    pub(super) fn paste(&mut self, text: &str) {
        self.prompt.paste(text);
    }

    /// What is said about what was typed.
    fn lines(&self, unicode: bool) -> Vec<Said> {
        let said = |entry: &'static Entry| Said {
            left: entry.key_names(unicode),
            right: entry.does.to_owned(),
            command: Some(entry.command),
            term: None,
        };
        let mut lines: Vec<Said> = command::entries(self.place).map(said).collect();
        lines.extend(reference());
        let words: Vec<String> =
            self.prompt.text().split_whitespace().map(str::to_lowercase).collect();
        lines.retain(|said| {
            let text = format!("{} {}", said.left, said.right).to_lowercase();
            words.iter().all(|word| text.contains(word.as_str()))
        });
        lines
    }

    pub(super) fn draw(&mut self, area: Rect, pen: &mut Pen<'_>) {
        let (top, area) = split_top(area, u16::from(area.height > 1));
        self.prompt.draw(top, pen);
        let (_, area) = split_top(area, u16::from(area.height > 4));
        let lines = self.lines(pen.style.unicode);
        // What has no room beside its keys stands whole below, for the line with the cursor.
        let (area, below) = split_bottom(area, if area.height > 12 { WHOLE } else { 0 });
        if let Some(said) = lines.get(self.cursor.at) {
            let lines = wrapped(Paint::Dim, &said.right, usize::from(below.width));
            // After an empty one.
            for (at, line) in (1..).zip(lines) {
                pen.line(row(below, at), line);
            }
        }
        let sight = self.cursor.sight(usize::from(area.height), lines.len());
        for (below, at) in (0..).zip(sight) {
            let Some(said) = lines.get(at) else { continue };
            let here = row(area, below);
            pen.marked = at == self.cursor.at;
            pen.ground(here);
            let paint = if said.command.is_some() { Paint::Accent } else { Paint::Meta };
            let width = LEFT.min(here.width / 2);
            pen.line(Rect { width, ..here }, Line::new().put(paint, &said.left));
            pen.line(without_left(here, width + 1), Line::new().plain(&said.right));
        }
        pen.marked = false;
    }
}

/// The language of filters, in lines: its fields, and how they are put together.
fn reference() -> impl Iterator<Item = Said> {
    let said = |left: String, right: String, term| Said { left, right, command: None, term };
    let fields = FIELDS.iter().filter(|field| field.is_for_filters()).map(move |field| {
        let left = field.examples.first().copied().unwrap_or(field.name);
        let examples: Vec<&str> = field.examples.iter().skip(1).copied().collect();
        let more =
            if examples.is_empty() { String::new() } else { format!("; {}", examples.join(", ")) };
        let sign = left.find([':', '<', '>', '=']).and_then(|at| left.get(..=at));
        let term = sign.map(str::to_owned);
        said(left.to_owned(), format!("{} ({}{more})", field.means, field.of), term)
    });
    let signs =
        SIGNS.iter().map(move |sign| said(sign.example.to_owned(), sign.means.to_owned(), None));
    fields.chain(signs)
}
