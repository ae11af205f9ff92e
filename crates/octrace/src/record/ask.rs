//! Asking the recorder of a running OpenCode about `/intercept`, and waiting for its answer.

use std::{
    io,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use super::{
    control::Control,
    status::{Intercept, Status},
};

/// How often to look for the answer.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What a recorder said.
#[derive(Debug)]
pub(crate) enum Answer {
    /// How it stands now, with everything counted that was captured when it was asked.
    Told(Intercept),
    /// Its OpenCode ended, and all of the spool is on the tape.
    Gone,
    /// Nothing, in the time that it had.
    Silent,
}

/// Turns dumping on or off, or only asks how it stands, in the OpenCode whose spool is in `folder`.
pub(crate) fn ask(folder: &Path, switch: Option<bool>, patience: Duration) -> io::Result<Answer> {
    let deadline = Instant::now() + patience;
    let mine = Control::new(switch);
    loop {
        if !folder.exists() {
            return Ok(Answer::Gone);
        }
        match Status::read(folder) {
            Some(status) if status.answered.as_ref() == Some(&mine.token) => {
                return Ok(Answer::Told(status.intercept));
            }
            _ if Instant::now() >= deadline => return Ok(Answer::Silent),
            _ => {}
        }
        // Once; and again when somebody else has asked over us.
        if Control::read(folder).as_ref() != Some(&mine)
            && let Err(error) = mine.ask(folder)
            && folder.exists()
        {
            return Err(error);
        }
        thread::sleep(LOOK_EVERY);
    }
}

#[cfg(test)]
mod tests {
    use octrace_testkit::Author;

    use super::*;
    use crate::record::tests::room;

    #[test]
    fn the_recorder_answers_also_when_somebody_else_asks_over_us() {
        let room = room();
        let author = Author::alive(&room.root, "1-a");
        let folder = author.folder.as_path();
        let mut pipeline = room.pipeline(&author);
        let mut answer = |asked: Option<Control>| {
            if let Some(asked) = &asked {
                pipeline.drain(false).unwrap();
                pipeline.carry_out(asked).unwrap();
            }
            pipeline.tell(asked.map(|asked| asked.token));
        };
        thread::scope(|scope| {
            let patience = Duration::from_secs(20);
            let asker = scope.spawn(move || ask(folder, Some(true), patience).unwrap());
            while Control::read(folder).is_none() {
                thread::yield_now();
            }
            let other = Control { token: "other".into(), intercept: None };
            other.ask(folder).unwrap();
            answer(Some(other));
            while !asker.is_finished() {
                answer(Control::read(folder));
            }
            assert!(matches!(asker.join().unwrap(), Answer::Told(now) if now.enabled));
        });
    }

    #[test]
    fn nobody_answers_where_nobody_reads() {
        let room = room();
        let author = Author::alive(&room.root, "1-a");
        let told = ask(&author.folder, Some(true), Duration::ZERO).unwrap();
        assert!(matches!(told, Answer::Silent));
        std::fs::remove_dir_all(&author.folder).unwrap();
        let told = ask(&author.folder, Some(true), Duration::ZERO).unwrap();
        assert!(matches!(told, Answer::Gone));
    }
}
