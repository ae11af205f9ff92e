//! Dumps: three files for each request, request, response and what is known about both, in a folder per session under
//! `<tmp>/opencode-interceptor`.
//!
//! * [`Trio`]: the three files' content, from an exchange as the tape has it.
//! * [`Root`] and [`SessionFolder`]: the folders, in a place where everybody may write.
//! * [`fn@sweep`]: the folders that are too old go.
//! * [`Anomaly`]: what went wrong; a dump never fails anything else.
//!
//! The layout is that of opencode-interceptor, so that what reads its files reads these.

mod anomaly;
mod folder;
mod name;
mod response;
mod sweep;
#[cfg(test)]
mod tests;
mod trio;

pub use self::{
    anomaly::{Anomaly, Phase},
    folder::{FolderError, Root, SessionFolder, WriteError, root_path},
    name::{session_name, stem},
    sweep::{KEPT_FOR, sweep},
    trio::Trio,
};
