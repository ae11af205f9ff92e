//! Records of files that were really tracked: each line carries the name of who wrote it, so truth is known.

use super::*;
use crate::attribution::track::track;

/// A person or a call does something to a file.
#[derive(Clone, Debug)]
struct Turn {
    /// Whether it is a call; otherwise a person.
    call: bool,
    /// Where, and how many lines go, in per cent of what is there.
    at: usize,
    remove: usize,
    insert: usize,
}

fn turn() -> impl Strategy<Value = Turn> {
    (any::<bool>(), 0..100_usize, 0..4_usize, 0..4_usize)
        .prop_map(|(call, at, remove, insert)| Turn { call, at, remove, insert })
}

proptest! {
    #[test]
    fn each_records_ranges_are_exactly_the_lines_that_its_call_wrote(
        turns in prop::collection::vec(turn(), 1..24),
        ends in prop::sample::select(vec!["\n", "\r\n"]),
    ) {
        let mut text: Vec<String> = (0..6).map(|line| format!("before {line}")).collect();
        let mut story = Story::default();
        story.file("/repo/a");
        let mut calls = Vec::new();
        let mut truth = Vec::new();
        for (number, turn) in turns.iter().enumerate() {
            let name = format!("c{number}");
            let at_us = 100 * (number as i64 + 1);
            let bytes = |text: &[String]| text.iter().flat_map(|line| [line, ends]).collect::<String>();
            if turn.call {
                story.see(at_us, Moment::Before(id(&name)), Some(bytes(&text).as_bytes()), Vec::new());
            }
            let from = text.len() * turn.at / 100;
            let until = text.len().min(from + turn.remove);
            let by = if turn.call { name.as_str() } else { "person" };
            let new: Vec<String> = (0..turn.insert).map(|line| format!("{by} {number} {line}")).collect();
            let own = from as u64 + 1..from as u64 + 1 + new.len() as u64;
            text.splice(from..until, new);
            if turn.call {
                story.see(at_us + 50, Moment::After(id(&name)), Some(bytes(&text).as_bytes()), Vec::new());
                calls.push(Call { message: format!("msg_{number}"), ..call(&name, "edit", at_us + 10, at_us + 40) });
                let changed = until > from || !own.is_empty();
                truth.extend(changed.then(|| (record_id(&id(&name)), own, (until - from) as u64, text.clone())));
            }
        }
        story.tracked = track(&story.histories, &calls);
        let records = story.records(&calls, &context());
        prop_assert_eq!(records.len(), truth.len());
        for (record, (id, own, removed, text)) in records.iter().zip(truth) {
            prop_assert_eq!(&record.id, &id);
            let ranges: Vec<_> = record.files[0].conversations.iter().flat_map(|one| &one.ranges).collect();
            let found: Vec<u64> =
                ranges.iter().flat_map(|range| range.start_line..=range.end_line).collect();
            prop_assert_eq!(found, own.clone().collect::<Vec<_>>());
            for range in ranges {
                let lines = &text[range.start_line as usize - 1..range.end_line as usize];
                let expected = content_hash(lines.iter().map(String::as_bytes));
                prop_assert_eq!(range.content_hash.as_ref(), Some(&expected));
            }
            let deletions = record.metadata.get(metadata::DELETIONS);
            let told = deletions.and_then(|all| all[0]["lines"].as_u64()).unwrap_or(0);
            prop_assert_eq!(told, removed);
        }
    }
}
