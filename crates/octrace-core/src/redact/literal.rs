//! The values of known credentials, found by their fingerprints without knowing them.
//!
//! Most credentials are tokens, without spaces or quotes ([`SecretPrint::token`]): those are looked for
//! in long runs of such letters only, of which ordinary text has few. Others may stand anywhere.
//!
//! One pass computes the rolling hash of every prefix; the hash of any window is then one
//! multiplication away, `prefix[end] - prefix[start] * base^length`. Windows do not wait for each other, so
//! that the compiler can look at several at once. SHA-256 confirms.

use octrace_wire::payload::SecretPrint;
use sha2::{Digest, Sha256};

use super::hit::{Hit, MARK};

/// Shorter values are too likely to be ordinary text; the plugin sends none.
const SHORTEST: usize = 8;

/// Prefix hashes are kept for at least this many bytes at a time.
const BLOCK: usize = 8 * 1024;

/// Windows are compared without a branch in groups of this many.
const GROUP: usize = 64;

/// Fingerprints of one spool.
pub(super) struct Literals {
    salt: Vec<u8>,
    base: u32,
    tokens: Lengths,
    others: Lengths,
}

/// Fingerprints by length, the shortest first.
type Lengths = Vec<Length>;

/// The fingerprints of values of one length.
struct Length {
    bytes: usize,
    /// `base` to the power of `bytes`.
    power: u32,
    /// The lower halves of the rolling hashes.
    low: Vec<u16>,
    /// Rolling hash and SHA-256, sorted.
    prints: Vec<(u32, [u8; 32])>,
}

/// Room for prefix hashes and their lower halves, kept between searches.
#[derive(Default)]
pub(super) struct Prefixes {
    whole: Vec<u32>,
    low: Vec<u16>,
}

impl Literals {
    /// None yet. A salt that is not hex matches nothing that was made with another one.
    pub(super) fn new(salt_hex: &str) -> Self {
        let salt = from_hex(salt_hex).unwrap_or_default();
        let first = salt.first_chunk::<4>().copied().unwrap_or_default();
        Self {
            base: (u32::from_le_bytes(first) | 1) & !2,
            salt,
            tokens: Vec::new(),
            others: Vec::new(),
        }
    }

    /// Adds fingerprints; whether there were any to add. Malformed ones, known ones, and ones of words in our own
    /// mark are left out.
    pub(super) fn learn(&mut self, prints: &[SecretPrint]) -> bool {
        let mut learned = false;
        for print in prints {
            let Some(sha256) = from_hex(&print.sha256).and_then(|bytes| bytes.try_into().ok())
            else {
                continue;
            };
            let bytes = print.length as usize;
            if bytes < SHORTEST
                || MARK.as_bytes().windows(bytes).any(|word| self.digest(word) == sha256)
            {
                continue;
            }
            let lengths = if print.token { &mut self.tokens } else { &mut self.others };
            let index = lengths.binary_search_by_key(&bytes, |length| length.bytes);
            let index = index.unwrap_or_else(|place| {
                let power = self.base.wrapping_pow(print.length);
                lengths.insert(place, Length { bytes, power, low: Vec::new(), prints: Vec::new() });
                place
            });
            let length = &mut lengths[index];
            let entry = (print.rolling, sha256);
            if let Err(place) = length.prints.binary_search(&entry) {
                length.prints.insert(place, entry);
                length.low.push(low(print.rolling));
                learned = true;
            }
        }
        learned
    }

    /// The salt, which is nowhere but in the spool.
    pub(super) fn salt(&self) -> &[u8] {
        &self.salt
    }

    /// Whether these are for this salt.
    pub(super) fn are_salted_with(&self, salt_hex: &str) -> bool {
        self.salt == from_hex(salt_hex).unwrap_or_default()
    }

    /// Bytes of the longest known value.
    pub(super) fn longest(&self) -> usize {
        let longest = [&self.tokens, &self.others].map(|lengths| lengths.last());
        longest.into_iter().flatten().map(|length| length.bytes).max().unwrap_or_default()
    }

    /// Adds a hit for every place in `text` where a known value stands, overlapping ones too.
    pub(super) fn find(&self, text: &[u8], prefixes: &mut Prefixes, hits: &mut Vec<Hit>) {
        self.find_in(text, 0, &self.others, prefixes, hits);
        let Some(shortest) = self.tokens.first().map(|length| length.bytes) else {
            return;
        };
        let is_other = |byte: &u8| !IS_TOKEN[usize::from(*byte)];
        let mut at = 0;
        // A run that is long enough covers every so many bytes: most of the text is never looked at.
        while at + shortest <= text.len() {
            match text[at..at + shortest].iter().rposition(is_other) {
                Some(other) => at += other + 1,
                None => {
                    let start = at;
                    let rest = text[at + shortest..].iter().position(is_other);
                    at = rest.map_or(text.len(), |length| at + shortest + length);
                    self.find_in(&text[start..at], start, &self.tokens, prefixes, hits);
                }
            }
        }
    }

    /// Adds the hits in `text`, which begins `base` bytes into the text that `hits` speaks about.
    fn find_in(
        &self,
        text: &[u8],
        base: usize,
        lengths: &[Length],
        prefixes: &mut Prefixes,
        hits: &mut Vec<Hit>,
    ) {
        let fitting = lengths.partition_point(|length| length.bytes <= text.len());
        let Some(longest) = lengths[..fitting].last().map(|length| length.bytes) else {
            return;
        };
        let block = BLOCK.max(longest * 4);
        for begin in (0..text.len()).step_by(block) {
            // Windows that begin in this block may end in the next.
            let bytes = &text[begin..text.len().min(begin + block + longest - 1)];
            self.prefixes(bytes, prefixes);
            for length in &lengths[..fitting] {
                let Some(ends) = prefixes.low.get(length.bytes..) else { break };
                let starts = &prefixes.low[..ends.len().min(block)];
                for (group, (starts, ends)) in
                    starts.chunks(GROUP).zip(ends.chunks(GROUP)).enumerate()
                {
                    if !length.may_be_in(starts, ends) {
                        continue;
                    }
                    for start in group * GROUP..group * GROUP + starts.len() {
                        let end = start + length.bytes;
                        let rolling = length.rolling(prefixes.whole[start], prefixes.whole[end]);
                        if self.confirms(length, rolling, &bytes[start..end]) {
                            let start = base + begin + start;
                            hits.push(Hit::text(start, start + length.bytes));
                        }
                    }
                }
            }
        }
    }

    /// The rolling hash of each prefix of `bytes`, the empty one first. Four bytes at a time: the
    /// next four wait for one multiplication, not for four.
    fn prefixes(&self, bytes: &[u8], room: &mut Prefixes) {
        let prefixes = &mut room.whole;
        prefixes.clear();
        prefixes.reserve(bytes.len() + 1);
        let base = self.base;
        let powers = [1, 2, 3, 4].map(|exponent| base.wrapping_pow(exponent));
        let step = |hash: u32, byte: u8| hash.wrapping_mul(base).wrapping_add(u32::from(byte));
        let mut hash = 0_u32;
        prefixes.push(hash);
        let (fours, rest) = bytes.as_chunks::<4>();
        for four in fours {
            let one = u32::from(four[0]);
            let two = step(one, four[1]);
            let three = step(two, four[2]);
            let sums = [one, two, three, step(three, four[3])];
            let next: [u32; 4] =
                std::array::from_fn(|at| hash.wrapping_mul(powers[at]).wrapping_add(sums[at]));
            prefixes.extend_from_slice(&next);
            hash = next[3];
        }
        for &byte in rest {
            hash = step(hash, byte);
            prefixes.push(hash);
        }
        room.low.clear();
        room.low.extend(prefixes.iter().map(|&hash| low(hash)));
    }

    fn confirms(&self, length: &Length, rolling: u32, window: &[u8]) -> bool {
        let first = length.prints.partition_point(|print| print.0 < rolling);
        let mut equal =
            length.prints[first..].iter().take_while(|print| print.0 == rolling).peekable();
        if equal.peek().is_none() {
            return false;
        }
        let digest = self.digest(window);
        equal.any(|print| print.1 == digest)
    }

    fn digest(&self, value: &[u8]) -> [u8; 32] {
        Sha256::new().chain_update(&self.salt).chain_update(value).finalize().into()
    }
}

impl Length {
    /// The hash of a window, from the hashes of what ends where it begins and where it ends.
    fn rolling(&self, before: u32, end: u32) -> u32 {
        end.wrapping_sub(before.wrapping_mul(self.power))
    }

    /// Whether any window of a group may have a known hash, by the lower halves: twice as many fit
    /// into a register, and every processor can multiply them.
    fn may_be_in(&self, starts: &[u16], ends: &[u16]) -> bool {
        let power = low(self.power);
        self.low.iter().any(|&rolling| {
            let windows = starts.iter().zip(ends);
            windows.fold(false, |any, (&before, &end)| {
                any | (end.wrapping_sub(before.wrapping_mul(power)) == rolling)
            })
        })
    }
}

const fn low(hash: u32) -> u16 {
    (hash & 0xffff) as u16
}

/// Whether a byte may be in a token.
static IS_TOKEN: [bool; 256] = {
    let mut is_token = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        is_token[byte as usize] = byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'+' | b'/' | b'=');
        byte += 1;
    }
    is_token
};

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let pairs = digits.filter(|digits| digits.len() % 2 == 0)?;
    pairs.chunks_exact(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).ok()).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(crate) const SALT: &str = "00112233445566778899aabbccddeeff";

    /// What the plugin would send for `value`, computed the plain way.
    pub(crate) fn print(value: &str) -> SecretPrint {
        let salt = from_hex(SALT).unwrap();
        let base = 0x3322_1100_u32 & !3 | 1;
        let rolling = value
            .bytes()
            .fold(0_u32, |hash, byte| hash.wrapping_mul(base).wrapping_add(u32::from(byte)));
        let digest = Sha256::digest([salt.as_slice(), value.as_bytes()].concat());
        let sha256 = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let token = value.bytes().all(|byte| IS_TOKEN[usize::from(byte)]);
        SecretPrint { length: u32::try_from(value.len()).unwrap(), rolling, sha256, token }
    }

    fn find(values: &[&str], text: &[u8]) -> Vec<(usize, usize)> {
        let mut literals = Literals::new(SALT);
        literals.learn(&values.iter().map(|value| print(value)).collect::<Vec<_>>());
        let mut hits = Vec::new();
        literals.find(text, &mut Prefixes::default(), &mut hits);
        hits.iter().map(|hit| (hit.start, hit.end)).collect()
    }

    #[test]
    fn overlapping_values_are_both_found() {
        assert_eq!(find(&["abcdefgh", "ghijklmnop"], b"-abcdefghijklmnop-"), [(1, 9), (7, 17)]);
        assert_eq!(find(&["aaaaaaaa"], b"aaaaaaaaa"), [(0, 8), (1, 9)]);
    }

    #[test]
    fn nearly_is_not_enough_and_malformed_prints_are_ignored() {
        assert_eq!(find(&["abcdefgh"], b"abcdefgi abcdefg"), []);
        assert_eq!(find(&["short"], b"short"), [], "a value of five bytes");
        assert_eq!(find(&["REDACTED"], b"[REDACTED]"), [], "our own mark");
        let mut literals = Literals::new("no hex");
        literals.learn(&[SecretPrint { length: 9, sha256: "é".into(), ..SecretPrint::default() }]);
        literals.learn(&[SecretPrint { length: u32::MAX, ..print("abcdefgh") }]);
        let mut hits = Vec::new();
        literals.find(b"abcdefgh", &mut Prefixes::default(), &mut hits);
        assert!(hits.is_empty());
    }

    #[test]
    fn a_value_across_blocks_is_found_once() {
        let value = "across-the-block's-edge";
        for edge in [BLOCK - 1, BLOCK - 9, BLOCK, BLOCK - value.len(), 2 * BLOCK - 3] {
            let mut text = vec![b'x'; 3 * BLOCK];
            text[edge..edge + value.len()].copy_from_slice(value.as_bytes());
            assert_eq!(find(&[value, "another1"], &text), [(edge, edge + value.len())]);
        }
    }

    proptest! {
        #[test]
        fn finds_what_a_plain_search_finds(
            values in prop::collection::vec("[ab]{8,12}|[a ]{8,12}", 1..4),
            text in "[ab]{0,200}|[ab ]{0,200}",
        ) {
            let values: std::collections::BTreeSet<_> = values.iter().map(String::as_str).collect();
            let values: Vec<_> = values.into_iter().collect();
            let mut expected: Vec<_> = values.iter().flat_map(|value| {
                let windows = text.as_bytes().windows(value.len()).enumerate();
                windows.filter(|(_, window)| *window == value.as_bytes())
                    .map(|(start, _)| (start, start + value.len()))
                    .collect::<Vec<_>>()
            }).collect();
            expected.sort_unstable();
            let mut found = find(&values, text.as_bytes());
            found.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }
}
