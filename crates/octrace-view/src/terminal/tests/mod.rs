//! Whole screens as text: events in, cells out.

mod anything;
mod exchange;
mod frame;
mod kit;
mod measure;
mod sessions;
mod timeline;
mod words;
