//! What became of OpenCode's requests: from the plugin's first word to the line in a file. The rows are those of
//! opencode-api-tracer's table of diagnoses.

use std::{
    fs,
    path::{Path, PathBuf},
};

use octrace_store::{
    Tape,
    diagnostics::{Count, Process},
    follow::LiveFile,
};
use octrace_view::text::counted;

use super::Finding;
use crate::{paths::Paths, record::DIAGNOSTICS};

const ABOUT: &str = "requests";

/// Of how many processes the newest one is looked for that said what it decided.
const PROCESSES: u32 = 20;

/// What the plugin's reasons mean, and what to do where there is something to do.
const REASONS: [(&str, &str, Option<&str>); 6] = [
    ("method-not-post", "are no POST requests", None),
    (
        "missing-provider-header",
        "have no header of a provider, and capture.require_provider_header is true",
        Some("Set capture.require_provider_header to false."),
    ),
    (
        "missing-provider-header-not-llm-endpoint",
        "have no header of a provider, and their URLs are not a model's",
        None,
    ),
    (
        "not-llm-endpoint",
        "go to URLs that are not a model's (/messages, /chat/completions, /responses and the like)",
        None,
    ),
    ("json-rpc", "are JSON-RPC, as MCP servers speak it", None),
    ("intercept-command", "are /intercept's own, which octrace answers", None),
];

/// What the newest OpenCode's requests came to, and files that cannot be written.
pub(super) fn requests(paths: &Paths) -> Vec<Finding> {
    let Ok(Some(tape)) = Tape::open_existing(&paths.tape()) else { return Vec::new() };
    let (Ok(processes), Ok(behind)) = (tape.processes(PROCESSES), tape.files_behind(None)) else {
        // What is wrong with the tape has been said.
        return Vec::new();
    };
    let unwritten_to = (!behind.is_empty()).then(|| diagnostics(paths, &behind));
    let mut findings = vec![newest(&processes, unwritten_to.as_deref())];
    findings.extend(unwritten(&behind));
    findings
}

/// The diagnostics file that was written last, of those that may speak of these files.
fn diagnostics(paths: &Paths, behind: &[LiveFile]) -> PathBuf {
    let spare = paths.state.join(DIAGNOSTICS);
    let beside = behind.iter().map(|file| file.folder.join(DIAGNOSTICS));
    let written = |path: &PathBuf| fs::symlink_metadata(path).and_then(|found| found.modified());
    let there = beside.chain([spare.clone()]).filter_map(|path| Some((written(&path).ok()?, path)));
    there.max().map_or(spare, |(_, path)| path)
}

/// `unwritten_to`: some file lacks something, and where its errors are said.
fn newest(processes: &[Process], unwritten_to: Option<&Path>) -> Finding {
    let told = |process: &&Process| process.count("install.start") > 0;
    let Some(process) = processes.iter().find(told) else {
        if processes.is_empty() {
            return Finding::note(ABOUT, "no OpenCode has loaded the plugin yet").remedy(
                "Start OpenCode again; if this stays, see what is said of the plugin above, or: octrace run -- opencode",
            );
        }
        return Finding::note(ABOUT, "no OpenCode has said yet what it decided about requests");
    };
    let who = format!("the newest OpenCode (pid {})", process.pid);
    let [patched, seen, traced] =
        ["install.patched", "fetch.seen", "fetch.traced"].map(|event| process.count(event));
    let works = processes.iter().any(|process| process.count("fetch.traced") > 0);
    if patched == 0 {
        return Finding::problem(
            ABOUT,
            format!("{who} loaded the plugin, but its fetch could not be replaced"),
        )
        .remedy("Is another plugin in the way? Try with octrace's alone.");
    }
    if seen == 0 {
        let says = format!("{who} called fetch not once");
        let remedy = "If it did ask a model, its requests pass by the fetch of its process: through a child process, native \
             code, or node:http. octrace cannot see those.";
        return may_be_meant(says, works).remedy(remedy);
    }
    if traced == 0 {
        return skipped(process, &who, works);
    }
    if let Some(place) = unwritten_to
        && process.to_files > 0
        && process.count("jsonl.write.success") == 0
    {
        return Finding::problem(
            ABOUT,
            format!(
                "{who} had {}, but nothing was written to its JSONL files",
                requests_of(traced)
            ),
        )
        .remedy(format!(
            "See jsonl.write.error in {}; octrace flush tries again and says why not.",
            place.display()
        ));
    }
    Finding::ok(ABOUT, format!("{who} called fetch {seen} times, {} recorded", requests_of(traced)))
}

/// An OpenCode that asks no model may have been asked nothing; where others did, it is that.
fn may_be_meant(says: String, works: bool) -> Finding {
    if works { Finding::note(ABOUT, says) } else { Finding::warning(ABOUT, says) }
}

fn skipped(process: &Process, who: &str, works: bool) -> Finding {
    let reasons: Vec<_> =
        process.counts.iter().filter(|count| count.event == "fetch.skipped").collect();
    let meaning = |count: &&Count| {
        let known = REASONS.iter().find(|(reason, ..)| *reason == count.reason);
        let meaning = known.map_or("were not a model's", |(_, meaning, _)| meaning);
        format!("{} {meaning} ({})", count.count, count.reason)
    };
    let meanings = reasons.iter().map(meaning).collect::<Vec<_>>().join("; ");
    let says = format!(
        "{who} called fetch, but nothing of it was taken for a model's request: {meanings}"
    );
    let remedy = reasons
        .iter()
        .find_map(|count| REASONS.iter().find(|(reason, ..)| *reason == count.reason)?.2);
    may_be_meant(says, works).remedy(remedy.unwrap_or(
        "If one of them was a model's, please report its URL's path and its headers' names.",
    ))
}

fn unwritten(behind: &[LiveFile]) -> Option<Finding> {
    let failed: Vec<_> = behind.iter().filter(|file| file.error.is_some()).collect();
    let first = failed.first()?;
    let says = format!(
        "{} cannot be written in {}: {}",
        counted(failed.len() as u64, "JSONL file"),
        first.folder.display(),
        first.error.as_deref().unwrap_or_default()
    );
    Some(Finding::problem("files", says).remedy(
        "Make the folder writable for you, then: octrace flush. The tape has all of it: octrace export jsonl",
    ))
}

fn requests_of(count: u64) -> String {
    counted(count, "model request")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn process(counts: &[(&str, &str, u64)], to_files: u64) -> Process {
        let count = |(event, reason, count): &(&str, &str, u64)| Count {
            event: (*event).to_owned(),
            reason: (*reason).to_owned(),
            count: *count,
        };
        Process {
            spool: "7-a".to_owned(),
            pid: 7,
            by_run: false,
            started_us: 0,
            ended: true,
            counts: counts.iter().map(count).collect(),
            requests: 0,
            responses: 0,
            errors: 0,
            to_files,
        }
    }

    fn told(processes: &[Process]) -> String {
        let Finding { verdict, says, remedy, .. } =
            newest(processes, Some(Path::new("/state/debug.jsonl")));
        format!("{}: {says}\n→ {}", verdict.as_str(), remedy.unwrap_or_default())
    }

    const LOADED: [(&str, &str, u64); 2] = [("install.start", "", 1), ("install.patched", "", 1)];

    fn loaded(more: &[(&str, &str, u64)], to_files: u64) -> String {
        told(&[process(&[&LOADED, more].concat(), to_files)])
    }

    #[test]
    fn without_install_start_the_plugin_was_not_loaded() {
        insta::assert_snapshot!(told(&[]), @"
        note: no OpenCode has loaded the plugin yet
        → Start OpenCode again; if this stays, see what is said of the plugin above, or: octrace run -- opencode
        ");
        insta::assert_snapshot!(told(&[process(&[], 0)]), @"
        note: no OpenCode has said yet what it decided about requests
        →
        ");
    }

    #[test]
    fn without_install_patched_fetch_is_not_ours() {
        insta::assert_snapshot!(told(&[process(&LOADED[..1], 0)]), @"
        PROBLEM: the newest OpenCode (pid 7) loaded the plugin, but its fetch could not be replaced
        → Is another plugin in the way? Try with octrace's alone.
        ");
    }

    #[test]
    fn without_fetch_seen_the_requests_go_another_way() {
        insta::assert_snapshot!(loaded(&[], 0), @"
        warning: the newest OpenCode (pid 7) called fetch not once
        → If it did ask a model, its requests pass by the fetch of its process: through a child process, native code, or node:http. octrace cannot see those.
        ");
        // Another one works: then it was asked nothing.
        let working = process(&[&LOADED[..], &[("fetch.traced", "", 1)]].concat(), 0);
        assert!(told(&[process(&LOADED, 0), working]).starts_with("note: "));
    }

    #[test]
    fn where_all_is_skipped_each_reason_is_explained() {
        let skipped = |reasons: &[&'static str]| {
            let rows = reasons.iter().map(|reason| ("fetch.skipped", *reason, 2));
            let rows: Vec<_> = rows.chain([("fetch.seen", "", 9)]).collect();
            loaded(&rows, 0)
        };
        insta::assert_snapshot!(skipped(&["method-not-post"]), @"
        warning: the newest OpenCode (pid 7) called fetch, but nothing of it was taken for a model's request: 2 are no POST requests (method-not-post)
        → If one of them was a model's, please report its URL's path and its headers' names.
        ");
        insta::assert_snapshot!(skipped(&["missing-provider-header"]), @"
        warning: the newest OpenCode (pid 7) called fetch, but nothing of it was taken for a model's request: 2 have no header of a provider, and capture.require_provider_header is true (missing-provider-header)
        → Set capture.require_provider_header to false.
        ");
        insta::assert_snapshot!(skipped(&["missing-provider-header-not-llm-endpoint"]), @"
        warning: the newest OpenCode (pid 7) called fetch, but nothing of it was taken for a model's request: 2 have no header of a provider, and their URLs are not a model's (missing-provider-header-not-llm-endpoint)
        → If one of them was a model's, please report its URL's path and its headers' names.
        ");
        insta::assert_snapshot!(skipped(&["not-llm-endpoint", "a-later-reason"]), @"
        warning: the newest OpenCode (pid 7) called fetch, but nothing of it was taken for a model's request: 2 go to URLs that are not a model's (/messages, /chat/completions, /responses and the like) (not-llm-endpoint); 2 were not a model's (a-later-reason)
        → If one of them was a model's, please report its URL's path and its headers' names.
        ");
    }

    #[test]
    fn what_was_traced_and_not_written_is_a_problem() {
        let traced = [("fetch.seen", "", 9), ("fetch.traced", "", 2)];
        insta::assert_snapshot!(loaded(&traced, 2), @"
        PROBLEM: the newest OpenCode (pid 7) had 2 model requests, but nothing was written to its JSONL files
        → See jsonl.write.error in /state/debug.jsonl; octrace flush tries again and says why not.
        ");
        insta::assert_snapshot!(loaded(&traced, 0), @"
        ok: the newest OpenCode (pid 7) called fetch 9 times, 2 model requests recorded
        →
        ");
        let written = [&traced[..], &[("jsonl.write.success", "", 4)]].concat();
        assert!(loaded(&written, 2).starts_with("ok: "));
    }

    fn live_file(folder: &Path) -> LiveFile {
        LiveFile {
            id: 1,
            folder: folder.to_owned(),
            session: "ses_1".to_owned(),
            name: None,
            seq: 0,
            size: 0,
            error: None,
        }
    }

    #[test]
    fn the_diagnostics_are_where_they_were_written_last() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths {
            user: dir.path().join("user"),
            home: dir.path().join("home"),
            cache: dir.path().join("cache"),
            state: dir.path().join("state"),
            opencode_config: dir.path().join("config"),
            opencode_data: PathBuf::new(),
            opencode_config_dir: None,
            spool_candidates: Vec::new(),
        };
        let traces = dir.path().join("traces");
        let [beside, spare] = [&traces, &paths.state].map(|folder| folder.join(DIAGNOSTICS));
        let place = || diagnostics(&paths, &[live_file(&traces)]);
        assert_eq!(place(), spare);
        fs::create_dir(&traces).unwrap();
        fs::write(&beside, "").unwrap();
        assert_eq!(place(), beside);
        fs::create_dir(&paths.state).unwrap();
        let later = fs::metadata(&beside).unwrap().modified().unwrap() + Duration::from_secs(1);
        fs::File::create(&spare).unwrap().set_modified(later).unwrap();
        assert_eq!(place(), spare);
    }

    #[test]
    fn a_file_that_cannot_be_written_names_its_folder() {
        let file = live_file(Path::new("/traces"));
        assert_eq!(unwritten(std::slice::from_ref(&file)), None, "only late");
        let failed = LiveFile { error: Some("Permission denied".to_owned()), ..file };
        let finding = unwritten(&[failed]).unwrap();
        insta::assert_snapshot!(format!("{}\n→ {}", finding.says, finding.remedy.unwrap()), @"
        1 JSONL file cannot be written in /traces: Permission denied
        → Make the folder writable for you, then: octrace flush. The tape has all of it: octrace export jsonl
        ");
    }
}
