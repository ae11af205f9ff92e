//! Where things are in JSON bytes.
