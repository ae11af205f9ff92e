//! The thread that reads the source: questions first, then what is half done, then what is new.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError},
    time::Duration,
};

use octrace_view::terminal::{
    Event,
    data::{Answer, Ask, PageId, Tab},
    document::{Exchanges, document},
};

use super::{Pace, Source};
use crate::view::wake::Wake;

/// How often what is new is looked for.
const LOOK: Duration = Duration::from_millis(50);

/// What the source is to do.
pub(crate) enum Job {
    /// A question of the viewer's state.
    Ask(Ask),
}

/// Until nobody asks any more.
pub(crate) fn serve(
    mut source: Box<dyn Source>,
    work: &Receiver<Job>,
    wake: &Sender<Wake>,
    is_static: bool,
) {
    let mut tell = |answer| {
        // Nobody listens: it is the end.
        wake.send(Wake::Event(Event::Answer(answer))).ok();
    };
    let mut pace = Pace::Busy;
    loop {
        let job = match pace {
            Pace::Busy => work.try_recv().map_err(|error| match error {
                TryRecvError::Empty => RecvTimeoutError::Timeout,
                TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
            }),
            Pace::Idle if is_static => work.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Pace::Idle => work.recv_timeout(LOOK),
        };
        match job {
            Ok(Job::Ask(Ask::Page(page))) => {
                let content = build(source.as_mut(), page).map_err(|error| format!("{error:#}"));
                tell(Answer::Page(page, content.map(Box::new)));
            }
            Ok(Job::Ask(ask)) => {
                source.ask(ask, &mut tell);
                pace = Pace::Busy;
            }
            Err(RecvTimeoutError::Timeout) => pace = source.work(&mut tell),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn build(
    source: &mut dyn Source,
    page: PageId,
) -> anyhow::Result<octrace_view::terminal::document::Document> {
    let previous = page.previous.filter(|_| page.tab == Tab::Difference);
    let exchange = source.exchange(page.exchange)?;
    let previous = previous.map(|id| source.exchange(id)).transpose()?;
    Ok(document(page.tab, Exchanges { exchange, previous }))
}
