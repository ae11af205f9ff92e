//! `octrace intercept`: what `/intercept` does inside OpenCode, from outside.

use std::{collections::BTreeSet, path::Path, time::Duration};

use clap::{Args, ValueEnum};
use octrace_store::Tape;
use serde::Serialize;

use super::{
    Context,
    error::{Failure, Result},
    show,
};
use crate::record::{self, Answer, FoundSpool, SpoolState};

/// How long a recorder has to answer. It is busy for so long only where the disk or the machine is.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the live OpenCodes are.
const LIST: &str = "octrace intercept lists those that do run.";

/// Keep model requests as files: on, off, or how it stands
///
/// What `/intercept` does inside OpenCode. While it is on, each model request leaves three files in the session's
/// folder under `opencode-interceptor` in the folder for temporary files: request, response and what is known about
/// both, redacted. Each OpenCode has its own switch, which is off when it starts.
#[derive(Args)]
pub(super) struct Intercept {
    #[arg(value_enum, default_value_t)]
    action: Action,
    /// In the OpenCode that works on this session (ids as for `octrace show`)
    #[arg(long, value_name = "ID", conflicts_with = "all")]
    session: Option<String>,
    /// In the OpenCode with this process id, which need not have a session yet
    #[arg(long, conflicts_with_all = ["all", "session"])]
    pid: Option<u32>,
    /// In every OpenCode that is recorded now
    #[arg(long)]
    all: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum Action {
    On,
    Off,
    #[default]
    Status,
}

impl Action {
    fn switch(self) -> Option<bool> {
        match self {
            Self::On => Some(true),
            Self::Off => Some(false),
            Self::Status => None,
        }
    }
}

/// An OpenCode that runs.
struct Live {
    spool: FoundSpool,
    /// Newest first.
    sessions: Vec<String>,
}

/// How one OpenCode stands; what `--json` prints is a list of these, a promise.
#[derive(Serialize)]
struct Stand {
    /// OpenCode's process id.
    pid: u32,
    /// Where it was started.
    cwd: String,
    /// The sessions it has worked on, newest first.
    sessions: Vec<String>,
    enabled: bool,
    /// Where its dumps are: those of one session, or of all when it has several.
    root: String,
    captures: u64,
    total_bytes: u64,
    anomalies: u64,
    /// Null when there was none.
    latest_phase: Option<String>,
    latest_message: Option<String>,
}

impl Intercept {
    pub(super) fn run(mut self, context: &mut Context) -> Result {
        let place = context.paths.place(&context.settings);
        let tape = context.paths.tape();
        let mut live = Vec::new();
        for spool in record::spools(&place) {
            if spool.state != SpoolState::Left {
                let sessions = sessions(&tape, &spool.folder)?;
                live.push(Live { spool, sessions });
            }
        }
        if live.is_empty() && self.json && self.action == Action::Status {
            // That nobody is recorded is an answer, too.
            return context.out.json(&[(); 0]);
        }
        let mut stands = Vec::new();
        let mut silent = Vec::new();
        for Live { spool, .. } in self.chosen(live)? {
            let answer = record::ask(&spool.folder, self.action.switch(), PATIENCE);
            match answer
                .map_err(|error| anyhow::Error::new(error).context("cannot ask the recorder"))?
            {
                // With what came meanwhile.
                Answer::Told(told) => {
                    let sessions = sessions(&tape, &spool.folder)?;
                    stands.push(self.stand(&spool, sessions, told));
                }
                Answer::Gone => {}
                Answer::Silent => silent.push(format!("OpenCode {}", spool.hello.pid)),
            }
        }
        if self.json {
            context.out.json(&stands)?;
        } else {
            for (index, stand) in stands.iter().enumerate() {
                let gap = if index == 0 { "" } else { "\n" };
                context.out.line(&format!("{gap}{}", self.in_words(stand)))?;
            }
        }
        if silent.is_empty() {
            return if stands.is_empty() { Err(nobody()) } else { Ok(()) };
        }
        let failure =
            Failure::failed(format!("no recorder answers after {} seconds", PATIENCE.as_secs()));
        let failure = silent.into_iter().fold(failure, Failure::item);
        Err(failure.hint("What OpenCode does waits for the recorder; octrace doctor may say why."))
    }

    /// The ones that are meant.
    fn chosen(&mut self, mut live: Vec<Live>) -> Result<Vec<Live>> {
        if live.is_empty() {
            return Err(nobody());
        }
        if let Some(wanted) = &self.session {
            let session = session_of(&live, wanted)?;
            live.retain(|live| live.sessions.contains(&session));
            self.session = Some(session);
        } else if let Some(pid) = self.pid {
            live.retain(|live| live.spool.hello.pid == pid);
            if live.is_empty() {
                let message = format!("no OpenCode with the process id {pid} is being recorded");
                return Err(Failure::failed(message).hint(LIST));
            }
        } else if live.len() > 1 && !self.all && self.action != Action::Status {
            let message = format!("{} OpenCodes are recorded; which one is meant?", live.len());
            let failure =
                live.iter().map(Live::in_words).fold(Failure::usage(message), Failure::item);
            return Err(failure.hint("Choose with --session ID or --pid PID, or take --all."));
        }
        Ok(live)
    }

    fn stand(&self, spool: &FoundSpool, sessions: Vec<String>, told: record::Intercept) -> Stand {
        let session = self.session.as_deref().or(match &sessions[..] {
            [only] => Some(only),
            _ => None,
        });
        let root = record::dump_root(&spool.hello.settings, session).display().to_string();
        let some = |text: String| (!text.is_empty()).then_some(text);
        Stand {
            pid: spool.hello.pid,
            cwd: spool.hello.cwd.clone(),
            sessions,
            enabled: told.enabled,
            root,
            captures: told.captures,
            total_bytes: told.total_bytes,
            anomalies: told.anomalies,
            latest_phase: some(told.latest_phase),
            latest_message: some(told.latest_message),
        }
    }

    /// As `/intercept` says it, after a line that says where.
    fn in_words(&self, stand: &Stand) -> String {
        let heading = match self.action {
            Action::On => "Enabled",
            Action::Off => "Disabled",
            Action::Status => "Status",
        };
        let enabled = if stand.enabled { "enabled" } else { "disabled" };
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
        format!(
            "{}\n\n## Interceptor {heading}\n\n- Enabled: {enabled}\n- Dump root: {}\n- Captures: {}\n\
             - Total bytes: {}\n- Anomalies: {}\n- Latest anomaly phase: {}\n- Latest anomaly message: {}",
            process(stand.pid, &stand.cwd, &stand.sessions),
            stand.root,
            stand.captures,
            stand.total_bytes,
            stand.anomalies,
            or_none(&stand.latest_phase),
            or_none(&stand.latest_message),
        )
    }
}

impl Live {
    fn in_words(&self) -> String {
        process(self.spool.hello.pid, &self.spool.hello.cwd, &self.sessions)
    }
}

fn process(pid: u32, cwd: &str, sessions: &[String]) -> String {
    let sessions = if sessions.is_empty() { "no session yet" } else { &sessions.join(" ") };
    format!("OpenCode {pid} in {cwd}: {sessions}")
}

fn nobody() -> Failure {
    Failure::failed("no OpenCode is being recorded now")
        .hint(
            "Start one with octrace run -- opencode, or octrace install before it starts. OpenCode loads its \
             plugins with its first work: opencode serve with its first request.",
        )
}

/// The session that is meant, of those that live OpenCodes have worked on.
fn session_of(live: &[Live], wanted: &str) -> Result<String> {
    let all: BTreeSet<&String> = live.iter().flat_map(|live| &live.sessions).collect();
    let fits = |id: &&&String| !wanted.is_empty() && show::is_part_of(wanted, id);
    let is_whole = all.iter().any(|id| *id == wanted);
    let found: Vec<_> = all.iter().filter(|id| ***id == wanted || !is_whole).filter(fits).collect();
    match found[..] {
        [id] => Ok((*id).clone()),
        [] => {
            let message = format!("no OpenCode that runs has worked on the session {wanted}");
            Err(Failure::failed(message).hint(LIST))
        }
        ref several => {
            let count = several.len();
            let failure = Failure::failed(format!("{wanted:?} may be any of {count} sessions"));
            let failure = several.iter().fold(failure, |failure, id| failure.item(id.as_str()));
            Err(failure.hint("Give more of the id."))
        }
    }
}

/// The sessions of a spool, as far as they are on the tape.
fn sessions(tape: &Path, spool: &Path) -> Result<Vec<String>> {
    let Some(tape) = Tape::open_existing(tape)? else { return Ok(Vec::new()) };
    let name = spool.file_name().unwrap_or_default().to_string_lossy();
    Ok(tape.sessions_of_spool(&name)?)
}

#[cfg(test)]
mod tests {
    use octrace_wire::payload::{Hello, Settings};

    use super::*;

    fn asked(action: Action, session: Option<&str>, all: bool) -> Intercept {
        Intercept { action, session: session.map(str::to_owned), all, pid: None, json: false }
    }

    fn live(pid: u32, sessions: &[&str]) -> Live {
        let settings = Settings { tmp: "/tmp".into(), ..Settings::default() };
        let hello = Hello { pid, cwd: "/project".into(), settings, ..Hello::default() };
        let spool = FoundSpool { folder: "/spool".into(), hello, state: SpoolState::Read };
        Live { spool, sessions: sessions.iter().map(ToString::to_string).collect() }
    }

    fn pids(chosen: Result<Vec<Live>>) -> Vec<u32> {
        chosen.unwrap().iter().map(|live| live.spool.hello.pid).collect()
    }

    fn refused(mut asked: Intercept, live: Vec<Live>) -> String {
        asked.chosen(live).err().unwrap().message()
    }

    #[test]
    fn one_is_chosen_without_a_word_and_several_only_with_one() {
        let both = || vec![live(1, &["ses_1", "ses_2"]), live(2, &["ses_3"])];
        assert_eq!(pids(asked(Action::On, None, false).chosen(vec![live(1, &[])])), [1]);
        assert_eq!(pids(asked(Action::Status, None, false).chosen(both())), [1, 2]);
        assert_eq!(pids(asked(Action::On, None, true).chosen(both())), [1, 2]);
        assert_eq!(pids(asked(Action::Off, Some("ses_3"), false).chosen(both())), [2]);
        insta::assert_snapshot!(refused(asked(Action::Off, None, false), both()), @"
        octrace: 2 OpenCodes are recorded; which one is meant?
          OpenCode 1 in /project: ses_1 ses_2
          OpenCode 2 in /project: ses_3
          hint: Choose with --session ID or --pid PID, or take --all.
        ");
        assert_eq!(pids(asked(Action::Off, Some("3"), false).chosen(both())), [2]);
        let with_pid = |pid| Intercept { pid: Some(pid), ..asked(Action::On, None, false) };
        assert_eq!(pids(with_pid(2).chosen(vec![live(1, &["ses_1"]), live(2, &[])])), [2]);
        insta::assert_snapshot!(refused(with_pid(3), both()), @"
        octrace: no OpenCode with the process id 3 is being recorded
          hint: octrace intercept lists those that do run.
        ");
        insta::assert_snapshot!(refused(asked(Action::On, Some("ses_"), false), both()), @r#"
        octrace: "ses_" may be any of 3 sessions
          ses_1
          ses_2
          ses_3
          hint: Give more of the id.
        "#);
        insta::assert_snapshot!(refused(asked(Action::On, Some("ses_4"), false), both()), @"
        octrace: no OpenCode that runs has worked on the session ses_4
          hint: octrace intercept lists those that do run.
        ");
        insta::assert_snapshot!(refused(asked(Action::Status, None, false), Vec::new()), @"
        octrace: no OpenCode is being recorded now
          hint: Start one with octrace run -- opencode, or octrace install before it starts. OpenCode loads its plugins with its first work: opencode serve with its first request.
        ");
    }

    #[test]
    fn it_is_said_as_inside_opencode() {
        let told = record::Intercept {
            enabled: true,
            captures: 2,
            total_bytes: 300,
            anomalies: 1,
            latest_phase: "capture/dump-write".into(),
            latest_message: "opencode-interceptor: it is not a folder".into(),
            ..record::Intercept::default()
        };
        let on = asked(Action::On, None, false);
        let Live { spool, sessions } = live(4242, &["ses_1"]);
        insta::assert_snapshot!(on.in_words(&on.stand(&spool, sessions, told)), @"
        OpenCode 4242 in /project: ses_1

        ## Interceptor Enabled

        - Enabled: enabled
        - Dump root: /tmp/opencode-interceptor/ses_1
        - Captures: 2
        - Total bytes: 300
        - Anomalies: 1
        - Latest anomaly phase: capture/dump-write
        - Latest anomaly message: opencode-interceptor: it is not a folder
        ");
        let status = asked(Action::Status, None, false);
        let Live { spool, sessions } = live(4242, &["ses_1", "ses_2"]);
        let off = status.stand(&spool, sessions, record::Intercept::default());
        insta::assert_snapshot!(status.in_words(&off), @"
        OpenCode 4242 in /project: ses_1 ses_2

        ## Interceptor Status

        - Enabled: disabled
        - Dump root: /tmp/opencode-interceptor
        - Captures: 0
        - Total bytes: 0
        - Anomalies: 0
        - Latest anomaly phase: none
        - Latest anomaly message: none
        ");
        let one = asked(Action::Status, Some("../ses_2"), false);
        assert!(
            one.stand(&spool, Vec::new(), record::Intercept::default())
                .root
                .starts_with("/tmp/opencode-interceptor/___ses_2-")
        );
    }
}
