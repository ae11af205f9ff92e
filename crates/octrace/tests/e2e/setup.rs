//! Installing, uninstalling and running: nothing of the user's changes, and everything is recorded once.

use std::{fs, path::Path};

use anyhow::{Context, ensure};
use octrace_testkit::{
    Home, Serve, Tui, keys,
    script::{Script, Server, Step},
};
use serde_json::{Value, json};

use crate::stage::{Stage, collect, ensure_hidden, main_calls};

/// All files under `folder` but those of `except`, with their bytes.
fn files(folder: &Path, except: &[&str]) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    collect(folder, &mut found)?;
    let mut named: Vec<_> = found
        .into_iter()
        .map(|(path, bytes)| {
            (path.strip_prefix(folder).unwrap_or(&path).display().to_string(), bytes)
        })
        .filter(|(path, _)| !except.iter().any(|except| path.contains(except)))
        .collect();
    named.sort();
    Ok(named)
}

#[test]
fn installing_twice_is_once_and_uninstalling_leaves_what_was() -> anyhow::Result<()> {
    let stage = Stage::new(Script::new())?;
    let config = stage.home.config();
    let before = files(&config, &[])?;
    ensure!(
        String::from_utf8_lossy(
            &before.iter().find(|(path, _)| path == "opencode.jsonc").unwrap().1
        )
        .contains("//"),
        "a commented file"
    );
    let first = stage.octrace(["install"]).output()?.success()?;
    ensure!(first.stdout.contains("octrace.ts"), "it says what it wrote: {}", first.stdout);
    let installed = files(&config, &[])?;
    let added: Vec<_> = installed.iter().filter(|file| !before.contains(file)).collect();
    ensure!(added.len() == 1 && added[0].0 == "plugins/octrace.ts", "one file: {added:?}");
    stage.octrace(["install"]).output()?.success()?;
    assert_eq!(files(&config, &[])?, installed, "twice is once");
    stage.octrace(["uninstall"]).output()?.success()?;
    assert_eq!(files(&config, &[])?, before);
    stage.octrace(["uninstall"]).output()?.success()?;
    assert_eq!(files(&config, &[])?, before);
    Ok(())
}

#[test]
fn install_says_what_it_wrote_what_git_shows_of_it_and_what_it_repaired() -> anyhow::Result<()> {
    let server = Server::start(Script::new())?;
    let stage = Stage { home: Home::unprepared(&server.url())?, server };
    let first = stage.octrace(["install", "--project"]).output()?.success()?.stdout;
    let made = [
        (stage.home.config(), "node_modules"),
        (stage.home.config(), "package-lock.json"),
        (stage.home.project(), ".opencode/node_modules"),
        (stage.home.project(), ".opencode/package-lock.json"),
        (stage.home.project(), ".opencode/plugins/octrace.ts"),
        (stage.home.data(), "octrace/plugin/"),
        (stage.home.state(), "octrace/prepared.json"),
    ];
    for (folder, name) in made {
        ensure!(first.contains(&folder.join(name).display().to_string()), "{name}: {first}");
    }
    let status = stage.home.command("git").args(["status", "--porcelain", "-uall"]);
    let status = status.output()?.success()?.stdout;
    ensure!(status.contains("?? .opencode/"), "{status}");
    for name in status.lines().filter_map(|line| line.strip_prefix("?? ")) {
        ensure!(first.contains(&format!("  /{name}\n")), "{name}: {first}");
    }
    // Where there is no git, it is not spoken of.
    let bare = stage.home.path().join("bare");
    fs::create_dir(&bare)?;
    let told = stage.octrace(["install", "--project"]).dir(bare).output()?.success()?.stdout;
    ensure!(!told.contains("git"), "{told}");

    let again = |what: &str| -> anyhow::Result<()> {
        let told = stage.octrace(["install", "--project"]).output()?.success()?.stdout;
        ensure!(told.contains(what), "{told}");
        Ok(())
    };
    again("is recorded already\n")?;
    let mut laid_out = Vec::new();
    collect(&stage.home.data().join("octrace/plugin"), &mut laid_out)?;
    fs::remove_file(&laid_out.first().context("a file of the plugin")?.0)?;
    again("repaired:\n")?;
    again("is recorded already\n")
}

#[test]
fn what_a_plugin_needs_is_there_until_the_last_one_is_gone() -> anyhow::Result<()> {
    let server = Server::start(Script::new())?;
    let stage = Stage { home: Home::unprepared(&server.url())?, server };
    let here = || -> anyhow::Result<_> {
        let all =
            [stage.home.config(), stage.home.project()].map(|folder| files(&folder, &[".git/"]));
        all.into_iter().collect::<anyhow::Result<Vec<_>>>()
    };
    let before = here()?;
    let lock = stage.home.config().join("package-lock.json");
    // Where the recordings of one of them go says nothing about what it needs.
    let elsewhere = stage.home.path().join("elsewhere");
    let install = stage.octrace(["install", "--project"]).env("OCTRACE_HOME", elsewhere);
    install.output()?.success()?;
    stage.octrace(["install"]).output()?.success()?;
    let uninstalled = stage.octrace(["uninstall"]).output()?.success()?;
    ensure!(lock.exists(), "the project's plugin needs it");
    let project = stage.home.project();
    ensure!(uninstalled.stdout.contains(&project.display().to_string()), "{uninstalled:?}");
    stage.octrace(["uninstall", "--project"]).output()?.success()?;
    ensure!(here()? == before, "all is as it was");
    ensure!(!stage.home.config().join("node_modules").exists());
    Ok(())
}

#[test]
fn an_installed_plugin_records_where_install_said() -> anyhow::Result<()> {
    let script = || Script::new().on("hi", [Step::text("Hello.")]);
    // By the environment of `install`, which later OpenCodes do not have; and by the user's settings.
    for by_environment in [true, false] {
        let stage = Stage::new(script())?;
        let home = stage.home.path().join("elsewhere");
        let install = if by_environment {
            stage.octrace(["install"]).env("OCTRACE_HOME", &home)
        } else {
            let settings = stage.home.path().join(".config/octrace");
            fs::create_dir_all(&settings)?;
            fs::write(
                settings.join("config.toml"),
                format!("home = {:?}\n", home.display().to_string()),
            )?;
            stage.octrace(["install"])
        };
        let told = install.output()?.success()?.stdout;
        ensure!(told.contains(&format!("{}/tape.db", home.display())), "{told}");
        stage.home.opencode_run("mock/scripted", "SCRIPT:hi").output()?.success()?;
        let look = |arguments: [&str; 2]| {
            stage.octrace(arguments).env("OCTRACE_HOME", &home).output()?.success()
        };
        look(["flush", "--timeout=20"])?;
        let sessions: Value = serde_json::from_str(&look(["sessions", "--json"])?.stdout)?;
        assert_eq!(sessions.as_array().map(Vec::len), Some(1), "{sessions:#}");
        ensure!(!stage.home.data().join("octrace/tape.db").exists(), "and nowhere else");
    }
    Ok(())
}

#[test]
fn installed_everywhere_and_run_at_once_everything_is_recorded_once() -> anyhow::Result<()> {
    let stage = Stage::new(Script::new().on("hi", [Step::text("Hello.")]))?;
    let other = stage.home.add_project("other")?;
    stage.octrace(["install"]).output()?.success()?;
    stage.octrace(["install", "--project"]).output()?.success()?;
    // OpenCode writes its `.gitignore` there, octrace or not.
    let before = files(&stage.home.config(), &[".gitignore"])?;
    let serve = Serve::of(stage.serve())?;
    let mut sessions = Vec::new();
    for dir in [stage.home.project(), other] {
        let session = serve.session(&dir)?;
        serve.prompt(&dir, &session, "mock/scripted", "SCRIPT:hi")?;
        sessions.push(session);
    }
    stage.flush()?;
    assert_eq!(stage.spools().len(), 1, "one recording for the one process");
    for id in &sessions {
        let session = stage.show(id)?;
        let main = main_calls(&session);
        ensure!(
            main.len() == 1 && main[0]["attempts"].as_array().map(Vec::len) == Some(1),
            "{session:#}"
        );
    }
    let rows = stage.json(["sessions"])?;
    assert_eq!(rows.as_array().map(Vec::len), Some(2));
    let asked = stage.server.requests().len();
    let recorded: u64 = rows
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|row| row["totals"]["requests"].as_u64())
        .sum();
    assert_eq!(recorded as usize, asked, "titles too");
    drop(serve);
    assert_eq!(
        files(&stage.home.config(), &[".gitignore"])?,
        before,
        "`run` left the configuration alone"
    );
    Ok(())
}

#[test]
fn run_gives_the_exit_code_of_what_it_ran() -> anyhow::Result<()> {
    let stage = Stage::new(Script::new())?;
    for (command, code) in [("exit 0", 0), ("exit 7", 7), ("kill -TERM $$", 143)] {
        let output = stage.octrace(["run", "--", "sh", "-c", command]).output()?;
        assert_eq!(output.code, code, "{command}: {output:?}");
    }
    let missing = stage.octrace(["run", "--", "no-such-program"]).output()?;
    assert_eq!(missing.code, 1, "{missing:?}");
    ensure!(missing.stderr.contains("no-such-program"), "{}", missing.stderr);
    assert_eq!(stage.octrace(["run"]).output()?.code, 2);
    Ok(())
}

#[test]
fn a_run_that_asked_no_model_does_not_read_like_a_failure() -> anyhow::Result<()> {
    let stage = Stage::new(Script::new())?;
    let output = stage.octrace(["run", "--", "opencode", "--version"]).output()?.success()?;
    ensure!(output.stderr.ends_with("octrace: there was nothing to record\n"), "{output:?}");

    let mut tui = Tui::start(stage.octrace(["run", "--", "opencode"]), 100, 30)?;
    tui.wait_for("Ask anything")?;
    tui.send("/exit")?;
    tui.wait_for("Exit the app")?;
    tui.send(keys::ENTER)?;
    tui.wait_for("octrace: no model was asked, so there is nothing to show")?;
    assert_eq!(tui.wait()?, 0);

    // No plugin, though there should have been one.
    let command = ["run", "--", "opencode", "--pure", "run", "--model", "mock/scripted", "hi"];
    let output = stage.octrace(command).output()?.success()?;
    ensure!(output.stderr.contains("nothing was recorded · octrace doctor"), "{output:?}");
    Ok(())
}

#[test]
fn a_run_that_cannot_add_its_plugin_is_left_to_the_installed_one() -> anyhow::Result<()> {
    let stage = Stage::new(Script::new().on("hi", [Step::text("Hello.")]))?;
    stage.octrace(["install"]).output()?.success()?;
    let settings = stage.home.path().join(".config/octrace");
    fs::create_dir_all(&settings)?;
    fs::write(settings.join("a-file"), "")?;
    let home = settings.join("a-file").display().to_string();
    fs::write(settings.join("config.toml"), format!("home = {home:?}\n"))?;
    let output = stage.run("mock/scripted", "SCRIPT:hi").output()?.success()?;
    let says = "octrace: recording is left to the plugin that is installed: ";
    ensure!(output.stderr.contains(says), "{output:?}");
    ensure!(output.stderr.contains("octrace: recorded 1 session"), "{output:?}");

    stage.octrace(["uninstall"]).output()?.success()?;
    let output = stage.run("mock/scripted", "SCRIPT:hi").output()?.success()?;
    ensure!(output.stdout.contains("Hello."), "{output:?}");
    ensure!(output.stderr.contains("octrace: not recorded: cannot write"), "{output:?}");
    Ok(())
}

#[test]
fn options_in_opencodes_configuration_count_and_bad_ones_are_named() -> anyhow::Result<()> {
    let stage = Stage::new(Script::new().on("hi", [Step::text("Hello.")]))?;
    let told = stage.octrace(["install"]).output()?.success()?.stdout;
    let beside = stage.home.data().join("octrace/plugin/octrace.ts");
    ensure!(told.contains(&format!("wrote {}\n", beside.display())), "{told}");
    let configure = |options: Value| {
        let config = json!({"plugin": [[beside, options]]});
        fs::write(stage.home.project().join("opencode.json"), config.to_string())
    };
    let warnings = || -> anyhow::Result<Vec<String>> {
        let found: Value =
            serde_json::from_str(&stage.octrace(["doctor", "--json"]).output()?.stdout)?;
        let findings = found["findings"].as_array().context("findings")?.iter();
        let about = findings.filter(|finding| finding["about"] == "settings");
        Ok(about.map(|finding| finding["says"].to_string()).collect())
    };
    // Beside the installed plugin, and by itself.
    configure(json!({"dir": "traces", "colour": "not-to-be-told"}))?;
    for installed in [true, false] {
        if !installed {
            fs::remove_file(stage.home.config().join("plugins/octrace.ts"))?;
            configure(json!({"dir": "more traces"}))?;
        }
        stage.home.opencode_run("mock/scripted", "SCRIPT:hi").output()?.success()?;
        stage.flush()?;
        let folder = stage.home.project().join(if installed { "traces" } else { "more traces" });
        let names: Vec<_> = fs::read_dir(&folder)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<anyhow::Result<_>>()?;
        ensure!(names.iter().any(|name| name.ends_with("SCRIPThi.jsonl")), "{names:?}");
        assert_eq!(stage.sessions()?.len(), if installed { 1 } else { 2 }, "each once");
        let warnings = warnings()?;
        if installed {
            ensure!(warnings.len() == 1, "{warnings:?}");
            let project = stage.home.project().canonicalize()?.display().to_string();
            ensure!(
                warnings[0].contains(&project) && warnings[0].contains("`colour`"),
                "{warnings:?}"
            );
            ensure!(!warnings[0].contains("not-to-be-told"), "{warnings:?}");
        } else {
            ensure!(warnings.is_empty(), "corrected: {warnings:?}");
        }
    }
    let doctor = stage.octrace(["doctor"]).output()?.stdout;
    ensure!(doctor.contains("recorded without octrace run"), "{doctor}");
    ensure!(!doctor.contains("only octrace run records"), "{doctor}");
    ensure_hidden(&stage.kept()?, &["not-to-be-told"])
}
