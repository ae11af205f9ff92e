//! `octrace verify`: whether everything that was recorded is whole.

use clap::Args;
use octrace_store::{
    Tape,
    verify::{Broken, Verification},
};
use octrace_view::text;
use serde::Serialize;

use super::{
    Context,
    error::{Failure, Result},
    output::Progress,
};
use crate::record::{self, Inspection};

/// Check that everything recorded is whole: the tape, and what is on its way to it
///
/// Reads all of it and changes nothing. Says what is broken, what is still whole, and what to do. The exit code is 1
/// when something is broken.
#[derive(Args)]
pub(super) struct Verify {
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints; a promise.
#[derive(Serialize)]
struct Printed<'a> {
    /// Whether nothing is broken.
    ok: bool,
    /// `null` where there is no tape yet.
    tape: Option<&'a Verification>,
    spools: &'a [Inspection],
    /// What to do, in words.
    remedies: &'a [String],
}

impl Verify {
    pub(super) fn run(self, context: &mut Context) -> Result {
        let Context { paths, settings, out } = context;
        let path = paths.tape();
        let tape = match Tape::open_existing(&path)? {
            Some(tape) => {
                let mut progress = Progress::new();
                Some(tape.verify(&mut |stage| progress.show(stage.what, stage.done, stage.of))?)
            }
            None => None,
        };
        let spools = record::inspect(&paths.place(settings));
        let remedies = remedies(tape.as_ref(), &spools, &path.display().to_string());
        let ok = remedies.is_empty();
        if self.json {
            out.json(&Printed { ok, tape: tape.as_ref(), spools: &spools, remedies: &remedies })?;
        } else {
            match &tape {
                Some(tape) => out.print(&text::verification(tape, &out.style()))?,
                None => out.line("Nothing is recorded yet: there is no tape.")?,
            }
            for spool in &spools {
                out.line(&said_of(spool))?;
                for broken in &spool.broken {
                    out.line(&format!("broken  spool {}: {broken}", spool.name))?;
                }
            }
            for remedy in &remedies {
                out.line(&format!("→ {remedy}"))?;
            }
        }
        if ok { Ok(()) } else { Err(Failure::found()) }
    }
}

fn said_of(spool: &Inspection) -> String {
    let Inspection { name, live, frames, unfinished_bytes, .. } = spool;
    let tail = match (unfinished_bytes, live) {
        (0, _) => String::new(),
        (bytes, true) => format!(", and {bytes} bytes of one that is being written"),
        (bytes, false) => format!(", and {bytes} bytes of one that OpenCode did not finish"),
    };
    format!("spool {name}: {frames} frames that can be read{tail}")
}

/// What to do; nothing when nothing is broken.
fn remedies(tape: Option<&Verification>, spools: &[Inspection], path: &str) -> Vec<String> {
    let has = |broken| tape.is_some_and(|tape| tape.has(broken));
    let mut remedies = Vec::new();
    if has(Broken::Database) {
        remedies.push(format!(
            "Quit every OpenCode, then move {path} elsewhere, with {path}-wal if it is there: octrace begins a new \
             tape. What is whole in the old one can be read with OCTRACE_HOME set to its folder."
        ));
    }
    if has(Broken::Content) {
        remedies.push(
            "What was recorded and is broken cannot be made again; everything else can be used as before."
                .to_owned(),
        );
    }
    if has(Broken::Derived) {
        remedies.push("`octrace rebuild` makes what is derived again.".to_owned());
    }
    if spools.iter().any(|spool| !spool.broken.is_empty()) {
        remedies.push(
            "What is broken in a spool is passed over and counted; `octrace flush` takes the rest onto the tape."
                .to_owned(),
        );
    }
    remedies
}

#[cfg(test)]
mod tests {
    use octrace_store::verify::Finding;

    use super::*;

    #[test]
    fn what_to_do_follows_from_what_is_broken() {
        let finding = |broken| Finding { broken, what: "x".to_owned() };
        let findings = [Broken::Database, Broken::Content, Broken::Derived].map(finding).to_vec();
        let tape = Verification { findings, ..Verification::default() };
        let spool = Inspection { broken: vec!["x".to_owned()], ..Inspection::default() };
        insta::assert_snapshot!(remedies(Some(&tape), &[spool], "/t/tape.db").join("\n"), @"
        Quit every OpenCode, then move /t/tape.db elsewhere, with /t/tape.db-wal if it is there: octrace begins a new tape. What is whole in the old one can be read with OCTRACE_HOME set to its folder.
        What was recorded and is broken cannot be made again; everything else can be used as before.
        `octrace rebuild` makes what is derived again.
        What is broken in a spool is passed over and counted; `octrace flush` takes the rest onto the tape.
        ");
        assert_eq!(remedies(Some(&Verification::default()), &[Inspection::default()], ""), [""; 0]);
        assert_eq!(remedies(None, &[], ""), [""; 0]);
    }

    #[test]
    fn an_unfinished_frame_is_said() {
        let spool = Inspection { name: "1-a".to_owned(), frames: 3, ..Inspection::default() };
        let torn = Inspection { unfinished_bytes: 9, ..spool.clone() };
        let live = Inspection { live: true, ..torn.clone() };
        insta::assert_snapshot!([spool, torn, live].map(|spool| said_of(&spool)).join("\n"), @"
        spool 1-a: 3 frames that can be read
        spool 1-a: 3 frames that can be read, and 9 bytes of one that OpenCode did not finish
        spool 1-a: 3 frames that can be read, and 9 bytes of one that is being written
        ");
    }
}
