//! What is said of lines, by small stories.

mod world;

use super::{
    line,
    timeline::{Call, CallId, Ended, Evidence, FileHistory, Moment, Observation, Origin, Seen},
    track::{TrackedFile, track},
};

fn id(call: &str) -> CallId {
    CallId { session: "ses_1".into(), call: call.into() }
}

/// A call of the step `message`, that ran in that time and ended well.
fn call(name: &str, tool: &str, message: &str, (ran, ended): (i64, i64)) -> Call {
    Call {
        id: id(name),
        message: message.into(),
        tool: tool.into(),
        root: "/w".into(),
        ended: Ended::Well,
        ran_us: Some(ran),
        ended_us: Some(ended),
        ..Call::default()
    }
}

/// Words are lines; `-` is no file, `?` one that was not read. A word that is `***` was blanked.
fn seen(words: &str) -> Seen {
    match words {
        "-" => Seen::Absent,
        "?" => Seen::Unread,
        _ => Seen::Text(
            words
                .split_whitespace()
                .map(|word| match word {
                    "***" => line::Line::BLANKED,
                    word => line::Line::of(word.as_bytes()),
                })
                .collect(),
        ),
    }
}

fn file(path: &str, observations: &[(i64, Moment, &str)]) -> FileHistory {
    let observations =
        observations.iter().zip(1..).map(|((at_us, moment, words), id)| Observation {
            id,
            at_us: *at_us,
            moment: moment.clone(),
            seen: seen(words),
            // What a snapshot has was changed while its step's calls ran.
            changed_us: matches!(moment, Moment::Finish(_)).then_some(*at_us),
        });
    FileHistory { path: path.into(), observations: observations.collect() }
}

fn before(call: &str) -> Moment {
    Moment::Before(id(call))
}

fn after(call: &str) -> Moment {
    Moment::After(id(call))
}

fn start(message: &str) -> Moment {
    Moment::Start(message.into())
}

fn finish(message: &str) -> Moment {
    Moment::Finish(message.into())
}

/// The origins in the last state, as words: `b` it was there before, `p` a person, `c0` the call with that number
/// (`s0` by the steps' trees), or why not.
fn said(tracked: &TrackedFile) -> String {
    let words: Vec<_> = tracked.states.last().map_or_else(Vec::new, |state| {
        state
            .origins
            .iter()
            .map(|origin| match origin {
                Origin::Before => "b".to_owned(),
                Origin::Person { .. } => "p".to_owned(),
                Origin::Call { call, evidence: Evidence::StepTrees } => format!("s{call}"),
                Origin::Call { call, .. } => format!("c{call}"),
                Origin::Unknown(why) => format!("{why:?}").to_lowercase(),
            })
            .collect()
    });
    words.join(" ")
}

fn track_one(file: FileHistory, calls: &[Call]) -> String {
    said(&track(&[file], calls)[0])
}

#[test]
fn what_a_call_inserts_is_its_own_and_what_it_keeps_or_moves_is_not() {
    let calls = [call("a", "edit", "m", (11, 19))];
    for (old, new, expected) in [
        ("one1 two2", "one1 new1 two2", "b c0 b"),
        ("one1 two2", "two2 one1", "b b"),
        ("one1 two2", "new1", "c0"),
        ("-", "new1 }", "c0 c0"),
        ("aaaa } bbbb } cccc", "aaaa } bbbb } dddd } cccc", "b b b b c0 c0 b"),
        ("aaaa { bbbb } cccc { dddd }", "cccc { dddd } aaaa { bbbb } eeee", "b b b b b b b b c0"),
        ("} } }", "} } } }", "b b b c0"),
        ("aaaa *** bbbb", "aaaa *** bbbb cccc", "b b b c0"),
        ("aaaa *** bbbb", "aaaa *** cccc bbbb", "b blanked c0 b"),
        ("aaaa bbbb", "aaaa *** bbbb", "b c0 b"),
    ] {
        let file = file("/w/f", &[(10, before("a"), old), (20, after("a"), new)]);
        assert_eq!(track_one(file, &calls), expected, "{old} => {new}");
    }
}

#[test]
fn without_a_call_it_was_a_person_and_equal_lines_are_not_told_apart() {
    let calls = [call("a", "edit", "m", (11, 19)), call("b", "edit", "n", (111, 119))];
    for (old, made, then, expected) in [
        ("one1", "one1 new1", "one1 own1 new1", "b p c0"),
        ("one1 }", "one1 } new1 }", "one1 own1 } new1 }", "b p repeated c0 c0"),
        ("one1 }", "one1 } new1 }", "new1 } one1 }", "c0 repeated b repeated"),
        ("one1", "one1 }", "one1 own1 }", "b p c0"),
        ("one1", "one1 }", "one1 } own1 }", "b repeated p repeated"),
        ("one1 two2 three3", "one1 } two2 three3", "one1 } two2 } three3", "b c0 b p b"),
        ("one1", "one1 *** two2", "one1 own1 *** two2", "b p blanked c0"),
    ] {
        let file = file(
            "/w/f",
            &[
                (10, before("a"), old),
                (20, after("a"), made),
                (110, before("b"), then),
                (120, after("b"), then),
            ],
        );
        assert_eq!(track_one(file, &calls), expected, "{old} => {made} => {then}");
    }
}

#[test]
fn lines_that_come_back_are_what_they_were_whoever_brings_them() {
    let calls = [call("a", "edit", "m", (11, 19)), call("b", "edit", "n", (111, 119))];
    let story = |bringer: &[(i64, Moment, &str)]| {
        let mut all = vec![
            (10, before("a"), "one1 two2"),
            (20, after("a"), "one1 new1 two2 }"),
            (50, before("c"), "one1"),
        ];
        all.extend_from_slice(bringer);
        track_one(file("/w/f", &all), &calls)
    };
    let back = "new1 one1 two2 } own1";
    assert_eq!(story(&[(60, before("d"), back)]), "c0 b b repeated p");
    assert_eq!(story(&[(110, before("b"), "one1"), (120, after("b"), back)]), "c0 b b c1 c1");
    assert_eq!(story(&[(60, before("d"), "-"), (70, before("d"), back)]), "c0 b b repeated p");
}

#[test]
fn of_several_calls_the_one_that_declares_a_line_wrote_it() {
    let mut calls = [
        call("a", "edit", "m", (11, 25)),
        call("b", "edit", "m", (13, 35)),
        call("c", "bash", "m", (100, 200)),
    ];
    calls[0].input = r#"{"oldString":"gone1","newString":"aaaa\nboth"}"#.into();
    calls[1].input = r#"{"newString":"bbbb\nboth\n}"}"#.into();
    let parallel = file(
        "/w/f",
        &[
            (10, before("a"), "one1"),
            (12, before("b"), "one1"),
            (26, after("a"), "one1 aaaa bbbb both gone1 }"),
            (36, after("b"), "one1 aaaa bbbb both gone1 } last"),
        ],
    );
    assert_eq!(track_one(parallel, &calls), "b c0 c1 contended contended c1 c1");
    // The shell ran all the time, the edit in between.
    calls[0].ran_us = Some(111);
    calls[0].ended_us = Some(119);
    calls[2].input = r#"{"command":"sleep 1; echo \"cccc\" >> f"}"#.into();
    let mut inside = file(
        "/w/f",
        &[
            (90, start("m"), "one1"),
            (110, before("a"), "one1 shell1"),
            (120, after("a"), "one1 shell1 aaaa what1 cccc }"),
            (210, finish("m"), "one1 shell1 aaaa what1 cccc } shell2"),
        ],
    );
    let unknown = "b unread c0 contended c2 contended s2";
    assert_eq!(track_one(inside.clone(), &calls), unknown, "a person can, while the model thinks");
    inside.observations[1].changed_us = Some(105);
    assert_eq!(track_one(inside, &calls), "b s2 c0 contended c2 contended s2");
}

#[test]
fn calls_that_did_not_run_or_failed_or_do_not_reach_the_file_wrote_nothing() {
    let story = |mut change: Call, path: &str| {
        change.root = "/w".into();
        track_one(
            file(path, &[(10, start("m"), "one1"), (30, finish("m"), "one1 new1")]),
            &[change],
        )
    };
    let bash = call("a", "bash", "m", (11, 19));
    assert_eq!(story(bash.clone(), "/w/f"), "b s0");
    assert_eq!(story(bash.clone(), "/ww/f"), "b p");
    assert_eq!(story(Call { ran_us: None, ..bash.clone() }, "/w/f"), "b p");
    assert_eq!(story(Call { ran_us: Some(31), ended_us: None, ..bash.clone() }, "/w/f"), "b p");
    assert_eq!(story(Call { ended_us: Some(9), ..bash.clone() }, "/w/f"), "b p");
    assert_eq!(story(Call { ended: Ended::Badly, ..bash.clone() }, "/w/f"), "b unfinished");
    assert_eq!(
        story(Call { ended: Ended::Running, ended_us: None, ..bash.clone() }, "/w/f"),
        "b unfinished"
    );
    assert_eq!(story(Call { tool: "read".into(), ..bash.clone() }, "/w/f"), "b p");
    assert_eq!(story(Call { tool: "edit".into(), ..bash.clone() }, "/w/f"), "b p");
    let checkout = r#"{"command":"git checkout x; echo 'new1'"}"#.to_owned();
    assert_eq!(story(Call { input: checkout, ..bash.clone() }, "/w/f"), "b s0");
    let checkout = r#"{"command":"git checkout x"}"#.to_owned();
    assert_eq!(story(Call { input: checkout, ..bash }, "/w/f"), "b brought");
}

#[test]
fn a_person_who_edits_while_asked_is_told_apart_by_the_time_of_the_change() {
    let calls = [call("a", "edit", "m", (50_000, 80_000))];
    let mut asked = file(
        "/w/f",
        &[
            (10_000, before("a"), "one1"),
            (51_000, Moment::Permitted(id("a")), "one1 mine1"),
            (81_000, after("a"), "one1 mine1 call1"),
        ],
    );
    assert_eq!(track_one(asked.clone(), &calls), "b unread c0");
    asked.observations[1].changed_us = Some(20_000);
    assert_eq!(track_one(asked.clone(), &calls), "b p c0");
    asked.observations[1].changed_us = Some(50_500);
    assert_eq!(track_one(asked.clone(), &calls), "b c0 c0", "it was quicker than the look");
    asked.observations[1].changed_us = Some(-1_000_000);
    assert_eq!(
        track_one(asked, &calls),
        "b c0 c0",
        "a time from before the last look proves nothing"
    );
}

#[test]
fn what_a_person_edits_before_a_shells_process_starts_is_not_the_shells() {
    let calls = [call("a", "bash", "m", (31_000, 39_000))];
    let starts = (30_999, Moment::Permitted(id("a")), "one1 mine1");
    let ended = (39_001, after("a"), "one1 mine1 shell1");
    let [begin, end] = [(10_000, start("m"), "one1"), (45_000, finish("m"), "one1 mine1 shell1")];
    let story = |seen: &[_]| track_one(file("/w/f", seen), &calls);
    assert_eq!(story(&[begin.clone(), starts.clone(), ended.clone(), end.clone()]), "b p c0");
    assert_eq!(story(&[begin.clone(), starts.clone(), end.clone()]), "b p s0");
    assert_eq!(story(&[starts.clone(), ended]), "b b c0", "no snapshots");
    let after_it = (45_000, finish("m"), "one1 mine1");
    assert_eq!(story(&[begin, starts, after_it]), "b p");
}

#[test]
fn what_a_shell_is_seen_to_write_is_its_own_whatever_the_snapshots_leave_out() {
    let mut calls = [call("a", "bash", "m", (11, 19)), call("b", "bash", "n", (31, 39))];
    calls[1].compared = true;
    let story = file(
        "/w/f",
        &[
            (9, start("m"), "-"),
            (20, finish("m"), "one1"),
            (30, Moment::Permitted(id("b")), "one1"),
            (40, after("b"), "one1 new1"),
        ],
    );
    assert_eq!(track_one(story, &calls), "s0 c1");
}

#[test]
fn what_changed_after_a_shells_step_is_nobodys_unless_the_snapshots_clear_it() {
    let mut calls = [call("a", "edit", "m", (11, 19)), call("b", "bash", "n", (31, 39))];
    calls[1].input = r#"{"command":"cat > f <<E\nshell1\nE"}"#.into();
    let story = file(
        "/w/f",
        &[
            (9, start("m"), "one1"),
            (10, before("a"), "one1"),
            (20, after("a"), "one1 new1"),
            (25, finish("m"), "one1 new1"),
            (90, Moment::Now, "one1 new1 shell1 what1"),
        ],
    );
    assert_eq!(track_one(story.clone(), &calls), "b c0 s1 unread");
    calls[1].compared = true;
    assert_eq!(track_one(story, &calls), "b c0 p p");
}

#[test]
fn what_was_not_read_meanwhile_spans_the_times_around_it() {
    let calls = [call("a", "edit", "m", (11, 19))];
    let story = file(
        "/w/f",
        &[(10, before("a"), "one1"), (20, after("a"), "?"), (90, Moment::Now, "one1 new1")],
    );
    assert_eq!(track_one(story.clone(), &calls), "b unread");
    let tracked = track(&[story], &[]);
    assert_eq!(tracked[0].states[1].lines, None);
    assert_eq!(tracked[0].states[2].origins[1], Origin::Person { after_us: 10, until_us: 90 });
}

#[test]
fn a_file_that_changes_its_name_takes_its_lines_along() {
    let calls = [call("a", "edit", "m", (11, 19)), call("b", "bash", "n", (31, 39))];
    let old = file(
        "/w/old",
        &[
            (10, before("a"), "one1 two2"),
            (20, after("a"), "one1 new1 two2 }"),
            (30, start("n"), "one1 new1 two2 }"),
            (40, finish("n"), "-"),
        ],
    );
    let new = file("/w/new", &[(30, start("n"), "-"), (40, finish("n"), "one1 new1 } sed1")]);
    let tracked = track(&[new, old], &calls);
    assert_eq!(said(&tracked[0]), "b c0 c0 s1");
    assert_eq!(tracked[0].states[1].renamed_from, Some(1));
    assert_eq!(tracked[0].states[1].removed, [(1, 1)]);
    assert_eq!(tracked[1].states[3].removed, []);
}

#[test]
fn what_a_call_takes_away_is_counted() {
    let calls = [call("a", "edit", "m", (11, 19))];
    for (old, new, expected) in [
        ("one1 two2 }", "two2", vec![(0, 2)]),
        ("one1 two2", "two2 one1", vec![]),
        ("one1 two2", "-", vec![(0, 2)]),
        ("one1", "one1 two2", vec![]),
    ] {
        let file = file("/w/f", &[(10, before("a"), old), (20, after("a"), new)]);
        assert_eq!(track(&[file], &calls)[0].states[1].removed, expected, "{old} => {new}");
    }
}

#[test]
fn nothing_is_said_of_nothing() {
    assert_eq!(track(&[], &[]), []);
    let empty = track(&[FileHistory::default()], &[]);
    assert_eq!(empty[0].states, []);
}

#[test]
fn a_call_for_which_no_file_was_looked_at_may_have_changed_any() {
    let known = call("a", "edit", "m", (11, 19));
    let lost = Call {
        unseen: true,
        root: "/v".into(),
        input: r#"{"newString":"said1"}"#.into(),
        ..call("b", "edit", "n", (31, 39))
    };
    let history = file(
        "/w/a",
        &[
            (10, before("a"), "one1"),
            (20, after("a"), "one1 new1"),
            (50, Moment::Now, "one1 new1 said1 odd1"),
        ],
    );
    let seen = Call { unseen: false, ..lost.clone() };
    assert_eq!(track_one(history.clone(), &[known.clone(), seen]), "b c0 p p");
    assert_eq!(track_one(history, &[known, lost]), "b c0 c1 unread");
}

#[test]
fn snapshots_that_stopped_to_show_a_file_clear_nobody() {
    let calls = [
        call("a", "bash", "m", (11, 19)),
        Call { compared: true, ..call("b", "bash", "n", (31, 39)) },
    ];
    let told = |then: &str| {
        let observations = [
            (10, start("m"), "one1"),
            (20, finish("m"), "one1 new1"),
            (25, start("x"), "one1 new1"),
            (28, finish("x"), then),
            (50, Moment::Now, "one1 new1 odd1"),
        ];
        track_one(file("/w/a", &observations), &calls)
    };
    assert_eq!(told("one1 new1"), "b s0 p");
    assert_eq!(told("?"), "b s0 unread", "it is ignored from now on");
}

#[test]
fn what_a_shell_may_have_moved_here_is_not_its_own() {
    let calls = [call("a", "edit", "m", (11, 19)), call("b", "bash", "n", (51, 59))];
    let observations = [
        (10, before("a"), "twice1 }"),
        (20, after("a"), "-"),
        (30, Moment::Permitted(id("c")), "twice1 }"),
        (35, Moment::Permitted(id("c")), "twice1 twice1 }"),
        (40, Moment::Permitted(id("b")), "-"),
        (60, after("b"), "twice1 new1 }"),
    ];
    assert_eq!(track_one(file("/w/a", &observations), &calls), "repeated c1 repeated");
}

#[test]
fn beside_a_shell_that_brings_others_lines_equal_ones_are_not_told_apart() {
    let calls = [
        call("a", "edit", "m", (11, 19)),
        call("b", "bash", "n", (31, 34)),
        Call { input: r#"{"command":"git stash"}"#.into(), ..call("c", "bash", "n", (35, 39)) },
    ];
    let observations = [
        (10, before("a"), "one1 two2"),
        (20, after("a"), "one1 } two2"),
        (30, start("n"), "one1 } two2"),
        (40, finish("n"), "} one1 two2 }"),
    ];
    assert_eq!(track_one(file("/w/a", &observations), &calls), "repeated b b repeated");
}
