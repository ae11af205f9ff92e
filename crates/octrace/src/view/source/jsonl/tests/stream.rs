//! However a file comes to be, in whatever pieces: the same lines give the same rows.

use proptest::prelude::*;

use super::{Place, Watch, tracer};

fn line() -> impl Strategy<Value = String> {
    let session = prop_oneof![Just("ses_1"), Just("ses_2")];
    let whole = (session, 1..4_u64, 0..100_i64, 0..5_usize).prop_map(|(session, id, at, what)| {
        let at = at * 100;
        match what {
            0 | 1 => tracer::request(session, id, at, &tracer::asked(&format!("Do {id} é"))),
            2 => tracer::response(session, id, at, 200, &tracer::said("Done.", (3, id))),
            3 => tracer::response(session, id, at, 500, &serde_json::json!({"error": "no"})),
            _ => tracer::error(session, id, at, "fetch failed"),
        }
    });
    let broken = (whole.clone(), any::<prop::sample::Index>()).prop_map(|(line, at)| {
        let bytes = line.trim_end().as_bytes();
        format!("{}\n", String::from_utf8_lossy(&bytes[..at.index(bytes.len())]))
    });
    prop_oneof![
        6 => whole,
        1 => broken,
        1 => prop_oneof![Just("\n"), Just("\r\n"), Just("{\"kind\":\"x\"}\n"), Just("}{\n"), Just("7\n")]
            .prop_map(str::to_owned),
    ]
}

fn rows(watch: &mut Watch) -> String {
    let mut all = watch.print_sessions();
    for session in ["ses_1", "ses_2"] {
        watch.show(session);
        all.push_str(&watch.print());
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn pieces_do_not_matter(
        lines in prop::collection::vec(line(), 0..16),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let file = lines.concat().into_bytes();
        let place = Place::new();
        // A record to begin with: else the file would be somebody else's.
        let first = tracer::request("ses_0", 1, 0, &tracer::asked("Begin"));
        let path = place.write("a.jsonl", &first);
        let mut watch = Watch::live(&path);
        watch.show("ses_1");
        let mut cuts: Vec<usize> = cuts.iter().map(|at| at.index(file.len() + 1)).collect();
        cuts.sort_unstable();
        let mut from = 0;
        for cut in cuts.into_iter().chain([file.len()]) {
            place.append("a.jsonl", &file[from..cut]);
            from = cut;
            watch.look();
        }
        let mut whole = Watch::live(&path);
        whole.show("ses_1");
        prop_assert_eq!(watch.print(), whole.print(), "as they came");
        prop_assert_eq!(rows(&mut watch), rows(&mut whole));
        prop_assert_eq!(watch.source.broken_lines(), whole.source.broken_lines());
        prop_assert_eq!(watch.renewed, 0);
    }
}
