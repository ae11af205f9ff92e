//! A session's rows in time order, however they come.
//!
//! A hundred thousand of them may be there, and one more comes: so a row stays where it was put, and what is sorted is
//! small. What is shown is sorted in the same way, and only what changes in it is looked for.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use octrace_core::timeline::{Row, RowId};

use super::class::Class;

/// A row's place in time: there are two for each row, so that it is small.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    at_us: i64,
    /// The id, of which the first part is what it is about.
    about: u8,
    number: i64,
    slot: u32,
    /// What it was when it was put there.
    pub(super) class: Class,
}

impl Key {
    fn of(row: &Row, slot: u32) -> Self {
        let (about, number) = match row.id() {
            RowId::Prompt(number) => (0, number),
            RowId::Exchange(number) => (1, number),
            RowId::Tool(number) => (2, number),
        };
        Self { at_us: row.at_us(), about, number, slot, class: Class::of(row) }
    }
}

/// All rows.
#[derive(Debug, Default)]
pub(super) struct Rows {
    slots: Vec<Option<Row>>,
    free: Vec<u32>,
    /// Which slot each is in.
    places: HashMap<RowId, u32>,
    /// What is under way.
    open: HashSet<RowId>,
    /// The largest request and the largest response of exchanges, in bytes.
    largest: (u64, u64),
    /// The highest id of an exchange so far: what is shown of it has a column of its own.
    highest: i64,
    /// How many are requests for titles and the like.
    meta: u64,
}

impl Rows {
    /// Takes a row in, new or as it is now. Gives where it was, if it was there, and where it is.
    pub(super) fn put(&mut self, row: Row) -> (Option<Key>, Key) {
        let id = row.id();
        if row.is_open() {
            self.open.insert(id);
        } else {
            self.open.remove(&id);
        }
        if let Row::Exchange(exchange) = &row {
            let (request, response) = self.largest;
            self.largest =
                (request.max(exchange.request_bytes), response.max(exchange.response_bytes));
            self.highest = self.highest.max(exchange.id);
        }
        let before = self.key(id);
        let slot = before.map(|key| key.slot).or_else(|| self.free.pop());
        let slot = slot.unwrap_or(self.slots.len() as u32);
        let key = Key::of(&row, slot);
        self.meta += u64::from(key.class.is_meta());
        self.meta -= u64::from(before.is_some_and(|before| before.class.is_meta()));
        match self.slots.get_mut(slot as usize) {
            Some(place) => *place = Some(row),
            None => self.slots.push(Some(row)),
        }
        self.places.insert(id, slot);
        (before, key)
    }

    /// Forgets a row; gives where it was.
    pub(super) fn remove(&mut self, id: RowId) -> Option<Key> {
        let key = self.key(id)?;
        self.places.remove(&id);
        self.open.remove(&id);
        self.meta -= u64::from(key.class.is_meta());
        self.free.push(key.slot);
        let row = self.slots.get_mut(key.slot as usize)?.take();
        if let Some(Row::Exchange(row)) = row
            && (row.request_bytes == self.largest.0 || row.response_bytes == self.largest.1)
        {
            self.measure();
        }
        Some(key)
    }

    fn measure(&mut self) {
        self.largest = (0, 0);
        for row in self.slots.iter().flatten() {
            if let Row::Exchange(row) = row {
                let (request, response) = self.largest;
                self.largest = (request.max(row.request_bytes), response.max(row.response_bytes));
            }
        }
    }

    pub(super) fn get(&self, key: Key) -> Option<&Row> {
        self.slots.get(key.slot as usize)?.as_ref()
    }

    /// Where the row is now that was there; where it was, if it is gone.
    pub(super) fn now(&self, before: Key) -> Key {
        let row = self.get(before).map(|row| Key::of(row, before.slot));
        row.filter(|now| (now.about, now.number) == (before.about, before.number)).unwrap_or(before)
    }

    pub(super) fn key(&self, id: RowId) -> Option<Key> {
        let slot = *self.places.get(&id)?;
        let row = self.slots.get(slot as usize)?.as_ref()?;
        Some(Key::of(row, slot))
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = RowId> {
        self.places.keys().copied()
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether anything is under way.
    pub(super) fn is_live(&self) -> bool {
        !self.open.is_empty()
    }

    /// How many are requests for titles and the like.
    pub(super) fn meta(&self) -> u64 {
        self.meta
    }

    /// The highest id of an exchange so far.
    pub(super) fn highest(&self) -> i64 {
        self.highest
    }

    /// The largest request and the largest response.
    pub(super) fn largest(&self) -> (u64, u64) {
        self.largest
    }
}

/// Rows in order.
#[derive(Debug, Default)]
pub(super) struct Order(Vec<Key>);

impl Order {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn get(&self, at: usize) -> Option<Key> {
        self.0.get(at).copied()
    }

    /// Whether it is there.
    pub(super) fn has(&self, key: Key) -> bool {
        self.0.binary_search(&key).is_ok()
    }

    /// How many come before this one, be it there or not.
    pub(super) fn before(&self, key: Key) -> usize {
        self.0.partition_point(|other| *other < key)
    }

    /// None, with room for so many.
    pub(super) fn with_capacity(len: usize) -> Self {
        Self(Vec::with_capacity(len))
    }

    /// Adds what is chosen of these places of another order, which come after all that is there.
    pub(super) fn choose(
        &mut self,
        all: &Self,
        places: Range<usize>,
        choose: impl Fn(Key) -> bool,
    ) {
        let places = places.start..places.end.min(all.len());
        let keys = all.0.get(places).unwrap_or_default().iter().copied();
        self.0.extend(keys.filter(|key| choose(*key)));
    }

    /// This one, and those after it.
    pub(super) fn from(&self, key: Key) -> impl Iterator<Item = Key> {
        self.0.get(self.before(key)..).unwrap_or_default().iter().copied()
    }

    /// Those before this one, the nearest first.
    pub(super) fn back_from(&self, key: Key) -> impl Iterator<Item = Key> {
        let before = self.0.get(..self.before(key)).unwrap_or_default();
        before.iter().rev().copied()
    }

    /// Takes away what goes, then adds what comes.
    pub(super) fn change(&mut self, change: Change) {
        if !change.gone.is_empty() {
            let places = change.gone.iter().filter_map(|key| self.0.binary_search(key).ok());
            let mut places: Vec<usize> = places.collect();
            places.sort_unstable();
            let mut gone = places.into_iter().peekable();
            let mut at = 0;
            self.0.retain(|_| {
                at += 1;
                gone.next_if_eq(&(at - 1)).is_none()
            });
        }
        let mut come: Vec<Key> = change.come.into_values().collect();
        come.sort_unstable();
        let is_newest = self.0.last() < come.first();
        self.0.append(&mut come);
        if !is_newest {
            // Two runs that are sorted are merged in one go.
            self.0.sort();
        }
    }
}

/// What comes and goes at once.
#[derive(Debug, Default)]
pub(super) struct Change {
    gone: HashSet<Key>,
    /// By id: one answer may tell of a row twice.
    come: HashMap<RowId, Key>,
}

impl Change {
    /// A row that was at `before`, if it was there, is at `now`, if it still is.
    pub(super) fn note(&mut self, id: RowId, before: Option<Key>, now: Option<Key>) {
        self.gone.extend(before);
        match now {
            Some(now) => self.come.insert(id, now),
            None => self.come.remove(&id),
        };
    }

    /// Whether this one goes.
    pub(super) fn is_gone(&self, key: Key) -> bool {
        self.gone.contains(&key)
    }
}

#[cfg(test)]
mod tests {
    use octrace_core::timeline::{ExchangeRow, PromptRow, ToolRow};
    use proptest::prelude::*;

    use super::*;

    fn row(id: i64, at_us: i64) -> Row {
        if id % 3 == 0 {
            Row::from(PromptRow { number: id, at_us, text: None })
        } else {
            Row::from(ExchangeRow { id, at_us, ..ExchangeRow::default() })
        }
    }

    #[test]
    fn a_row_takes_little_besides_what_it_says() {
        // Two keys, its slot, and its place by id, in a table that is half empty.
        let place = size_of::<(RowId, u32)>() + 1;
        let own = 2 * size_of::<Key>() + size_of::<Option<Row>>() + 2 * place;
        assert!(own <= 114, "{own}");
        let said = [size_of::<ExchangeRow>(), size_of::<ToolRow>()];
        assert!(said <= [328, 152], "{said:?}");
    }

    proptest! {
        #[test]
        fn rows_are_in_order_and_there_once(steps in prop::collection::vec((0i64..12, 0i64..20, any::<bool>()), 0..60)) {
            let mut rows = Rows::default();
            let mut order = Order::default();
            let mut model = std::collections::BTreeMap::new();
            for (id, at_us, gone) in steps {
                let row = row(id, at_us);
                let row_id = row.id();
                if gone {
                    let key = rows.remove(row_id);
                    prop_assert_eq!(key.is_some(), model.remove(&row_id).is_some());
                    let mut change = Change::default();
                    change.note(row_id, key, None);
                    order.change(change);
                } else {
                    let (before, now) = rows.put(row);
                    let mut change = Change::default();
                    change.note(row_id, before, Some(now));
                    order.change(change);
                    model.insert(row_id, at_us);
                }
                let seen: Vec<(i64, RowId)> = (0..order.len())
                    .filter_map(|at| rows.get(order.get(at)?))
                    .map(|row| (row.at_us(), row.id()))
                    .collect();
                let mut meant: Vec<(i64, RowId)> = model.iter().map(|(id, at)| (*at, *id)).collect();
                meant.sort_unstable();
                prop_assert_eq!(seen, meant);
                prop_assert_eq!(rows.len(), model.len());
            }
        }
    }
}
