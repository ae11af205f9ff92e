//! The columns of a session's rows: which there are for a kind, which have room, and where they stand.

use crate::terminal::command::Kind;

/// A figure beside a row's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// Of the request, or of the response.
    Bar,
    Size,
    Growth,
    Finish,
    Status,
    First,
    Took,
    Input,
    Cached,
    Output,
    Cost,
}

impl Column {
    /// What is shown of rows of this kind, in the order on screen.
    fn of(kind: Kind) -> &'static [Self] {
        use Column::{Bar, Cached, Cost, Finish, First, Growth, Input, Output, Size, Status, Took};
        match kind {
            Kind::All => &[Bar, Size, Growth, Status, First, Took, Input, Cached, Output, Cost],
            Kind::Requests => &[Bar, Size, Growth, Input, Cached, Cost],
            Kind::Responses => &[Bar, Size, Finish, Status, First, Took, Output, Cost],
            Kind::Errors | Kind::Tools => &[Status, Took],
        }
    }

    /// What goes first where there is no room for all.
    const LEAST_FIRST: [Self; 7] =
        [Self::Cached, Self::First, Self::Output, Self::Input, Self::Finish, Self::Cost, Self::Bar];

    /// Its name on screen.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Bar => "",
            Self::Size => "size",
            Self::Growth => "change",
            Self::Finish => "finish",
            Self::Status => "status",
            Self::First => "first",
            Self::Took => "took",
            Self::Input => "in",
            Self::Cached => "cached",
            Self::Output => "out",
            Self::Cost => "cost",
        }
    }

    /// Fixed, so that columns stay put while rows come and numbers grow.
    fn width(self) -> u16 {
        match self {
            Self::Input | Self::Output => 5,
            Self::Bar | Self::Size | Self::Took | Self::First | Self::Cached => 6,
            Self::Growth | Self::Cost => 8,
            Self::Status => 9,
            Self::Finish => 10,
        }
    }

    /// Columns of numbers have their digits under each other.
    pub(super) fn is_right(self) -> bool {
        !matches!(self, Self::Bar | Self::Status | Self::Finish)
    }
}

/// The room that texts keep: a third of the width, and never less than this.
const TEXT: u16 = 28;

/// From this width on each row has the time of day.
const WITH_TIME: u16 = 110;

/// What a time of day takes, and the space after it.
pub(super) const TIME: u16 = 10;

/// Where columns stand.
#[derive(Debug)]
pub(super) struct Columns {
    /// Whether the time of day stands at the left.
    pub(super) with_time: bool,
    /// Each with where it begins and its width, from the left edge.
    pub(super) shown: Vec<(Column, u16, u16)>,
}

impl Columns {
    /// For rows of this kind, in so many columns of the screen.
    pub(super) fn new(kind: Kind, width: u16) -> Self {
        let mut shown = Column::of(kind).to_vec();
        let with_time = width >= WITH_TIME;
        let text = TEXT.max(width / 3) + if with_time { TIME } else { 0 };
        for column in Column::LEAST_FIRST {
            if taken(&shown) + text > width {
                shown.retain(|other| *other != column);
            }
        }
        // In the narrowest terminals how it went says most.
        if taken(&shown) + text > width {
            shown.retain(|column| *column == Column::Status);
        }
        let mut end = width;
        let mut placed = Vec::with_capacity(shown.len());
        for column in shown.into_iter().rev() {
            let start = end.saturating_sub(column.width());
            placed.push((column, start, end - start));
            end = start.saturating_sub(1);
        }
        placed.reverse();
        Self { with_time, shown: placed }
    }
}

fn taken(columns: &[Column]) -> u16 {
    columns.iter().map(|column| column.width() + 1).sum()
}

/// A bar for `part` of `whole`, at most `cells` long. What is there at all can be seen.
pub(super) fn bar(part: u64, whole: u64, cells: u64, unicode: bool) -> String {
    if part == 0 || whole == 0 {
        return String::new();
    }
    let steps = if unicode { 8 } else { 1 };
    let length = u128::from(part.min(whole)) * u128::from(cells * steps) / u128::from(whole);
    let length = usize::try_from(length).unwrap_or(0).max(1);
    if !unicode {
        return "#".repeat(length);
    }
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    format!("{}{}", "█".repeat(length / 8), PARTS[length % 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_in_proportion() {
        let bars = [0, 1, 500, 750, 1_000, 9_999].map(|part| bar(part, 1_000, 8, true));
        assert_eq!(bars.join("|"), "|▏|████|██████|████████|████████");
        let bars = [0, 1, 500, 1_000].map(|part| bar(part, 1_000, 8, false));
        assert_eq!(bars.join("|"), "|#|####|########");
        assert_eq!(bar(u64::MAX, u64::MAX, 8, true).chars().count(), 8);
    }

    #[test]
    fn texts_keep_room_at_any_width() {
        for kind in Kind::ALL {
            for width in 0..300 {
                let columns = Columns::new(kind, width);
                let ends = columns.shown.iter().map(|(_, start, wide)| start + wide);
                assert!(ends.clone().all(|end| end <= width), "{kind:?} {width}");
                assert!(ends.is_sorted(), "{kind:?} {width}");
                if let Some((_, start, _)) = columns.shown.first().filter(|_| width > 40) {
                    assert!(*start > TEXT.min(width / 3), "{kind:?} {width}");
                }
            }
        }
    }
}
