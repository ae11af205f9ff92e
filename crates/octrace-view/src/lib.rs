//! (opened by its first room)
