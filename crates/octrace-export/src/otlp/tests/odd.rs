//! Whatever a model, a tool or a user says, it is encoded and comes out as it was.

use octrace_core::trace::{Message, Part, Role, Turn, What};
use proptest::prelude::*;

use super::{PROFILES, options, pack, sample, show, spans};

fn part(kind: usize, text: &str) -> Part {
    let text = text.to_owned();
    match kind % 6 {
        0 => Part::Text(text),
        1 => Part::Reasoning(text),
        2 => Part::Call { id: text.clone(), name: text.clone(), arguments: text },
        3 => Part::Result { id: text.clone(), name: text.clone(), text },
        4 => Part::Media { mime: text, bytes: u64::MAX },
        _ => Part::Other(text),
    }
}

/// The sample, with these words wherever there are any.
fn turn(words: &[String], kinds: &[usize], times: (i64, i64)) -> Turn {
    let mut turn = sample::root();
    let mut words = words.iter().cycle().map(String::as_str);
    let mut word = || words.next().unwrap_or_default().to_owned();
    turn.root.id = word();
    turn.session.id = word();
    for span in &mut turn.spans {
        (span.started_us, span.ended_us) = times;
        if let Some(failure) = &mut span.failure {
            (failure.kind, failure.message) = (word(), word());
        }
        match &mut span.what {
            What::Turn(turn) => (turn.prompt, turn.reply) = (word(), word()),
            What::Model(call) => {
                call.provider = Some(word());
                call.model = Some(word());
                call.finish = Some(word());
                call.cost_usd = Some(f64::NAN);
                call.first_content_after_us = Some(times.0);
                call.said.settings = vec![(word(), word()), ("stop".to_owned(), word())];
                call.said.tools = vec![word()];
                let parts: Vec<_> = kinds.iter().map(|kind| part(*kind, &word())).collect();
                call.said.system.clone_from(&parts);
                call.said.output = Some(Message { role: Role::Assistant, parts: parts.clone() });
                call.said.input = vec![Message { role: Role::User, parts }];
                for attempt in &mut call.attempts {
                    (attempt.started_us, attempt.ended_us) = times;
                }
            }
            What::Tool(tool) => {
                (tool.tool, tool.input, tool.output) = (word(), word(), word());
                tool.metadata = word();
            }
        }
    }
    turn
}

proptest! {
    #[test]
    fn every_turn_is_encoded(
        words in prop::collection::vec(any::<String>(), 1..8),
        kinds in prop::collection::vec(0..6_usize, 0..6),
        times in any::<(i64, i64)>(),
    ) {
        let turn = turn(&words, &kinds, times);
        for profile in PROFILES {
            let parcels = pack(&options(profile), std::slice::from_ref(&turn));
            prop_assert_eq!(parcels.len(), 1);
            let body = &parcels[0].body;
            show(body);
            for span in spans(body) {
                prop_assert!(span.start_time_unix_nano <= span.end_time_unix_nano);
                prop_assert!(!span.name.is_empty());
                let mut names: Vec<_> = span.attributes.iter().map(|one| &one.key).collect();
                let all = names.len();
                names.sort();
                names.dedup();
                prop_assert_eq!(names.len(), all, "an attribute twice in {}", span.name);
            }
            let What::Turn(what) = &turn.spans[0].what else { continue };
            if !what.prompt.is_empty() {
                let root = spans(body);
                let has = |text: &str| root.iter().any(|span| span.attributes.iter().any(|one| {
                    one.value.as_ref().and_then(|value| value.value.clone())
                        == Some(super::Value::StringValue(text.to_owned()))
                }));
                prop_assert!(has(&what.prompt));
            }
        }
    }
}
