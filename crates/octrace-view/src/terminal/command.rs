//! What can be done, where, and by which keys: the one table that keys, help and the line at the foot come from.

use super::{data::Tab, input::Key};

/// One thing that a person can have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// To the row above.
    Up,
    /// To the row below.
    Down,
    /// Half a page up.
    HalfUp,
    /// Half a page down.
    HalfDown,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the first row.
    First,
    /// To the last row.
    Last,
    /// Open what is under the cursor.
    Open,
    /// One screen back.
    Back,
    /// To what follows at the same depth.
    NextSibling,
    /// To what is before at the same depth.
    PreviousSibling,
    /// Fold or unfold what is under the cursor.
    Toggle,
    /// Fold or unfold it with all that is in it.
    ToggleBelow,
    /// Fold what is under the cursor, or what it is in.
    Fold,
    /// Unfold what is under the cursor.
    Unfold,
    /// Fold everything.
    FoldAll,
    /// Unfold everything.
    UnfoldAll,
    /// The exchange before this one.
    PreviousExchange,
    /// The exchange after this one.
    NextExchange,
    /// The tab to the right.
    NextTab,
    /// The tab to the left.
    PreviousTab,
    /// This tab.
    Tab(Tab),
    /// Search in the page.
    Search,
    /// To the next place found.
    NextFound,
    /// To the place found before.
    PreviousFound,
    /// Say what is shown.
    Filter,
    /// Show only this kind of rows.
    Kind(Kind),
    /// Show or hide requests for titles and the like.
    Meta,
    /// Stay with what is new.
    Follow,
    /// Begin or give up a selection.
    Select,
    /// Select the whole page.
    SelectAll,
    /// Copy what is under the cursor, or what is selected.
    Copy,
    /// Copy the whole payload.
    CopyWhole,
    /// Copy a curl command.
    CopyCurl,
    /// Save the whole payload to a file.
    Save,
    /// The next theme.
    Theme,
    /// Give the mouse to the terminal, or take it back.
    Mouse,
    /// What can be done here.
    Help,
    /// Back to the shell for a while.
    Suspend,
    /// The end.
    Quit,
}

/// Which rows of a session are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Kind {
    /// All.
    #[default]
    All,
    /// What was sent.
    Requests,
    /// What came back.
    Responses,
    /// What went wrong.
    Errors,
    /// What the model had done.
    Tools,
}

impl Kind {
    /// In their order on screen.
    pub(super) const ALL: [Self; 5] =
        [Self::All, Self::Requests, Self::Responses, Self::Errors, Self::Tools];

    /// The word on screen.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Requests => "requests",
            Self::Responses => "responses",
            Self::Errors => "errors",
            Self::Tools => "tools",
        }
    }
}

/// Where a command works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Sessions,
    Timeline,
    Exchange,
}

impl Place {
    #[cfg(test)]
    pub(super) const ALL: [Self; 3] = [Self::Sessions, Self::Timeline, Self::Exchange];
}

/// A line of the table.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) command: Command,
    pub(super) keys: &'static [Key],
    /// Where its keys mean this.
    pub(super) places: &'static [Place],
    /// For the foot line, where it has a place there.
    pub(super) foot: Option<&'static str>,
    /// What it does, for help.
    pub(super) does: &'static str,
}

impl Entry {
    const fn of(
        command: Command,
        keys: &'static [Key],
        places: &'static [Place],
        does: &'static str,
    ) -> Self {
        Self { command, keys, places, foot: None, does }
    }

    const fn at_foot(mut self, name: &'static str) -> Self {
        self.foot = Some(name);
        self
    }

    /// Its keys as people call them.
    pub(super) fn key_names(&self, unicode: bool) -> String {
        let names: Vec<String> = self.keys.iter().map(|key| name(*key, unicode)).collect();
        names.join(" ")
    }
}

/// What this key does here.
pub(super) fn of_key(key: Key, place: Place) -> Option<Command> {
    entries(place).find(|entry| entry.keys.contains(&key)).map(|entry| entry.command)
}

/// What can be done here, in the table's order.
pub(super) fn entries(place: Place) -> impl Iterator<Item = &'static Entry> {
    TABLE.iter().filter(move |entry| entry.places.contains(&place))
}

/// What a key is called on screen.
pub(super) fn name(key: Key, unicode: bool) -> String {
    let arrow = |sign: &str, word: &str| if unicode { sign } else { word }.to_owned();
    match key {
        Key::Char(' ') => "space".to_owned(),
        Key::Char(char) => char.to_string(),
        Key::Ctrl(char) => format!("ctrl-{char}"),
        Key::Enter => "enter".to_owned(),
        Key::Esc => "esc".to_owned(),
        Key::Tab => "tab".to_owned(),
        Key::BackTab => "shift-tab".to_owned(),
        Key::Backspace => "backspace".to_owned(),
        Key::Delete => "delete".to_owned(),
        Key::Up => arrow("↑", "up"),
        Key::Down => arrow("↓", "down"),
        Key::Left => arrow("←", "left"),
        Key::Right => arrow("→", "right"),
        Key::PageUp => "pgup".to_owned(),
        Key::PageDown => "pgdn".to_owned(),
        Key::Home => "home".to_owned(),
        Key::End => "end".to_owned(),
    }
}

const ANYWHERE: &[Place] = &[Place::Sessions, Place::Timeline, Place::Exchange];
const LISTS: &[Place] = &[Place::Sessions, Place::Timeline];
const FIRST: &[Place] = &[Place::Sessions];
const INSIDE: &[Place] = &[Place::Timeline, Place::Exchange];
const TIMELINE: &[Place] = &[Place::Timeline];
const EXCHANGE: &[Place] = &[Place::Exchange];

const TABLE: &[Entry] = &[
    Entry::of(Command::Open, &[Key::Enter, Key::Char('l'), Key::Right], LISTS, "open it")
        .at_foot("open"),
    Entry::of(
        Command::Back,
        &[Key::Esc, Key::Char('q'), Key::Char('h'), Key::Left, Key::Backspace],
        TIMELINE,
        "back to where it was opened from",
    )
    .at_foot("back"),
    Entry::of(
        Command::Back,
        &[Key::Esc, Key::Char('q'), Key::Backspace],
        EXCHANGE,
        "back to the session",
    )
    .at_foot("back"),
    Entry::of(Command::Back, &[Key::Esc], FIRST, "show all sessions again, whatever the filter"),
    Entry::of(Command::Filter, &[Key::Char('f'), Key::Char('/')], LISTS, "show only what matches")
        .at_foot("filter"),
    Entry::of(
        Command::Kind(Kind::Requests),
        &[Key::Char('r')],
        TIMELINE,
        "only requests: what was sent",
    )
    .at_foot("requests"),
    Entry::of(
        Command::Kind(Kind::Responses),
        &[Key::Char('p')],
        TIMELINE,
        "only responses: what came back",
    )
    .at_foot("responses"),
    Entry::of(
        Command::Kind(Kind::Errors),
        &[Key::Char('e')],
        TIMELINE,
        "only errors, with their reason",
    )
    .at_foot("errors"),
    Entry::of(Command::Kind(Kind::Tools), &[Key::Char('t')], TIMELINE, "only tool calls")
        .at_foot("tools"),
    Entry::of(Command::Kind(Kind::All), &[Key::Char('a')], TIMELINE, "all kinds of rows"),
    Entry::of(
        Command::Meta,
        &[Key::Char('i')],
        TIMELINE,
        "show or hide requests for titles, summaries and compactions",
    ),
    Entry::of(
        Command::Follow,
        &[Key::Char('F')],
        TIMELINE,
        "go to the newest row and stay with it",
    ),
    Entry::of(Command::NextTab, &[Key::Tab], EXCHANGE, "the tab to the right").at_foot("tabs"),
    Entry::of(Command::PreviousTab, &[Key::BackTab], EXCHANGE, "the tab to the left"),
    Entry::of(Command::Tab(Tab::Conversation), &[Key::Char('1')], EXCHANGE, "the conversation"),
    Entry::of(Command::Tab(Tab::Request), &[Key::Char('2')], EXCHANGE, "the request's body"),
    Entry::of(Command::Tab(Tab::Response), &[Key::Char('3')], EXCHANGE, "the response's body"),
    Entry::of(Command::Tab(Tab::Headers), &[Key::Char('4')], EXCHANGE, "the headers of both"),
    Entry::of(Command::Tab(Tab::Timing), &[Key::Char('5')], EXCHANGE, "times, tokens and cost"),
    Entry::of(
        Command::Tab(Tab::Difference),
        &[Key::Char('6')],
        EXCHANGE,
        "what is new against the request before",
    ),
    Entry::of(
        Command::PreviousExchange,
        &[Key::Char('[')],
        EXCHANGE,
        "the exchange before this one",
    ),
    Entry::of(Command::NextExchange, &[Key::Char(']')], EXCHANGE, "the exchange after this one"),
    Entry::of(Command::Search, &[Key::Char('/')], EXCHANGE, "search in this page")
        .at_foot("search"),
    Entry::of(Command::NextFound, &[Key::Char('n')], EXCHANGE, "to the next place found"),
    Entry::of(Command::PreviousFound, &[Key::Char('N')], EXCHANGE, "to the place found before"),
    Entry::of(Command::Toggle, &[Key::Enter, Key::Char(' ')], EXCHANGE, "fold or unfold this")
        .at_foot("fold"),
    Entry::of(
        Command::Fold,
        &[Key::Left, Key::Char('h'), Key::Char('-')],
        EXCHANGE,
        "fold this, or go to what it is in",
    ),
    Entry::of(
        Command::Unfold,
        &[Key::Right, Key::Char('l'), Key::Char('+')],
        EXCHANGE,
        "unfold this",
    ),
    Entry::of(
        Command::ToggleBelow,
        &[Key::Char('x')],
        EXCHANGE,
        "fold or unfold this with all that is in it",
    ),
    Entry::of(
        Command::NextSibling,
        &[Key::Char('J'), Key::Char('}')],
        EXCHANGE,
        "to the next at this depth",
    ),
    Entry::of(
        Command::PreviousSibling,
        &[Key::Char('K'), Key::Char('{')],
        EXCHANGE,
        "to the one before at this depth",
    ),
    Entry::of(Command::FoldAll, &[Key::Char('z')], EXCHANGE, "fold everything"),
    Entry::of(Command::UnfoldAll, &[Key::Char('Z')], EXCHANGE, "unfold everything"),
    Entry::of(
        Command::Select,
        &[Key::Char('v')],
        EXCHANGE,
        "begin or give up a selection; y copies it",
    )
    .at_foot("select"),
    Entry::of(Command::SelectAll, &[Key::Ctrl('a')], EXCHANGE, "select the whole page"),
    Entry::of(Command::Copy, &[Key::Char('y')], FIRST, "copy the session's id"),
    Entry::of(Command::Copy, &[Key::Char('y')], TIMELINE, "copy this row's text").at_foot("copy"),
    Entry::of(
        Command::Copy,
        &[Key::Char('y')],
        EXCHANGE,
        "copy the selection, or what is under the cursor",
    )
    .at_foot("copy"),
    Entry::of(
        Command::CopyWhole,
        &[Key::Char('Y')],
        INSIDE,
        "copy the whole body: the response's where responses are shown, else the request's",
    ),
    Entry::of(Command::CopyCurl, &[Key::Char('c')], INSIDE, "copy the request as a curl command"),
    Entry::of(Command::Save, &[Key::Char('s')], INSIDE, "save the whole body to a file")
        .at_foot("save"),
    Entry::of(Command::Up, &[Key::Up, Key::Char('k')], ANYWHERE, "up"),
    Entry::of(Command::Down, &[Key::Down, Key::Char('j')], ANYWHERE, "down"),
    Entry::of(Command::HalfUp, &[Key::Ctrl('u')], ANYWHERE, "half a page up"),
    Entry::of(Command::HalfDown, &[Key::Ctrl('d')], ANYWHERE, "half a page down"),
    Entry::of(Command::PageUp, &[Key::PageUp, Key::Ctrl('b')], ANYWHERE, "a page up"),
    Entry::of(Command::PageDown, &[Key::PageDown, Key::Ctrl('f')], ANYWHERE, "a page down"),
    Entry::of(Command::First, &[Key::Char('g'), Key::Home], ANYWHERE, "to the beginning"),
    Entry::of(Command::Last, &[Key::Char('G'), Key::End], ANYWHERE, "to the end"),
    Entry::of(Command::Theme, &[Key::Char('T')], ANYWHERE, "colours for dark, for light, or none"),
    Entry::of(
        Command::Mouse,
        &[Key::Char('m')],
        ANYWHERE,
        "mouse off, so that the terminal's own selection works, or on again",
    ),
    Entry::of(Command::Suspend, &[Key::Ctrl('z')], ANYWHERE, "back to the shell until `fg`"),
    Entry::of(Command::Help, &[Key::Char('?')], ANYWHERE, "what can be done here").at_foot("help"),
    Entry::of(Command::Quit, &[Key::Char('q'), Key::Ctrl('c')], FIRST, "quit").at_foot("quit"),
    Entry::of(Command::Quit, &[Key::Char('Q'), Key::Ctrl('c')], INSIDE, "quit").at_foot("quit"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_means_one_thing_in_one_place() {
        for place in Place::ALL {
            let mut keys: Vec<Key> = entries(place).flat_map(|entry| entry.keys).copied().collect();
            let all = keys.len();
            keys.sort_by_key(|key| name(*key, true));
            keys.dedup();
            assert_eq!(keys.len(), all, "{place:?}");
        }
    }

    #[test]
    fn a_command_is_described_once_in_one_place() {
        for place in Place::ALL {
            let commands: Vec<Command> = entries(place).map(|entry| entry.command).collect();
            for (at, command) in commands.iter().enumerate() {
                assert!(!commands[at + 1..].contains(command), "{command:?} in {place:?}");
            }
            assert!(entries(place).all(|entry| !entry.does.is_empty() && !entry.keys.is_empty()));
        }
    }
}
