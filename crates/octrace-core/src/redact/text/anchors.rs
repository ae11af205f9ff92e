//! Where a rule may have something to do: all anchors of all rules, found in one pass.
//!
//! Each position is looked up by a hash of three bytes, letters in lower case, in a table that fits into
//! the processor's first cache. No position waits for the one before it, so text without anchors costs
//! about as much as reading it.

/// Bits of the hash.
const BITS: u32 = 14;

/// Every anchor, with the rules that it stands for.
pub(super) struct Anchors {
    /// By hash; 0 is none, else one more than the index of a bucket.
    table: Box<[u16; 1 << BITS]>,
    buckets: Vec<Vec<Anchor>>,
}

struct Anchor {
    text: &'static [u8],
    rule: usize,
}

impl Anchors {
    /// From pairs of an anchor, of three bytes or more, and the rule it belongs to.
    pub(super) fn new(all: impl Iterator<Item = (&'static str, usize)>) -> Self {
        let mut anchors = Self { table: Box::new([0; 1 << BITS]), buckets: Vec::new() };
        for (text, rule) in all {
            let text = text.as_bytes();
            let [first, second, third, ..] = *text else { continue };
            let entry = &mut anchors.table[hash(first, second, third)];
            if *entry == 0 {
                anchors.buckets.push(Vec::new());
                *entry = u16::try_from(anchors.buckets.len()).unwrap_or(u16::MAX);
            }
            anchors.buckets[usize::from(*entry) - 1].push(Anchor { text, rule });
        }
        anchors
    }

    /// Calls `found` with the range of each anchor in `text`, whatever the case of its letters, and its rule.
    pub(super) fn find(&self, text: &[u8], mut found: impl FnMut(std::ops::Range<usize>, usize)) {
        for (at, three) in text.windows(3).enumerate() {
            let &[first, second, third] = three else { continue };
            let entry = self.table[hash(first, second, third)];
            if entry == 0 {
                continue;
            }
            for anchor in &self.buckets[usize::from(entry) - 1] {
                let end = at + anchor.text.len();
                if text.get(at..end).is_some_and(|found| found.eq_ignore_ascii_case(anchor.text)) {
                    found(at..end, anchor.rule);
                }
            }
        }
    }
}

fn hash(first: u8, second: u8, third: u8) -> usize {
    let three = u32::from_le_bytes([first, second, third, 0]) | 0x20_20_20;
    (three.wrapping_mul(0x9E37_79B1) >> (u32::BITS - BITS)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_found_also_within_each_other_and_at_the_ends() {
        let anchors = Anchors::new([("sk-", 0), ("sk-ant-", 1), ("token", 2)].into_iter());
        let mut found = Vec::new();
        anchors.find(b"SK-ant-x to toKen sk", |range, rule| found.push((range, rule)));
        assert_eq!(found, [(0..3, 0), (0..7, 1), (12..17, 2)]);
        anchors.find(b"sk", |_, _| panic!("nothing is shorter than three bytes"));
    }
}
