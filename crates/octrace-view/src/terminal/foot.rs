//! The line at the foot: the most important keys of a screen, which can be clicked, too.

use ratatui_core::layout::Rect;

use super::{
    command::{self, Command, Entry, Place},
    draw::Pen,
};
use crate::text::{Paint, line::Line};

/// What stands at the foot.
#[derive(Debug, Default)]
pub(super) struct Foot {
    /// Where each command was drawn.
    drawn: Vec<(Rect, Command)>,
}

impl Foot {
    /// Draws as many keys as there is room for; the last ones lead out, and to all others.
    pub(super) fn hints(&mut self, area: Rect, pen: &mut Pen<'_>, place: Place) {
        self.drawn.clear();
        let hint = |entry: &Entry| {
            let key = entry.keys.first().map(|key| command::name(*key, pen.style.unicode));
            let line = Line::new().put(Paint::Accent, &key.unwrap_or_default());
            line.layout(Paint::Plain, " ").put(Paint::Dim, entry.foot.unwrap_or_default())
        };
        let entries = command::entries(place).filter(|entry| entry.foot.is_some());
        let (last, others): (Vec<&Entry>, Vec<&Entry>) =
            entries.partition(|entry| matches!(entry.command, Command::Help | Command::Quit));
        let taken: usize = last.iter().map(|entry| hint(entry).width() + 2).sum();
        let mut room = usize::from(area.width).saturating_sub(taken.saturating_sub(2));
        let fits = |entry: &&Entry| {
            let width = hint(entry).width() + 2;
            let fits = width <= room;
            room -= if fits { width } else { 0 };
            fits
        };
        let shown: Vec<&Entry> = others.into_iter().filter(fits).chain(last).collect();
        let mut line = Line::new();
        for entry in shown {
            if line.width() > 0 {
                line = line.layout(Paint::Plain, "  ");
            }
            let start = line.width();
            line = line.join(hint(entry));
            let at = |column: usize| u16::try_from(column).unwrap_or(u16::MAX);
            let x = area.x.saturating_add(at(start));
            let here = Rect { x, width: at(line.width() - start), ..area };
            self.drawn.push((here.intersection(area), entry.command));
        }
        pen.line(area, line);
    }

    /// Draws something else.
    pub(super) fn says(&mut self, area: Rect, pen: &mut Pen<'_>, line: Line) {
        self.drawn.clear();
        pen.line(area, line);
    }

    /// What the key means that stands there.
    pub(super) fn command(&self, x: u16, y: u16) -> Option<Command> {
        let drawn = self.drawn.iter().find(|(area, _)| area.contains((x, y).into()));
        drawn.map(|(_, command)| *command)
    }
}
