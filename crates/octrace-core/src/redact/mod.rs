//! The only way from what OpenCode sent to what may be kept.
