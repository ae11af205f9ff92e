//! Whole screens as text: events in, cells out.

mod anything;
mod kit;
mod lists;
