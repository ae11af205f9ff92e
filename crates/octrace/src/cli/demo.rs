//! `octrace demo`: a real OpenCode works for a scripted model on loopback, recorded; then it is shown.
//!
//! It happens in a throw-away home and has a tape of its own, so that nothing of the user's is touched and
//! no account and no key are needed.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use clap::Args;
use octrace_core::redact::Patterns;
use octrace_script::Server;
use octrace_store::Tape;
use octrace_view::text;

use super::{
    Context,
    error::{Failure, Result},
    output::Output,
};
use crate::{
    paths::Paths,
    record::{Delivery, Limits, Place, flush},
    setup::{launch, opencode, pinned, plugin, showcase},
};

/// How long the recorder may take for what it has not read yet.
const PATIENCE: Duration = Duration::from_secs(20);

/// See it work: records a real OpenCode session against a built-in scripted model, then shows it
///
/// Uses the opencode on PATH, or gets OpenCode from npm into a cache folder. Needs no account and no
/// key.
#[derive(Args)]
pub(super) struct Demo {}

impl Demo {
    pub(super) fn run(self, context: &mut Context) -> Result {
        let Context { paths, out, .. } = context;
        let (program, version) = find_opencode(paths, out)?;
        let server = Server::start(octrace_script::demo::script()).map_err(|error| {
            Failure::failed(format!("cannot open a port on loopback for the model: {error}"))
        })?;
        let home = paths.cache.join("demo");
        let stage = showcase::Showcase::new(&server.url(), &home)?;
        let plugin = plugin::lay_out(&home)?;
        let run = launch::run_id();
        let mut command = stage.command(&program);
        command.args(["run", "--model", showcase::MODEL, octrace_script::demo::PROMPT]);
        launch::record(&mut command, &plugin.entry, &run, None)?;
        out.note(&format!("OpenCode {version} works, and a scripted model answers it:"));
        let status = execute(&mut command)?;
        let place = Place {
            tape: home.join("tape.db"),
            named: home.clone(),
            roots: vec![stage.spool_root()],
            patterns: Patterns::default(),
            config: home.join("config.toml"),
            user: home.clone(),
            opencode_data: home.clone(),
            state: home.clone(),
            limits: Limits::default(),
            delivery: Delivery::default(),
        };
        let report = flush(&place, PATIENCE);

        let failed = |what: &str| {
            let spools = report.late.len() + report.failed.len();
            let hint = if spools > 0 {
                "The recorder did not finish."
            } else {
                "Is it another OpenCode than 1.18?"
            };
            Failure::failed(what).hint(hint)
        };
        if status != 0 {
            out.note(&format!("OpenCode ended with exit code {status}"));
        }
        let tape = Tape::open(&place.tape)?;
        let sessions = tape.run_summary(&run)?.sessions;
        let Some(id) = sessions.first() else { return Err(failed("nothing was recorded")) };
        let Some(session) = tape.session(id)? else { return Err(failed("nothing was recorded")) };
        out.print("\n")?;
        let style = out.style();
        let width = out.width();
        out.print(&text::show(&session, &style, width))?;
        out.print("\n")?;
        let ours = plugin::binary()?;
        let found = opencode::find("octrace".as_ref()).and_then(|path| path.canonicalize().ok());
        let on_path = found.is_some_and(|found| found == ours);
        let octrace = if on_path { "octrace".to_owned() } else { quoted(&ours) };
        let home = quoted(&home);
        out.line(&format!("This recording: OCTRACE_HOME={home} {octrace} view"))?;
        out.line(&format!("As text:        OCTRACE_HOME={home} {octrace} show {id}"))?;
        out.line(&format!("Record one OpenCode of yours: {octrace} run -- opencode"))?;
        if on_path {
            return out.line("Record every one from now on: octrace install");
        }
        out.line("Record every one from now on: install octrace where it stays, then the plugin:")?;
        out.line("  cargo install --locked --path crates/octrace && octrace install")
    }
}

/// As a word for a shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "/._-+@:".contains(char);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

/// OpenCode 1 on PATH, else the pinned one.
fn find_opencode(paths: &Paths, out: &Output) -> Result<(PathBuf, String)> {
    if let Some(program) = opencode::find("opencode".as_ref()) {
        match opencode::version(&program, &paths.cache) {
            Some(version) if version.is_supported() => return Ok((program, version.to_string())),
            Some(version) => out.note(&format!(
                "the opencode on PATH is OpenCode {version}, which octrace does not support yet"
            )),
            None => out.note("the opencode on PATH does not tell its version"),
        }
    }
    let program = pinned::program(&paths.cache);
    if !program.is_file() {
        let (version, size) = (pinned::VERSION, pinned::SIZE);
        let folder = pinned::folder(&paths.cache);
        let folder = folder.display();
        out.note(&format!("getting OpenCode {version} from npm, once: {size}, into {folder} …"));
        pinned::install(&paths.cache).map_err(|error| {
            Failure::from(error)
                .hint("Install OpenCode (https://opencode.ai), or Node with npm, and try again.")
        })?;
    }
    Ok((program, pinned::VERSION.to_owned()))
}

fn execute(command: &mut Command) -> Result<u8> {
    let status = launch::execute(command)
        .map_err(|error| Failure::failed(format!("cannot start OpenCode: {error}")))?;
    Ok(launch::exit_code(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word() {
        let words = ["/a/octrace", "/it's here/octrace"].map(|path| quoted(Path::new(path)));
        assert_eq!(words, ["/a/octrace", r"'/it'\''s here/octrace'"]);
    }
}
