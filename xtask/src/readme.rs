//! Every command in README.md's `sh` blocks is tried as it is written there: a
//! README that lies is the first thing a newcomer meets. The commands run in
//! their order in one fresh home, as a reader would type them.

use anyhow::{Context, bail};

use crate::checkout::{Checkout, Home};
use crate::log::Log;
use crate::node;
use crate::summary::Report;

/// How a command of the README is tried.
enum Tried {
    /// It is run here. `cargo run --release --` stands for the development
    /// build, unless `--all` asks for the words as they are.
    Here,
    /// It is run here, with `--all` only.
    HereWithAll,
    /// It is this very run, or what every reader has done before.
    ByNature,
    /// It needs a person's own OpenCode: a test of this name does the same in a throw-away home.
    InTest(&'static str),
}

/// All commands that README.md may name. A command that is not here fails the step.
const COMMANDS: &[(&str, Tried)] = &[
    ("cargo run --release -- demo", Tried::Here),
    ("cargo xtask test", Tried::ByNature),
    ("octrace install", Tried::Here),
    ("octrace uninstall", Tried::Here),
    ("octrace sessions", Tried::Here),
    ("octrace show", Tried::Here),
    ("octrace sessions --filter 'kind:error age<1d'", Tried::Here),
    ("octrace search 'role:tool-result \"not found\"'", Tried::Here),
    ("octrace view", Tried::InTest("a_live_recording_is_looked_at_copied_and_saved")),
    ("octrace doctor", Tried::Here),
    ("octrace blame src/client.rs", Tried::InTest("work_that_is_not_committed_is_known")),
    ("octrace blame src/client.rs:12", Tried::InTest("one_line_shows_all_that_leads_to_it")),
    ("octrace export agent-trace SESSION", Tried::InTest("every_line_is_whose_it_is")),
    (
        "NEATLOGS_API_KEY=KEY octrace run -- opencode",
        Tried::InTest("a_session_arrives_whole_and_nothing_that_the_other_plugin_gets_wrong"),
    ),
    (
        "HELICONE_API_KEY=KEY octrace run -- opencode",
        Tried::InTest("each_call_and_each_tool_is_a_log_that_helicone_takes"),
    ),
    (
        "OCTRACE_OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:6006 octrace run -- opencode",
        Tried::InTest("a_backend_of_the_environment_gets_what_export_writes"),
    ),
    (
        "octrace export otlp SESSION -o session.otlp",
        Tried::InTest("a_backend_of_the_environment_gets_what_export_writes"),
    ),
    ("octrace migrate --print", Tried::Here),
    ("octrace queue", Tried::Here),
    (
        "OPENCODE_API_TRACER_DIR=/tmp/traces octrace run -- opencode",
        Tried::InTest("live_files_are_what_is_exported_later"),
    ),
    (
        "octrace export jsonl SESSION -o .",
        Tried::InTest("files_can_be_had_at_any_time_and_diagnostics_switched_off"),
    ),
    ("octrace run -- opencode", Tried::InTest("the_terminal_interface_is_recorded")),
    ("cargo install --locked --path crates/octrace", Tried::HereWithAll),
];

pub(crate) fn check(checkout: &Checkout, log: &mut Log) -> anyhow::Result<Report> {
    let readme = std::fs::read_to_string(checkout.root.join("README.md"))
        .context("cannot read README.md")?;
    let commands = shell_commands(&readme);
    if commands.is_empty() {
        bail!("README.md shows no command: it has no ```sh block");
    }
    // The same packages with the same features as for the tests, so that nothing is built twice.
    let mut build = checkout.cargo(&["build", "--workspace", "--bins", "--tests"]);
    log.run(&mut build)?;
    let home = checkout.empty_home("readme")?;
    let mut problems = Vec::new();
    let mut later = 0;
    for command in &commands {
        match COMMANDS.iter().find(|(known, _)| known == command).map(|(_, tried)| tried) {
            None => problems.push(format!("nobody tries `{command}`; give it a row in readme.rs")),
            Some(Tried::HereWithAll) if !checkout.all => later += 1,
            Some(Tried::Here | Tried::HereWithAll) => {
                if !log.succeeds(&mut shell(checkout, &home, command)?)? {
                    problems.push(format!("`{command}` failed"));
                }
            }
            Some(Tried::ByNature) => {}
            Some(Tried::InTest(name)) => {
                if !has_test(checkout, log, name)? {
                    problems.push(format!(
                        "`{command}` is said to be tried by the test {name}, which is nowhere"
                    ));
                }
            }
        }
    }
    for problem in &problems {
        log.line(problem)?;
    }
    let mut note = format!("{} commands", commands.len());
    if later > 0 {
        note.push_str(&format!(", {later} left to --all"));
    }
    Ok(Report::of_problems(&problems, note))
}

/// The commands in a document's `sh` blocks, one per line, with continued lines joined.
fn shell_commands(markdown: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut lines = markdown.lines();
    while lines.by_ref().any(|line| line.trim() == "```sh") {
        let mut whole = String::new();
        for line in lines.by_ref().take_while(|line| line.trim() != "```") {
            let code = line.split(" #").next().unwrap_or(line).trim();
            if code.starts_with('#') {
                continue;
            }
            match code.strip_suffix('\\') {
                Some(start) => {
                    whole.push_str(start.trim_end());
                    whole.push(' ');
                }
                None if whole.is_empty() && code.is_empty() => {}
                None => {
                    whole.push_str(code);
                    commands.push(std::mem::take(&mut whole));
                }
            }
        }
    }
    commands
}

/// A command in the throw-away home, with `octrace` and the pinned `opencode` on the PATH.
fn shell(checkout: &Checkout, home: &Home, line: &str) -> anyhow::Result<std::process::Command> {
    const RELEASE: &str = "cargo run --release -- ";
    let line = match line.strip_prefix(RELEASE) {
        Some(arguments) if !checkout.all => format!("octrace {arguments}"),
        _ => line.to_owned(),
    };
    let mut places = vec![checkout.target.join("debug"), node::opencode_on_path(checkout)];
    let path = std::env::var_os("PATH").unwrap_or_default();
    places.extend(std::env::split_paths(&path));
    let mut command = checkout.command("sh");
    Checkout::isolate(&mut command, home);
    command
        .args(["-c", &line])
        .env("PATH", std::env::join_paths(places)?)
        .env("CARGO_INSTALL_ROOT", home.path.join("installed"));
    Ok(command)
}

fn has_test(checkout: &Checkout, log: &mut Log, name: &str) -> anyhow::Result<bool> {
    let signature = format!("fn {name}(");
    let mut search = checkout.command("git");
    search.args(["grep", "--fixed-strings", "--quiet", &signature, "--", "crates"]);
    log.succeeds(&mut search)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_taken_from_sh_blocks_only() {
        let markdown = "\
Try `octrace`:

```sh
# a comment
cargo run --release -- demo   # once

octrace run -- \\
  opencode
```

```text
octrace show
```

```sh
cargo xtask test
```
";
        assert_eq!(
            shell_commands(markdown),
            ["cargo run --release -- demo", "octrace run -- opencode", "cargo xtask test"]
        );
    }
}
