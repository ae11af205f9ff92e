//! Dumps: three files for each exchange that began while `/intercept` was on, written once it is over.

use std::{
    path::{Path, PathBuf},
    time::SystemTime,
};

use octrace_export::dump::{self, Phase, Root, Trio};
use octrace_store::{Error, SpoolId, Tape, dumps::DueDump, intercept::Anomaly};
use octrace_wire::payload::Settings;

use crate::record::{clock::now_us, status::Intercept};

/// The dumps of one OpenCode process.
pub(in crate::record) struct Dumps {
    spool: SpoolId,
    /// The folder for temporary files, as OpenCode has it.
    tmp: PathBuf,
    is_swept: bool,
}

/// The files of one dump, or why there are none.
struct Outcome {
    bytes: Option<u64>,
    anomalies: Vec<dump::Anomaly>,
}

impl Dumps {
    /// Those of the process with these settings.
    pub(in crate::record) fn new(spool: SpoolId, settings: &Settings) -> Self {
        Self { spool, tmp: tmp(settings), is_swept: false }
    }

    /// Writes what is due; before the first time, deletes what is too old. Fails only when the tape does.
    pub(in crate::record) fn follow(&mut self, tape: &mut Tape) -> Result<(), Error> {
        if !self.is_swept {
            self.sweep(tape)?;
        }
        for due in tape.due_dumps(self.spool)? {
            let Outcome { bytes, anomalies } = self.dump(tape, &due)?;
            for anomaly in anomalies.iter().filter(|anomaly| anomaly.phase == Phase::DumpWrite) {
                let (request, what) = (due.exchange, &anomaly.message);
                tracing::warn!(request, "a request was not dumped: {what}");
            }
            tape.dump_is_done(self.spool, &due, bytes, now_us(), &stored(anomalies))?;
        }
        Ok(())
    }

    fn sweep(&mut self, tape: &mut Tape) -> Result<(), Error> {
        if !tape.intercept(self.spool)?.swept {
            let anomalies = dump::sweep(&self.tmp, SystemTime::now());
            tape.dumps_swept(self.spool, now_us(), &stored(anomalies))?;
        }
        self.is_swept = true;
        Ok(())
    }

    fn dump(&self, tape: &mut Tape, due: &DueDump) -> Result<Outcome, Error> {
        let failed = |what: String| {
            Ok(Outcome { bytes: None, anomalies: vec![dump::Anomaly::new(Phase::DumpWrite, what)] })
        };
        let exchange = match tape.exchange(due.exchange) {
            Ok(Some(exchange)) => exchange,
            Ok(None) => return failed(format!("request #{} is pruned", due.exchange)),
            Err(error) if error.is_damage() => {
                return failed(format!("request #{}: {error}", due.exchange));
            }
            Err(error) => return Err(error),
        };
        let trio = match Trio::of(&exchange) {
            Ok(trio) => trio,
            Err(error) => return failed(format!("request #{}: {error}", due.exchange)),
        };
        let folder = match Root::open(&self.tmp).and_then(|root| root.session(&due.session)) {
            Ok(folder) => folder,
            Err(error) => return failed(error.to_string()),
        };
        let name = match &due.name {
            Some(name) => name.clone(),
            None => match folder.highest_number() {
                Ok(highest) => {
                    let stem = |number| dump::stem(number, trio.kind, trio.sent_us);
                    tape.name_dump(due, highest, stem)?
                }
                Err(error) => return failed(error.to_string()),
            },
        };
        match folder.write(&name, &trio) {
            Ok(()) => Ok(Outcome { bytes: Some(trio.captured_bytes), anomalies: trio.anomalies }),
            Err(error) => failed(error.to_string()),
        }
    }

    /// What is answered to `/intercept`.
    pub(in crate::record) fn status(&self, tape: &Tape) -> Result<Intercept, Error> {
        let now = tape.intercept(self.spool)?;
        let latest = now.latest.unwrap_or(Anomaly { phase: String::new(), message: String::new() });
        Ok(Intercept {
            token: now.token,
            enabled: now.enabled,
            root: folder(&self.tmp, Some(&now.session)).display().to_string(),
            captures: now.captures,
            total_bytes: now.total_bytes,
            anomalies: now.anomalies,
            latest_phase: latest.phase,
            latest_message: latest.message,
        })
    }
}

/// Where the dumps of an OpenCode with these settings lie: those of one session, or all.
pub(crate) fn dump_root(settings: &Settings, session: Option<&str>) -> PathBuf {
    folder(&tmp(settings), session)
}

fn folder(tmp: &Path, session: Option<&str>) -> PathBuf {
    let root = dump::root_path(tmp);
    session.map_or_else(|| root.clone(), |session| root.join(dump::session_name(session)))
}

fn tmp(settings: &Settings) -> PathBuf {
    let tmp = Some(PathBuf::from(&settings.tmp)).filter(|tmp| tmp.is_absolute());
    tmp.unwrap_or_else(|| "/tmp".into())
}

fn stored(anomalies: Vec<dump::Anomaly>) -> Vec<Anomaly> {
    let stored = |anomaly: dump::Anomaly| Anomaly {
        phase: anomaly.phase.as_str().to_owned(),
        message: anomaly.message,
    };
    anomalies.into_iter().map(stored).collect()
}
