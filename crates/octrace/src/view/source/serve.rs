//! The thread that reads the source: questions first, then the page that somebody waits for, then what is half done,
//! then what is new. Pages are laid out on another thread, so that live rows go on meanwhile.

use std::{
    io,
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError},
    time::Duration,
};

use octrace_store::follow::Step;
use octrace_view::{
    terminal::{
        Event,
        data::{Answer, Ask, PageId, Payload, Tab},
        document::{Exchanges, document, needs},
    },
    text::{Style, request::curl},
};

use super::{Pace, Source, watch::Watch};
use crate::view::{
    errand::{Errand, Purpose, failed},
    wake::{Wake, thread},
};

/// How soon a source that waits for something is asked again.
const SOON: Duration = Duration::from_millis(50);

/// What the source is to do.
pub(in crate::view) enum Job {
    /// A question of the viewer's state.
    Ask(Ask),
    /// Something of an exchange is to be copied or saved.
    Fetch(Payload, Purpose),
    /// The page that was being laid out is done.
    LaidOut,
    /// Something in the source's folder is not as it was.
    Changed,
}

/// Serves the source from now on, until the process ends, with pages in this style. What is fetched goes on as an
/// errand.
pub(in crate::view) fn serve(
    source: Box<dyn Source>,
    is_static: bool,
    style: Style,
    wake: &SyncSender<Wake>,
    errands: SyncSender<Errand>,
) -> io::Result<Sender<Job>> {
    let (jobs, work) = mpsc::channel();
    let (pages, read) = mpsc::channel();
    let (tell, done) = (wake.clone(), jobs.clone());
    let watch = Watch::begin(source.folder().filter(|_| !is_static).as_deref(), &jobs);
    thread("pages", wake, move || lay_out(&read, &style, &tell, &done))?;
    let tell = wake.clone();
    thread("source", wake, move || {
        let waiting = Vec::new();
        Server { source, watch, wake: tell, errands, pages, waiting, is_busy: false }
            .run(&work, is_static);
    })?;
    Ok(jobs)
}

/// Makes one page after the other.
fn lay_out(
    read: &Receiver<(PageId, Exchanges)>,
    style: &Style,
    wake: &SyncSender<Wake>,
    done: &Sender<Job>,
) {
    while let Ok((page, exchanges)) = read.recv() {
        let content = Box::new(document(page.tab, exchanges, style));
        // Nobody listens: it is the end.
        wake.send(Wake::Event(Event::Answer(Answer::Page(page, Ok(content))))).ok();
        done.send(Job::LaidOut).ok();
    }
}

struct Server {
    source: Box<dyn Source>,
    watch: Watch,
    wake: SyncSender<Wake>,
    errands: SyncSender<Errand>,
    pages: Sender<(PageId, Exchanges)>,
    /// Pages that are wanted, the one that was asked for last at the end.
    waiting: Vec<PageId>,
    /// Whether a page is being laid out: there is never more than one in memory.
    is_busy: bool,
}

impl Server {
    fn run(&mut self, work: &Receiver<Job>, is_static: bool) {
        let mut pace = Pace::Busy;
        loop {
            let can_page = !self.is_busy && !self.waiting.is_empty();
            let job = match pace {
                _ if can_page => work.recv_timeout(Duration::ZERO),
                Pace::Busy => work.recv_timeout(Duration::ZERO),
                Pace::Idle if is_static => work.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Pace::Waiting => work.recv_timeout(SOON),
                Pace::Idle => work.recv_timeout(self.watch.rest()),
            };
            match job {
                Ok(Job::Ask(Ask::Page(page))) => self.want(page),
                Ok(Job::Ask(ask)) => {
                    self.source.ask(ask, &mut tell(&self.wake));
                    pace = Pace::Busy;
                }
                Ok(Job::Fetch(payload, purpose)) => self.fetch(payload, purpose),
                Ok(Job::LaidOut) => self.is_busy = false,
                Ok(Job::Changed) => {
                    self.watch.changed();
                    pace = Pace::Busy;
                }
                Err(RecvTimeoutError::Timeout) if can_page => self.page(),
                Err(RecvTimeoutError::Timeout) => pace = self.source.work(&mut tell(&self.wake)),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// A page is asked for. Of one exchange at a time: who goes on to the next one wants no page of those before.
    fn want(&mut self, page: PageId) {
        self.waiting.retain(|waiting| waiting.exchange == page.exchange && *waiting != page);
        self.waiting.push(page);
    }

    /// Reads what the page that was asked for last is made of.
    fn page(&mut self) {
        let Some(page) = self.waiting.pop() else { return };
        match self.read(page) {
            // One that is gone has been reported.
            Ok(exchanges) => self.is_busy = self.pages.send((page, exchanges)).is_ok(),
            Err(error) => tell(&self.wake)(Answer::Page(page, Err(format!("{error:#}")))),
        }
    }

    fn read(&mut self, page: PageId) -> anyhow::Result<Exchanges> {
        let bodies = needs(page.tab);
        let exchange = self.source.exchange(page.exchange, bodies)?;
        let previous = page.previous.filter(|_| page.tab == Tab::Difference);
        let previous = previous.map(|id| self.source.exchange(id, bodies)).transpose()?;
        Ok(Exchanges { exchange, previous })
    }

    /// Reads what is to be copied or saved, and sends it on its way.
    fn fetch(&mut self, payload: Payload, purpose: Purpose) {
        let bytes = match payload {
            Payload::Text(text) => Ok(text.into_bytes()),
            Payload::Request(id) => {
                self.source.exchange(id, &[Step::Begin]).map(|found| found.request_body)
            }
            Payload::Response(id) => {
                self.source.exchange(id, &[Step::End]).map(|found| found.response_body)
            }
            Payload::Curl(id) => {
                self.source.exchange(id, &[Step::Begin]).map(|found| curl(&found).into_bytes())
            }
        };
        let sent = bytes.map(|bytes| self.errands.try_send(Errand { bytes, purpose }));
        let trouble = match sent {
            Ok(Err(TrySendError::Full(_))) => {
                "what is copied or saved already is not done yet; try again then".to_owned()
            }
            // Whoever does not listen any more has been reported.
            Ok(Ok(()) | Err(TrySendError::Disconnected(_))) => return,
            Err(error) => format!("{error:#}"),
        };
        self.wake.send(failed(&trouble)).ok();
    }
}

/// Answers go to the viewer's state.
fn tell(wake: &SyncSender<Wake>) -> impl FnMut(Answer) {
    |answer| {
        // Nobody listens: it is the end.
        wake.send(Wake::Event(Event::Answer(answer))).ok();
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use octrace_store::read::ExchangeDetail;

    use super::{super::Tell, *};

    /// A source whose every reading is told, and goes on when somebody says so.
    struct Gate {
        entered: Sender<(i64, Vec<Step>)>,
        go: Receiver<()>,
    }

    impl Source for Gate {
        fn ask(&mut self, _: Ask, _: Tell<'_>) {}

        fn work(&mut self, _: Tell<'_>) -> Pace {
            Pace::Idle
        }

        fn folder(&self) -> Option<PathBuf> {
            None
        }

        fn exchange(&mut self, id: i64, bodies: &[Step]) -> anyhow::Result<ExchangeDetail> {
            self.entered.send((id, bodies.to_vec())).ok();
            self.go.recv().ok();
            Ok(ExchangeDetail::default())
        }
    }

    #[test]
    fn pages_of_what_nobody_looks_at_any_more_are_not_made() {
        let (entered, reads) = mpsc::channel();
        let (go, gate) = mpsc::channel();
        let (wake, woken) = mpsc::sync_channel(9);
        let (errands, _) = mpsc::sync_channel(1);
        let source = Box::new(Gate { entered, go: gate });
        let jobs = serve(source, false, Style::plain(), &wake, errands).unwrap();
        let ask = |exchange, tab| {
            let page = PageId { exchange, previous: None, tab };
            jobs.send(Job::Ask(Ask::Page(page))).unwrap();
        };
        ask(1, Tab::Conversation);
        assert_eq!(reads.recv().unwrap(), (1, vec![Step::Begin, Step::End]));
        ask(2, Tab::Conversation);
        ask(3, Tab::Headers);
        ask(3, Tab::Response);
        (0..3).for_each(|_| go.send(()).unwrap());
        assert_eq!(reads.recv().unwrap(), (3, vec![Step::End]), "what was asked for last");
        assert_eq!(reads.recv().unwrap(), (3, vec![]), "then what is still looked at");
        let told = woken.iter().filter_map(|wake| match wake {
            Wake::Event(Event::Answer(Answer::Page(page, _))) => Some((page.exchange, page.tab)),
            _ => None,
        });
        let told: Vec<_> = told.take(3).collect();
        assert_eq!(told, [(1, Tab::Conversation), (3, Tab::Response), (3, Tab::Headers)]);
    }

    #[test]
    fn what_is_copied_faster_than_it_can_be_is_not_piled_up() {
        let (entered, _) = mpsc::channel();
        let (_, gate) = mpsc::channel();
        let (wake, woken) = mpsc::sync_channel(9);
        let (errands, errand) = mpsc::sync_channel(1);
        let jobs =
            serve(Box::new(Gate { entered, go: gate }), false, Style::plain(), &wake, errands)
                .unwrap();
        for text in ["first", "second"] {
            let payload = Payload::Text(text.to_owned());
            jobs.send(Job::Fetch(payload, Purpose::Copy)).unwrap();
        }
        let Wake::Event(Event::Failed(said)) = woken.recv().unwrap() else { panic!("no trouble") };
        assert_eq!(said, "what is copied or saved already is not done yet; try again then");
        assert_eq!(errand.recv().unwrap().bytes, b"first");
    }
}
