//! The terminal viewer: what a person keeps open beside OpenCode.
//!
//! Three things are apart here, and a fourth is not here at all:
//!
//! * **State** ([`App`] and its screens): what is open, where the cursor is, what is known so far.
//! * **Update** ([`App::update`]): one [`Event`] after the other changes the state, and gives [`Action`]s to be done.
//! * **Drawing** ([`App::draw`]): the state onto a buffer of cells. Nothing is computed there that could take long.
//! * **Doing** is the binary's: it owns the terminal, reads the source, and fills the clipboard. So nothing here
//!   reads a file or waits for anything, and every screen can be tried as text.
//!
//! What comes from outside is in [`data`] and [`input`]; what a key does is said once, in [`command`].

mod app;
pub mod command;
pub mod data;
pub mod document;
mod draw;
mod exchange;
mod filtering;
mod foot;
mod help;
pub mod input;
mod list;
mod prompt;
mod sessions;
mod theme;
mod timeline;
mod toast;

#[cfg(test)]
mod tests;

pub use self::{
    app::{Action, App, Event, Options},
    theme::Theme,
};
