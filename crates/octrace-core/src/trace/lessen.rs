//! What of a span a destination gets.

/// What stands in the place of so many bytes.
pub(super) fn left_out(bytes: usize) -> String {
    format!("[… {bytes} bytes left out]")
}
