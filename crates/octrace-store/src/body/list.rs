//! A body's list: which parts it is made of, in a few bytes.
//!
//! A list is a row of operations that write entries one after the other. Copies take them from the parent's
//! list, the list of an earlier request of the same session. A whole list has no parent and no copies.
//!
//! | bytes | what |
//! | --- | --- |
//! | 1 | `0x01` whole list, `0x02` difference to the parent's list |
//! | varint | how many entries it gives |
//! | … | operations, up to the last entry |
//!
//! | operation | bytes | what |
//! | --- | --- | --- |
//! | copy | varint | `entries << 1 \| 1`, at least one entry |
//! | | varint | zigzag of the first one's place in the parent, less the place after the last copy (at first 0) |
//! | new entry | varint | `zigzag(part − last entry's part) << 3 \| insertions? << 2 \| comma? << 1 \| 0` |
//! | with insertions | varint | how many |
//! | each of them | varint | offset, less the offset before it in this entry (at first 0) |
//! | | varint | zigzag(part − last insertion's part in this list) |
//!
//! The last entry and the last insertion may have been copied; at the list's start both parts are 0. A varint is
//! LEB128, at most ten bytes; zigzag maps 0, −1, 1, −2 … to 0, 1, 2, 3 …; differences of ids wrap at 64 bits.
//!
//! A new message takes two or three bytes, a turn of an Anthropic session some twenty: the two messages that
//! lost their marker, the two that came and have it, two copies.

use std::collections::HashMap;

use super::{Entry, Error, Insertion, MAX_ITEMS};

const WHOLE: u8 = 1;
const DIFFERENCE: u8 = 2;

/// After so many differences comes a whole list, so that reading one body never reads more lists than this.
pub const MAX_CHAIN: u32 = 32;

/// The list that another one may differ from.
#[derive(Clone, Copy, Debug)]
pub struct Parent<'a> {
    /// Its entries.
    pub entries: &'a [Entry],
    /// Its [`List::chain`].
    pub chain: u32,
}

/// A list in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// As the tape keeps it.
    pub bytes: Vec<u8>,
    /// How many lists before it are needed to read it: 0 for a whole one, which has no parent.
    pub chain: u32,
}

/// Writes the list of these entries: as the difference to the parent's when that is smaller and the chain not
/// too long yet, else whole. Only a difference needs the parent: see [`List::chain`].
pub fn encode(entries: &[Entry], parent: Option<Parent<'_>>) -> List {
    let whole = write(WHOLE, &[], entries);
    if let Some(parent) = parent.filter(|parent| parent.chain < MAX_CHAIN) {
        let bytes = write(DIFFERENCE, parent.entries, entries);
        if bytes.len() < whole.len() {
            return List { bytes, chain: parent.chain + 1 };
        }
    }
    List { bytes: whole, chain: 0 }
}

/// Whether a list can be read without its parent.
pub fn is_whole(list: &[u8]) -> Result<bool, Error> {
    match list.first() {
        Some(&WHOLE) => Ok(true),
        Some(&DIFFERENCE) => Ok(false),
        Some(&other) => Err(Error::UnknownList(other)),
        None => Err(Error::WrongLength(0)),
    }
}

/// Reads a list. `parent` is what the parent's list gave; a whole list does not look at it.
pub fn decode(list: &[u8], parent: Option<&[Entry]>) -> Result<Vec<Entry>, Error> {
    let parent = if is_whole(list)? { &[] } else { parent.ok_or(Error::NoParent)? };
    let mut reader = Reader { list, at: 1 };
    let count = reader.number::<usize>()?;
    if count > MAX_ITEMS {
        return Err(Error::TooManyItems);
    }
    let mut entries = Vec::with_capacity(count);
    let mut last = Last::default();
    let mut expected = 0_usize;
    let mut items = 0;
    while entries.len() < count {
        let start = reader.at;
        let head = reader.varint()?;
        let new = entries.len();
        if head & 1 == 1 {
            let place = (expected as u64).wrapping_add_signed(unzigzag(reader.number()?));
            let copy = copied(parent, place, head >> 1).ok_or(Error::Damaged(start))?;
            if copy.len() > count - entries.len() {
                return Err(Error::Damaged(start));
            }
            entries.extend_from_slice(copy);
            expected = usize::try_from(place).map_err(|_| Error::Damaged(start))? + copy.len();
        } else {
            let delta = u64::try_from(head >> 3).map_err(|_| Error::Damaged(start))?;
            let mut entry = Entry {
                part: last.part.wrapping_add(unzigzag(delta)),
                comma: head & 2 != 0,
                insertions: Vec::new(),
            };
            if head & 4 != 0 {
                entry.insertions = reader.insertions(last.marker)?;
            }
            entries.push(entry);
        }
        for entry in &entries[new..] {
            last.pass(entry);
            items += 1 + entry.insertions.len();
        }
        if items > MAX_ITEMS {
            return Err(Error::TooManyItems);
        }
    }
    if reader.at == list.len() { Ok(entries) } else { Err(Error::WrongLength(list.len())) }
}

fn copied(parent: &[Entry], place: u64, length: u128) -> Option<&[Entry]> {
    let start = usize::try_from(place).ok()?;
    let length = usize::try_from(length).ok().filter(|length| *length > 0)?;
    parent.get(start..start.checked_add(length)?)
}

fn write(kind: u8, parent: &[Entry], entries: &[Entry]) -> Vec<u8> {
    let mut places: HashMap<&Entry, Vec<usize>> = HashMap::new();
    for (place, entry) in parent.iter().enumerate() {
        places.entry(entry).or_default().push(place);
    }

    let mut list = vec![kind];
    put(&mut list, entries.len() as u128);
    let mut last = Last::default();
    let mut expected = 0;
    let mut rest = entries;
    while let Some((entry, after)) = rest.split_first() {
        // The nearest place that comes next in the parent; failing that, the first one.
        let found = places.get(entry).map(|places| {
            let next = places.partition_point(|place| *place < expected);
            places.get(next).map_or(places[0], |place| *place)
        });
        let done = if let Some(place) = found {
            let same = parent[place..].iter().zip(rest).take_while(|(a, b)| a == b).count();
            put(&mut list, ((same as u128) << 1) | 1);
            put(&mut list, zigzag((place as i64).wrapping_sub(expected as i64)).into());
            expected = place + same;
            let (done, after) = rest.split_at(same);
            rest = after;
            done
        } else {
            put_new(&mut list, last, entry);
            rest = after;
            std::slice::from_ref(entry)
        };
        for entry in done {
            last.pass(entry);
        }
    }
    list
}

fn put_new(list: &mut Vec<u8>, last: Last, entry: &Entry) {
    let delta = u128::from(zigzag(entry.part.wrapping_sub(last.part)));
    let marked = u128::from(!entry.insertions.is_empty());
    put(list, (delta << 3) | (marked << 2) | (u128::from(entry.comma) << 1));
    if entry.insertions.is_empty() {
        return;
    }
    put(list, entry.insertions.len() as u128);
    let (mut offset, mut part) = (0, last.marker);
    for insertion in &entry.insertions {
        put(list, insertion.offset.wrapping_sub(offset).into());
        put(list, zigzag(insertion.part.wrapping_sub(part)).into());
        (offset, part) = (insertion.offset, insertion.part);
    }
}

/// The parts that differences are counted from.
#[derive(Clone, Copy, Default)]
struct Last {
    part: i64,
    marker: i64,
}

impl Last {
    fn pass(&mut self, entry: &Entry) {
        self.part = entry.part;
        if let Some(insertion) = entry.insertions.last() {
            self.marker = insertion.part;
        }
    }
}

struct Reader<'a> {
    list: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn varint(&mut self) -> Result<u128, Error> {
        let start = self.at;
        let mut value = 0;
        for shift in 0..10 {
            let byte = *self.list.get(self.at).ok_or(Error::WrongLength(self.list.len()))?;
            self.at += 1;
            value |= u128::from(byte & 0x7f) << (7 * shift);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Error::Damaged(start))
    }

    fn number<N: TryFrom<u128>>(&mut self) -> Result<N, Error> {
        let start = self.at;
        N::try_from(self.varint()?).map_err(|_| Error::Damaged(start))
    }

    fn insertions(&mut self, mut part: i64) -> Result<Vec<Insertion>, Error> {
        let count = self.number::<usize>()?;
        if count > MAX_ITEMS {
            return Err(Error::TooManyItems);
        }
        let mut offset = 0_u64;
        // Not allocated ahead: the list has to have two bytes for each.
        let mut insertions = Vec::new();
        for _ in 0..count {
            offset = offset.wrapping_add(self.number()?);
            part = part.wrapping_add(unzigzag(self.number()?));
            insertions.push(Insertion { offset, part });
        }
        Ok(insertions)
    }
}

fn put(list: &mut Vec<u8>, mut value: u128) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            list.push(low);
            return;
        }
        list.push(low | 0x80);
    }
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(parts: impl IntoIterator<Item = i64>) -> Vec<Entry> {
        parts.into_iter().map(|part| Entry { part, comma: true, insertions: Vec::new() }).collect()
    }

    fn marked(part: i64, offset: u64) -> Entry {
        Entry { part, comma: true, insertions: vec![Insertion { offset, part: 3 }] }
    }

    #[test]
    fn the_bytes_are_as_documented() {
        let mut entries = plain([1, 2, 300]);
        entries[1].insertions =
            vec![Insertion { offset: 5, part: -1 }, Insertion { offset: 130, part: -1 }];
        entries[2].insertions = vec![Insertion { offset: 7, part: -1 }];
        assert_eq!(
            encode(&entries, None).bytes,
            [1, 3, (2 << 3) | 2, (2 << 3) | 6, 2, 5, 1, 125, 0, 0xa6, 0x25, 1, 7, 0]
        );

        let parent = plain(1..100);
        let mut entries = parent.clone();
        entries[50] = marked(51, 9);
        let list = encode(&entries, Some(Parent { entries: &parent, chain: 4 }));
        assert_eq!(list.bytes, [2, 99, (50 << 1) | 1, 0, (2 << 3) | 6, 1, 9, 6, (48 << 1) | 1, 2]);
        assert_eq!(list.chain, 5);
        assert_eq!(decode(&list.bytes, Some(&parent)), Ok(entries));
    }

    #[test]
    fn a_turn_with_moving_markers_takes_a_few_bytes() {
        let head = [marked(1, 900), marked(4, 20)].into_iter();
        let turn = |n: i64| {
            let marked_messages = [marked(n - 1, 5_000), marked(n, 5_000)];
            head.clone()
                .chain(plain(30..n - 1))
                .chain(marked_messages)
                .chain(plain(10..25))
                .collect::<Vec<_>>()
        };
        let (before, after) = (turn(1_000), turn(1_002));
        let list = encode(&after, Some(Parent { entries: &before, chain: 0 }));
        assert!(list.bytes.len() <= 22, "{} bytes", list.bytes.len());
        assert_eq!(decode(&list.bytes, Some(&before)), Ok(after));
    }

    #[test]
    fn whole_when_that_is_smaller_or_the_chain_is_long() {
        let (one, other) = (plain(1..50), plain(51..60));
        assert_eq!(encode(&other, Some(Parent { entries: &one, chain: 0 })).chain, 0);
        assert_eq!(
            encode(&one, Some(Parent { entries: &one, chain: MAX_CHAIN - 1 })).chain,
            MAX_CHAIN
        );
        assert_eq!(encode(&one, Some(Parent { entries: &one, chain: MAX_CHAIN })).chain, 0);
        assert_eq!(encode(&[], None).bytes, [WHOLE, 0]);
    }

    #[test]
    fn damage_is_named() {
        let parent = plain(1..5);
        for (list, error) in [
            (&[][..], Error::WrongLength(0)),
            (&[9, 0], Error::UnknownList(9)),
            (&[WHOLE], Error::WrongLength(1)),
            (&[WHOLE, 1], Error::WrongLength(2)),
            (&[WHOLE, 0, 0], Error::WrongLength(3)),
            (&[WHOLE, 0xff, 0xff, 0x7f], Error::TooManyItems),
            (&[WHOLE, 1, 3, 0], Error::Damaged(2)),
            (&[DIFFERENCE, 4, 11, 0], Error::Damaged(2)),
            (&[DIFFERENCE, 4, 1, 0], Error::Damaged(2)),
            (&[DIFFERENCE, 4, 3, 1], Error::Damaged(2)),
            (&[DIFFERENCE, 3, 9, 0], Error::Damaged(2)),
            (&[WHOLE, 1, 4, 0xff, 0xff, 0x7f], Error::TooManyItems),
            (
                &[WHOLE, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
                Error::Damaged(2),
            ),
        ] {
            assert_eq!(decode(list, Some(&parent)), Err(error), "{list:?}");
        }
        assert_eq!(decode(&[DIFFERENCE, 4, 9, 0], None), Err(Error::NoParent));
    }

    #[test]
    fn copies_of_copies_do_not_add_up() {
        let insertions = vec![Insertion { offset: 0, part: 0 }; 1_000];
        let parent = vec![Entry { part: 0, comma: false, insertions }; 20];
        let mut list = vec![DIFFERENCE, 40];
        for _ in 0..2 {
            list.extend([(20 << 1) | 1, 39]);
        }
        list[3] = 0;
        assert_eq!(decode(&list, Some(&parent)), Err(Error::TooManyItems));
    }

    fn list_of_entries() -> impl Strategy<Value = Vec<Entry>> {
        let part = || prop_oneof![3 => 0..12_i64, 1 => any::<i64>()];
        let offset = prop_oneof![0..3_u64, any::<u64>()];
        let insertion = (offset, part()).prop_map(|(offset, part)| Insertion { offset, part });
        let insertions = prop_oneof![
            2 => Just(Vec::new()),
            1 => prop::collection::vec(insertion, 0..3),
        ];
        let entry = (part(), any::<bool>(), insertions)
            .prop_map(|(part, comma, insertions)| Entry { part, comma, insertions });
        prop::collection::vec(entry, 0..30)
    }

    /// A child that is its parent with some stretches taken, dropped, turned round.
    fn related() -> impl Strategy<Value = (Vec<Entry>, Vec<Entry>)> {
        let stretches = prop::collection::vec((0..30_usize, 0..30_usize), 0..5);
        (list_of_entries(), list_of_entries(), stretches).prop_map(|(parent, fresh, stretches)| {
            let mut child = fresh;
            for (start, length) in stretches {
                child.extend(parent.iter().skip(start).take(length).cloned());
            }
            (parent, child)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn lists_come_back((parent, child) in related()) {
            let whole = encode(&child, None);
            prop_assert_eq!(decode(&whole.bytes, None), Ok(child.clone()));
            let list = encode(&child, Some(Parent { entries: &parent, chain: 0 }));
            prop_assert!(list.bytes.len() <= whole.bytes.len());
            prop_assert_eq!(decode(&list.bytes, Some(&parent)), Ok(child.clone()));
            let difference = write(DIFFERENCE, &parent, &child);
            prop_assert_eq!(decode(&difference, Some(&parent)), Ok(child));
        }

        #[test]
        fn damaged_lists_give_no_more_than_is_allowed(
            (parent, child) in related(),
            place in any::<prop::sample::Index>(),
            byte in any::<u8>(),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut list = write(DIFFERENCE, &parent, &child);
            let whole = list.len();
            list[place.index(whole)] = byte;
            for list in [&list[..], &list[..cut.index(whole)]] {
                if let Ok(entries) = decode(list, Some(&parent)) {
                    prop_assert!(entries.len() <= MAX_ITEMS);
                }
            }
        }

        #[test]
        fn a_cut_list_is_an_error((parent, child) in related(), cut in any::<prop::sample::Index>()) {
            let list = write(DIFFERENCE, &parent, &child);
            prop_assert!(decode(&list[..cut.index(list.len())], Some(&parent)).is_err());
        }

        #[test]
        fn any_bytes_are_a_list_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            for kind in [WHOLE, DIFFERENCE] {
                let list: Vec<u8> = std::iter::once(kind).chain(bytes.iter().copied()).collect();
                if let Ok(entries) = decode(&list, Some(&plain(0..9))) {
                    prop_assert!(entries.len() <= MAX_ITEMS);
                }
            }
        }
    }
}
