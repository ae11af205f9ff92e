//! A span that is too large for its destination: the longest texts are cut, of those the oldest first, and say so.

use serde_json::Value;

use super::{Kind, left_out};
use crate::trace::{Message, Part, Role, Said, Span, What};

/// What stays of texts that are cut, in bytes: the first of these that makes enough room.
const KEPT: [usize; 9] =
    [4 << 20, 1 << 20, 256 << 10, 64 << 10, 16 << 10, 4 << 10, 1 << 10, 256, 0];

/// A name is not cut to less than this: it would no longer be one.
const NAME: usize = 256;

/// The longest that a mark becomes, quotes included.
const MARK: usize = 48;

impl Span {
    /// Cuts texts until all strings of the span together have at most `max_bytes`, and marks where. Long ones are cut
    /// before short ones and old messages before new ones; where that does not suffice, the oldest messages go. JSON
    /// that is cut becomes a JSON string. Whether anything was cut.
    ///
    /// With less than some kilobytes, names alone can be too many.
    pub fn trim(&mut self, max_bytes: usize) -> bool {
        let mut sizes = Vec::new();
        self.strings(&mut |kind, text| sizes.push((kind, text.len())));
        let sum = |keep| sizes.iter().map(|&(kind, len)| size(kind, len, keep)).sum::<usize>();
        if sum(usize::MAX) <= max_bytes {
            return false;
        }
        // All texts are cut to `before`, and that is not enough; to `keep` so many as it takes.
        let (mut before, mut keep) = (usize::MAX, 0);
        for level in KEPT {
            keep = level;
            if sum(level) <= max_bytes {
                break;
            }
            if level > 0 {
                before = level;
            }
        }
        let mut excess = sum(before).saturating_sub(max_bytes);
        self.strings(&mut |kind, text| {
            let len = text.len();
            let gain = size(kind, len, before).saturating_sub(size(kind, len, keep));
            let level = if excess > 0 { keep } else { before };
            excess = excess.saturating_sub(gain);
            if size(kind, len, level) < len {
                cut(kind, text, level);
            }
        });
        if excess > 0
            && let What::Model(model) = &mut self.what
        {
            model.said.forget(excess);
        }
        true
    }
}

/// The most that a string of `len` bytes takes, of which `keep` are to stay.
fn size(kind: Kind, len: usize, keep: usize) -> usize {
    let keep = if kind == Kind::Name { keep.max(NAME) } else { keep };
    len.min(keep.saturating_add(MARK))
}

fn cut(kind: Kind, text: &mut String, keep: usize) {
    let keep = if kind == Kind::Name { keep.max(NAME) } else { keep };
    let end = match kind {
        Kind::Name | Kind::Text => text.floor_char_boundary(keep),
        Kind::Json => escaped(text, keep),
    };
    let mark = left_out(text.len() - end);
    text.truncate(end);
    text.push_str(&mark);
    if kind == Kind::Json {
        *text = Value::from(std::mem::take(text)).to_string();
    }
}

/// How much of the text has no more than `max` bytes in a JSON string.
fn escaped(text: &str, max: usize) -> usize {
    let mut sum = 0_usize;
    let over = text.char_indices().find(|(_, char)| {
        sum += match char {
            '"' | '\\' | '\n' | '\r' | '\t' => 2,
            '\0'..='\u{1f}' => 6,
            char => char.len_utf8(),
        };
        sum > max
    });
    over.map_or(text.len(), |(at, _)| at)
}

impl Said {
    /// Leaves the oldest messages out, so many of them, and says so in their place.
    pub fn leave_out(&mut self, count: usize) {
        let count = count.min(self.input.len());
        if count > 0 {
            let mark = Part::Text(format!("[… {count} messages left out]"));
            self.input.splice(..count, [Message { role: Role::User, parts: vec![mark] }]);
        }
    }

    /// The same with as many as have so many bytes.
    fn forget(&mut self, bytes: usize) {
        let (mut gone, mut count) = (0, 0);
        for message in &mut self.input {
            // The mark takes room too.
            if gone >= bytes.saturating_add(MARK) {
                break;
            }
            message.strings(&mut |_, text| gone += text.len());
            count += 1;
        }
        self.leave_out(count);
    }
}
