//! OpenCode: the program, the plugin in its folders, the packages that it may wait for.

use std::{collections::HashSet, path::Path};

use octrace_store::{Tape, diagnostics::Process};

use super::Finding;
use crate::{
    config::{self, HOME_VARIABLE, Origin, Settings},
    paths::Paths,
    setup::{
        folders, opencode,
        packages::{self, State},
        plugin,
        shim::{self, Found},
    },
};

const PLUGIN: &str = "plugin";

/// How many OpenCodes are looked at, the newest first.
const PROCESSES: u32 = 20;

/// The program on PATH and its version.
pub(super) fn program(paths: &Paths) -> Finding {
    const ABOUT: &str = "opencode";
    let Some(program) = opencode::find("opencode".as_ref()) else {
        return Finding::warning(ABOUT, "there is none on PATH")
            .remedy("Install OpenCode (https://opencode.ai), or add its folder to PATH.");
    };
    let place = program.display();
    match opencode::version(&program, &paths.cache) {
        Some(version) if version.is_tested() => Finding::ok(ABOUT, format!("{version} at {place}")),
        Some(version) if version.is_supported() => {
            Finding::warning(ABOUT, format!("{version} at {place}; octrace is made for 1.18"))
                .remedy("Compare what `octrace show` has with what you did.")
        }
        Some(version) => Finding::problem(
            ABOUT,
            format!("{version} at {place}; octrace does not support OpenCode 2 yet"),
        )
        .remedy("Use OpenCode 1.18 for what is to be recorded."),
        None => {
            Finding::warning(ABOUT, format!("{place} does not tell its version in an empty home"))
                .remedy("Compare what `opencode --version` says: octrace is made for 1.18.")
        }
    }
}

/// The plugin in the user's folder, and in this project's if it is there.
pub(super) fn plugins(paths: &Paths, settings: &Settings) -> Vec<Finding> {
    let user = shim::path_in(&paths.opencode_config);
    let mut findings = vec![plugin_at(&user, &paths.home, settings.home.origin)];
    let directory = folders::working_directory();
    let root = folders::work_tree(&directory).unwrap_or(&directory);
    let project = shim::path_in(&root.join(".opencode"));
    if project != user && shim::look(&project).is_ok_and(|found| found != Found::Nothing) {
        findings.push(plugin_at(&project, &paths.home, settings.home.origin));
    } else if matches!(shim::look(&user), Ok(Found::Nothing))
        && let Some(process) = processes(paths).iter().find(|process| !process.by_run)
    {
        let says = format!(
            "not installed, but an OpenCode (pid {}) was recorded without octrace run: by an entry in its \
             configuration, unless it was before an uninstall",
            process.pid
        );
        findings =
            vec![Finding::note(PLUGIN, says).remedy("To record every OpenCode: octrace install")];
    }
    findings
}

/// The newest ones; none where the tape cannot be read, which is said elsewhere.
fn processes(paths: &Paths) -> Vec<Process> {
    let tape = Tape::open_existing(&paths.tape()).ok().flatten();
    tape.and_then(|tape| tape.processes(PROCESSES).ok()).unwrap_or_default()
}

/// Options beside the plugin's name that have no effect, as the newest OpenCode of each directory had them.
pub(super) fn options(paths: &Paths) -> Vec<Finding> {
    let Ok(Some(tape)) = Tape::open_existing(&paths.tape()) else { return Vec::new() };
    let mut seen = HashSet::new();
    let mut findings = Vec::new();
    for process in tape.processes(PROCESSES).unwrap_or_default() {
        for (directory, options) in tape.instances_of(&process).unwrap_or_default() {
            if !seen.insert(directory.clone()) {
                continue;
            }
            let options = serde_json::from_str(&options).unwrap_or_default();
            let problems = config::problems_of(&options);
            findings.extend(problems.iter().map(|problem| {
                Finding::warning("settings", format!("OpenCode in {directory}: {problem}")).remedy(
                    "Correct it in OpenCode's configuration, or take it out, and start OpenCode there again.",
                )
            }));
        }
    }
    findings
}

/// `home` is ours, and where it came from.
fn plugin_at(shim: &Path, home: &Path, origin: Origin) -> Finding {
    let place = shim.display();
    let again = "octrace install (with --project for a project's)";
    let entry = match shim::look(shim) {
        Ok(Found::Nothing) => {
            return Finding::note(PLUGIN, "not installed; only octrace run records")
                .remedy("To record every OpenCode: octrace install");
        }
        Ok(Found::Foreign) => {
            return Finding::problem(PLUGIN, format!("{place} was not written by octrace"))
                .remedy(format!("Move it away, then: {again}"));
        }
        Err(error) => {
            return Finding::problem(PLUGIN, format!("{error:#}")).remedy("Make it readable.");
        }
        Ok(Found::Ours(entry)) => entry,
    };
    let Some((entry, told)) = entry.and_then(|entry| Some((entry.clone(), plugin::told(&entry)?)))
    else {
        let says = format!("{place} loads files that are not there, or not whole");
        return Finding::problem(PLUGIN, says).remedy(again);
    };
    let binary = told.binary.display();
    if !told.binary.is_file() {
        let says = format!("{place} starts {binary}, which is not there");
        return Finding::problem(PLUGIN, says).remedy(again);
    }
    if plugin::binary().is_ok_and(|ours| ours != told.binary) {
        let says = format!("{place} is that of another octrace, {binary}");
        return Finding::warning(PLUGIN, says).remedy(again);
    }
    if told.home != home {
        let (theirs, ours) = (told.home.display(), home.display());
        // Who starts OpenCode with the same variable records to the same tape.
        if origin == Origin::Environment {
            let says = format!("{place}; without {HOME_VARIABLE} it records into {theirs}");
            return Finding::note(PLUGIN, says)
                .remedy(format!("To record into {ours} always: {again}"));
        }
        let says = format!("{place} records into {theirs}, but octrace looks into {ours}");
        return Finding::warning(PLUGIN, says).remedy(format!(
            "To record into {ours}: {again}. To look there: {HOME_VARIABLE}={theirs}"
        ));
    }
    if !plugin::is_current(&entry, home) {
        let says = format!("{place} loads files of another version of octrace, or not whole");
        return Finding::warning(PLUGIN, says).remedy(again);
    }
    Finding::ok(PLUGIN, format!("installed, {place}"))
}

/// What an OpenCode started here would wait for, once a plugin is installed.
pub(super) fn packages(paths: &Paths) -> Vec<Finding> {
    const ABOUT: &str = "packages";
    let directory = folders::working_directory();
    let folders = folders::config_folders(paths, &directory);
    if !folders
        .iter()
        .any(|folder| matches!(shim::look(&shim::path_in(folder)), Ok(Found::Ours(_))))
    {
        return Vec::new();
    }
    let finding = |folder: &Path| {
        let place = folder.display();
        match packages::look(folder) {
            State::Ready => None,
            State::Waits(_) => Some(
                Finding::warning(
                    ABOUT,
                    format!("without network, OpenCode waits 70 s at its start because of {place}"),
                )
                .remedy("Here, run: octrace install"),
            ),
            State::Needed(reason) => Some(Finding::note(
                ABOUT,
                format!(
                    "OpenCode installs packages into {place} at its start and waits for them: {}",
                    reason.as_str()
                ),
            )),
        }
    };
    let findings: Vec<_> = folders.iter().filter_map(|folder| finding(folder)).collect();
    if findings.is_empty() {
        return vec![Finding::ok(ABOUT, "OpenCode waits for none at its start")];
    }
    findings
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_plugin_is_told_by_what_it_starts_and_where_it_records() {
        let dir = tempfile::tempdir().unwrap();
        let (home, elsewhere) = (dir.path().join("home"), dir.path().join("elsewhere"));
        let shim = shim::path_in(&dir.path().join("config"));
        let look = |origin| {
            let finding = plugin_at(&shim, &home, origin);
            let says = finding.says.replace(&dir.path().display().to_string(), "");
            (finding.verdict, says)
        };
        assert_eq!(look(Origin::Default).0, Verdict::Note, "not installed");

        let entry = plugin::lay_out(&home).unwrap().entry;
        shim::write(&shim, &entry).unwrap();
        assert_eq!(look(Origin::Default).0, Verdict::Ok);
        fs::write(entry.with_file_name("tap.ts"), "half").unwrap();
        assert_eq!(look(Origin::Default).0, Verdict::Warning);
        fs::remove_file(&entry).unwrap();
        assert_eq!(look(Origin::Default).0, Verdict::Problem);

        // This very binary, installed for another home: no other octrace.
        shim::write(&shim, &plugin::lay_out(&elsewhere).unwrap().entry).unwrap();
        let place = "/config/plugins/octrace.ts";
        let says = format!("{place} records into /elsewhere, but octrace looks into /home");
        assert_eq!(look(Origin::Default), (Verdict::Warning, says));
        let says = format!("{place}; without OCTRACE_HOME it records into /elsewhere");
        assert_eq!(look(Origin::Environment), (Verdict::Note, says));

        let entry = dir.path().join("other/index.ts");
        crate::paths::create_folder(&dir.path().join("other")).unwrap();
        fs::write(&entry, "").unwrap();
        let told = serde_json::json!({ "binary": "/bin/sh", "home": home });
        fs::write(entry.with_file_name("recorder.json"), told.to_string()).unwrap();
        shim::write(&shim, &entry).unwrap();
        let says = format!("{place} is that of another octrace, /bin/sh");
        assert_eq!(look(Origin::Default), (Verdict::Warning, says));
    }
}
