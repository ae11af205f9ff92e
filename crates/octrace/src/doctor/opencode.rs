//! OpenCode: the program, the plugin in its folders, the packages that it may wait for.

use std::path::Path;

use super::Finding;
use crate::{
    paths::Paths,
    setup::{
        folders, opencode,
        packages::{self, State},
        plugin,
        shim::{self, Found},
    },
};

const PLUGIN: &str = "plugin";

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
        None => Finding::problem(ABOUT, format!("{place} does not tell its version"))
            .remedy("Try `opencode --version`."),
    }
}

/// The plugin in the user's folder, and in this project's if it is there.
pub(super) fn plugins(paths: &Paths) -> Vec<Finding> {
    let user = shim::path_in(&paths.opencode_config);
    let mut findings = vec![plugin_at(&user, paths)];
    let directory = folders::working_directory();
    let root = folders::work_tree(&directory).unwrap_or(&directory);
    let project = shim::path_in(&root.join(".opencode"));
    if project != user && shim::look(&project).is_ok_and(|found| found != Found::Nothing) {
        findings.push(plugin_at(&project, paths));
    }
    findings
}

fn plugin_at(shim: &Path, paths: &Paths) -> Finding {
    let place = shim.display();
    let again = "octrace install (with --project for a project's)";
    match shim::look(shim) {
        Ok(Found::Nothing) => Finding::note(PLUGIN, "not installed; only octrace run records")
            .remedy("To record every OpenCode: octrace install"),
        Ok(Found::Foreign) => {
            Finding::problem(PLUGIN, format!("{place} was not written by octrace"))
                .remedy(format!("Move it away, then: {again}"))
        }
        Err(error) => Finding::problem(PLUGIN, format!("{error:#}")).remedy("Make it readable."),
        Ok(Found::Ours(target)) => {
            let recorder = target.as_deref().and_then(plugin::recorder_of);
            match recorder {
                None => Finding::problem(PLUGIN, format!("{place} loads files that are not there"))
                    .remedy(again),
                Some(binary) if !binary.is_file() => Finding::problem(
                    PLUGIN,
                    format!("{place} starts {}, which is not there", binary.display()),
                )
                .remedy(again),
                Some(binary) if target != plugin::entry(&paths.home).ok() => Finding::warning(
                    PLUGIN,
                    format!("{place} is that of another octrace, {}", binary.display()),
                )
                .remedy(again),
                Some(_) => Finding::ok(PLUGIN, format!("installed, {place}")),
            }
        }
    }
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
