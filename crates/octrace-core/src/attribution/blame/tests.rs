//! One file with lines of every origin, weighed against what may have happened beside it.

use super::*;
use crate::attribution::{
    timeline::{Observation, Seen},
    track::TrackedState,
};

/// The file was seen at 100 and 200, and now at 1000.
const FIRST: i64 = 100;
const SECOND: i64 = 200;
const NOW: i64 = 1_000;

fn id(call: &str) -> CallId {
    CallId { session: "ses_1".to_owned(), call: call.to_owned() }
}

fn call(name: &str, tool: &str, ran_us: i64, ended_us: Option<i64>, ended: Ended) -> Call {
    Call {
        id: id(name),
        tool: tool.to_owned(),
        ran_us: Some(ran_us),
        ended_us,
        ended,
        root: "/w".to_owned(),
        ..Call::default()
    }
}

fn edit() -> Call {
    call("edit", "edit", 120, Some(190), Ended::Well)
}

const CALL: Origin = Origin::Call { call: 0, evidence: Evidence::Bytes };
const PERSON: Origin = Origin::Person { after_us: SECOND, until_us: NOW };

fn seen(at_us: i64, moment: Moment, text: &str) -> Observation {
    let lines = Seen::Text(crate::attribution::line::lines(text.as_bytes(), true).into());
    Observation { id: at_us, at_us, moment, seen: lines, changed_us: None }
}

fn state(text: &str, origins: &[Origin]) -> TrackedState {
    let lines = crate::attribution::line::lines(text.as_bytes(), true);
    TrackedState { lines: Some(lines.into()), origins: origins.into(), ..TrackedState::default() }
}

fn file() -> (FileHistory, TrackedFile) {
    let history = FileHistory {
        path: "/w/a".to_owned(),
        observations: vec![
            seen(FIRST, Moment::Before(id("edit")), "old\n"),
            seen(SECOND, Moment::After(id("edit")), "old\ncall\n"),
            seen(NOW, Moment::Now, "old\ncall\nhand\nodd\n"),
        ],
    };
    let unknown = Origin::Unknown(Why::Contended);
    let tracked = TrackedFile {
        path: "/w/a".to_owned(),
        states: vec![
            state("old\n", &[Origin::Before]),
            state("old\ncall\n", &[Origin::Before, CALL]),
            state("old\ncall\nhand\nodd\n", &[Origin::Before, CALL, PERSON, unknown]),
        ],
    };
    (history, tracked)
}

/// Who wrote `old`, `call`, `hand` and `odd`, beside these calls; the first of them is the edit.
fn blamed(calls: &[Call], pruned: &[(i64, i64)], commits: &[Option<i64>]) -> [Who; 4] {
    let (history, tracked) = file();
    blamed_in((&history, &tracked), calls, pruned, commits)
}

fn blamed_in(
    (history, tracked): (&FileHistory, &TrackedFile),
    calls: &[Call],
    pruned: &[(i64, i64)],
    commits: &[Option<i64>],
) -> [Who; 4] {
    let commit = |at_us: &i64| Arc::new(Commit { committed_us: *at_us, ..Commit::default() });
    let commits: Vec<_> = commits.iter().map(|at_us| at_us.as_ref().map(commit)).collect();
    let circumstances = Circumstances { calls, covered: true, pruned };
    let files =
        Files { histories: std::slice::from_ref(history), tracked: std::slice::from_ref(tracked) };
    let who = circumstances.blame(files, 0, &commits).into_iter().map(|line| line.who);
    who.collect::<Vec<_>>().try_into().unwrap()
}

const AGENT: Who = Who::Agent { call: 0, evidence: Evidence::Bytes };
const ODD: Who = Who::Unknown(Reason::Evidence(Why::Contended));

#[test]
fn what_nothing_speaks_against_is_as_it_was_tracked() {
    assert_eq!(blamed(&[edit()], &[], &[]), [Who::Person, AGENT, Who::Person, ODD]);
}

#[test]
fn a_call_that_nobody_watched_may_have_written_what_was_there_at_first() {
    let shell = |ran_us| call("sh", "bash", ran_us, Some(ran_us + 5), Ended::Well);
    let old = |call: Call, covered| {
        let (history, tracked) = file();
        let calls = [edit(), call];
        let circumstances = Circumstances { calls: &calls, covered, pruned: &[] };
        let files = Files { histories: &[history], tracked: &[tracked] };
        circumstances.blame(files, 0, &[])[0].who.clone()
    };
    let unseen = Who::Unknown(Reason::Unseen(1));
    assert_eq!(old(shell(10), true), unseen);
    assert_eq!(old(shell(150), true), Who::Person, "it was there already");
    assert_eq!(old(Call { compared: true, ..shell(10) }, true), Who::Person);
    assert_eq!(old(Call { compared: true, ..shell(10) }, false), unseen, "a file that git ignores");
    assert_eq!(old(Call { ran_us: None, ..shell(10) }, true), Who::Person, "it was rejected");
    assert_eq!(old(Call { root: "/v".to_owned(), ..shell(10) }, true), Who::Person);
    assert_eq!(old(Call { tool: "read".to_owned(), ..shell(10) }, true), Who::Person);
    let failed = Call { ended: Ended::Badly, ..shell(10) };
    assert_eq!(old(failed, true), Who::Unknown(Reason::Failed(1)));
}

#[test]
fn a_call_that_failed_may_have_written_what_it_named() {
    let failed = call("edit", "edit", 50, Some(60), Ended::Badly);
    assert_eq!(blamed(&[edit(), failed.clone()], &[], &[])[0], Who::Unknown(Reason::Failed(1)));
    let elsewhere = Call { id: id("another"), ..failed };
    assert_eq!(blamed(&[edit(), elsewhere.clone()], &[], &[])[0], Who::Person);
    // Of whom nothing was seen may have named any.
    let unseen = Call { unseen: true, ended: Ended::Well, root: "/v".to_owned(), ..elsewhere };
    assert_eq!(blamed(&[edit(), unseen], &[], &[])[0], Who::Unknown(Reason::Unseen(1)));
}

#[test]
fn a_line_was_there_when_its_commit_was_made() {
    let calls = [edit(), call("sh", "bash", 50, Some(60), Ended::Well)];
    let unseen = Who::Unknown(Reason::Unseen(1));
    let old = |committed_us| blamed(&calls, &[], &[Some(committed_us)])[0].clone();
    assert_eq!((old(40), old(70)), (Who::Person, unseen.clone()));
    // What came with a commit that was made before the last look was made elsewhere.
    let hand = |committed_us| blamed(&calls, &[], &[None, None, committed_us])[2].clone();
    assert_eq!((hand(Some(70)), hand(Some(40))), (unseen, Who::Person));
    assert_eq!((hand(Some(300)), hand(None)), (Who::Person, Who::Person));
}

#[test]
fn nobody_is_named_for_a_time_of_which_something_is_gone() {
    let pruned = Who::Unknown(Reason::Pruned);
    let [old, call, hand, _] = blamed(&[edit()], &[(50, 150)], &[]);
    assert_eq!((old, call, hand), (pruned.clone(), AGENT, Who::Person));
    let [old, _, hand, _] = blamed(&[edit()], &[(50, 300)], &[Some(40)]);
    assert_eq!((old, hand), (Who::Person, pruned), "a commit from before anything was recorded");
}

#[test]
fn what_a_file_had_under_another_name_was_there_when_that_was_seen() {
    let (mut before, mut tracked_before) = file();
    before.observations.pop();
    tracked_before.states.pop();
    let history = FileHistory {
        path: "/w/b".to_owned(),
        observations: vec![seen(NOW, Moment::Now, "old\ncall\n")],
    };
    let tracked = TrackedFile {
        path: "/w/b".to_owned(),
        states: vec![state("old\ncall\n", &[Origin::Before, CALL])],
    };
    let calls = [edit(), call("sh", "bash", 300, Some(400), Ended::Well)];
    let circumstances = Circumstances { calls: &calls, covered: true, pruned: &[] };
    let (histories, tracked) = ([before, history], [tracked_before, tracked]);
    let files = Files { histories: &histories, tracked: &tracked };
    let blamed = circumstances.blame(files, 1, &[]);
    let who: Vec<Who> = blamed.into_iter().map(|line| line.who).collect();
    assert_eq!(who, [Who::Person, AGENT]);
}
