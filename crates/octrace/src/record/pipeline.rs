//! The way of the data, on one screen: read → assemble → redact → store → sinks.
//!
//! One [`Pipeline`] per spool. [`Pipeline::drain`] takes what is there, a chunk at a time; each chunk is one
//! transaction that also says how far the spool was read, so that everything is on the tape exactly once,
//! whatever dies when. Nothing but `Clean` content passes from the third stage to the fourth; see
//! [`super::store`], which holds the two together. The sinks follow the tape.

use std::time::{Duration, Instant};

use octrace_core::redact::{Patterns, Redactor};
use octrace_store::{Losses, Position, SpoolId, Tape};
use octrace_wire::payload::Hello;

use super::{
    assemble::{Assembler, Item},
    clock::now_us,
    control::Control,
    index::Index,
    place::Place,
    sinks::Sinks,
    spool::Spool,
    status::{Status, Told},
    store::{Store, Stored},
    wishes::Wishes,
    writer::Writer,
};

/// How often the rows of open exchanges are brought up to date: whoever watches sees each byte within 200 ms.
const REFRESH_EVERY: Duration = Duration::from_millis(100);

/// Reads one spool onto the tape.
pub(crate) struct Pipeline {
    spool: Spool,
    assembler: Assembler,
    writer: Introduced,
    tape: Tape,
    id: SpoolId,
    sinks: Sinks,
    refreshed: Option<Instant>,
    index: Index,
    told: Told,
}

/// What the writer said of itself, at the begin of each segment.
struct Introduced {
    redactor: Redactor,
    patterns: Patterns,
    writer: Writer,
    /// The newest segment that says so: it stays in the spool, so that whoever finds that knows whose it is.
    segment: Option<u64>,
}

impl Introduced {
    fn introduces(
        &mut self,
        hello: &Hello,
        segment: u64,
        assembler: &mut Assembler,
        sinks: &mut Sinks,
    ) {
        // Each segment begins with a hello; what the redactor remembers is good for all of them.
        if !self.redactor.is_for(&hello.salt) {
            self.redactor = Redactor::new(&hello.salt).with_patterns(&self.patterns);
        }
        self.redactor.learn(&hello.secrets);
        self.writer = Writer::new(hello);
        self.segment = Some(segment);
        assembler.wishes.hello(hello);
        sinks.hello(hello);
    }
}

impl Pipeline {
    /// Continues where the tape says that the spool was left.
    pub(crate) fn open(spool: Spool, mut tape: Tape, place: &Place) -> anyhow::Result<Self> {
        let (id, committed) = tape.spool(&spool.name(), now_us())?;
        let newest = tape.newest_exchange(id)?;
        let mut pipeline = Self {
            spool,
            assembler: Assembler::after(newest, Wishes::new(place)),
            writer: Introduced {
                redactor: Redactor::new("").with_patterns(&place.patterns),
                patterns: place.patterns.clone(),
                writer: Writer::default(),
                segment: None,
            },
            tape,
            id,
            sinks: Sinks::new(id, place),
            refreshed: None,
            index: Index::default(),
            told: Told::new(Status {
                pid: std::process::id(),
                position: committed,
                ..Status::default()
            }),
        };
        pipeline.assembler.intercept(pipeline.tape.intercept(id)?.enabled);
        pipeline.resume(committed)?;
        pipeline.follow()?;
        Ok(pipeline)
    }

    /// Reads what is in the spool and on the tape already once more: for what is still open, and because the first frame
    /// of each segment says who writes and what must not be kept.
    fn resume(&mut self, committed: Position) -> anyhow::Result<()> {
        for (directory, options) in self.tape.instances(self.id)? {
            self.assembler.wishes.options(&directory, &options);
        }
        for open in self.tape.open_exchanges(self.id)? {
            self.assembler.resume(&open);
        }
        let oldest = self.spool.segments()?.first().copied();
        self.spool.seek(Position { segment: oldest.unwrap_or(committed.segment), offset: 0 });
        while self.spool.position() < committed {
            let Some(chunk) = self.spool.next_chunk(false)? else { break };
            for (at, _, frame) in chunk.frames().take_while(|(at, ..)| *at < committed) {
                match self.assembler.replay(at, &frame) {
                    Item::Hello(hello) => {
                        let (assembler, sinks) = (&mut self.assembler, &mut self.sinks);
                        self.writer.introduces(&hello, at.segment, assembler, sinks);
                    }
                    Item::Secrets(more) => {
                        self.writer.redactor.learn(&more.secrets);
                        self.sinks.learn(&more.secrets);
                    }
                    _ => {}
                }
            }
        }
        self.spool.seek(committed);
        Ok(())
    }

    /// Takes everything that is in the spool. With `ended`, its writer is dead, and what is not whole
    /// never will be.
    pub(crate) fn drain(&mut self, ended: bool) -> anyhow::Result<()> {
        while let Some(chunk) = self.spool.next_chunk(ended)? {
            let mut store = Store::begin(&mut self.tape, self.id)?;
            store.lost(Losses { torn_bytes: chunk.torn, ..Losses::default() });
            for (at, _, frame) in chunk.frames() {
                let redactor = &mut self.writer.redactor;
                match self.assembler.take(at, &frame) {
                    Item::Hello(hello) => {
                        let (assembler, sinks) = (&mut self.assembler, &mut self.sinks);
                        self.writer.introduces(&hello, at.segment, assembler, sinks);
                        store.writer(&self.writer.redactor, &hello)?;
                        store.goes_to(self.assembler.wishes.destinations())?;
                    }
                    Item::Secrets(more) => {
                        redactor.learn(&more.secrets);
                        self.sinks.learn(&more.secrets);
                    }
                    Item::Event(raw) => store.event(redactor, &frame.head, &raw)?,
                    Item::Hook(raw) => store.hook(redactor, &frame.head, &raw)?,
                    Item::File(file, bytes) => store.file(redactor, &frame.head, file, bytes)?,
                    Item::Gap(gap) => store.gap(&gap),
                    Item::Exchange => {
                        for open in self.assembler.take_ended() {
                            store.exchange_ended(redactor, open)?;
                        }
                    }
                    Item::Unknown => store.lost(Losses { unknown_frames: 1, ..Losses::default() }),
                    Item::Instance(instance) => {
                        store.instance(redactor, &instance)?;
                        self.assembler.wishes.instance(&instance);
                        store.goes_to(self.assembler.wishes.destinations())?;
                        self.sinks.instance();
                    }
                    Item::Diagnostic(said) => {
                        store.diagnostic(redactor, &said)?;
                        self.sinks.note(redactor, &frame.head, &said);
                    }
                    Item::Intercept(asked) => {
                        let enabled = switched(&asked.action);
                        store.intercept(redactor, &asked, enabled)?;
                        if let Some(on) = enabled {
                            self.assembler.intercept(on);
                        }
                    }
                    Item::Nothing => {}
                }
            }
            let refresh = self.refreshed.is_none_or(|at| at.elapsed() >= REFRESH_EVERY);
            let position = self.spool.position();
            store.exchanges_open(&self.writer.redactor, &mut self.assembler, position, refresh)?;
            let safe = safe(&self.assembler, position);
            let stored = store.commit(safe)?;
            self.committed(safe, refresh, stored)?;
            self.follow()?;
            if chunk.is_all {
                break;
            }
        }
        Ok(())
    }

    /// How many events it has stored: what may be delivered grows with them.
    pub(crate) fn events(&self) -> u64 {
        self.told.status.events
    }

    /// How long until the sinks try again what they could not do.
    pub(crate) fn follow_in(&self) -> Option<Duration> {
        self.sinks.due_in()
    }

    /// Has the sinks take what is new on the tape.
    pub(crate) fn follow(&mut self) -> anyhow::Result<()> {
        self.sinks.follow(&mut self.tape, &self.assembler.wishes)?;
        self.told.status.intercept = self.sinks.intercept(&self.tape)?;
        Ok(())
    }

    /// Whether what is made beside the recording is made of all that is on the tape.
    pub(crate) fn has_followed(&self) -> bool {
        self.sinks.is_done()
    }

    /// Carries out what a command asks for, once.
    pub(crate) fn carry_out(&mut self, asked: &Control) -> anyhow::Result<()> {
        let Some(on) = asked.intercept else { return Ok(()) };
        // The request stays in its file, also for the recorder after this one.
        if self.tape.intercept(self.id)?.control == asked.token {
            return Ok(());
        }
        let mut batch = self.tape.begin()?;
        batch.intercept_set(self.id, on, &asked.token)?;
        batch.commit()?;
        self.assembler.intercept(on);
        self.follow()
    }

    /// Brings the rows of open exchanges up to date, where that was held back.
    pub(crate) fn refresh(&mut self) -> anyhow::Result<()> {
        if !self.assembler.has_changed() {
            return Ok(());
        }
        let position = self.spool.position();
        let mut store = Store::begin(&mut self.tape, self.id)?;
        store.exchanges_open(&self.writer.redactor, &mut self.assembler, position, true)?;
        let safe = safe(&self.assembler, position);
        let stored = store.commit(safe)?;
        self.committed(safe, true, stored)
    }

    /// How long until [`Pipeline::refresh`] is due; `None` when it would change nothing.
    pub(crate) fn refresh_in(&self) -> Option<Duration> {
        let since = self.refreshed.map_or(REFRESH_EVERY, |at| at.elapsed());
        self.assembler.has_changed().then(|| REFRESH_EVERY.saturating_sub(since))
    }

    /// Whether [`Pipeline::refresh`] is due.
    pub(crate) fn refresh_is_due(&self) -> bool {
        self.refresh_in() == Some(Duration::ZERO)
    }

    fn committed(
        &mut self,
        position: Position,
        refreshed: bool,
        stored: Stored,
    ) -> anyhow::Result<()> {
        if refreshed {
            self.refreshed = Some(Instant::now());
        }
        self.index.is_behind();
        self.told.status.position = position;
        self.told.status.exchanges += stored.exchanges;
        self.told.status.events += stored.events;
        let needed = self.assembler.oldest().map_or(position, |oldest| oldest.min(position));
        let needed = self.writer.segment.map_or(needed.segment, |says| says.min(needed.segment));
        if self.spool.has_before(needed) {
            // The position first, and durably; then what it makes superfluous.
            self.tape.sync()?;
            self.spool.delete_before(needed)?;
        }
        Ok(())
    }

    /// Says in `.status` how far it is, and that `answered` was carried out; how long until the rest is to be said.
    pub(crate) fn tell(&mut self, answered: Option<String>) -> Option<Duration> {
        self.told.tell(self.spool.folder(), answered)
    }

    /// Whether this request, if there is one, was carried out.
    pub(crate) fn has_answered(&self, asked: Option<&String>) -> bool {
        self.told.has_answered(asked)
    }

    /// Tape and search index, for what is done between the transactions.
    pub(crate) fn at_rest(&mut self) -> (&mut Tape, &mut Index) {
        (&mut self.tape, &mut self.index)
    }

    /// Whether the writer is surely dead.
    pub(crate) fn writer_is_dead(&self) -> bool {
        self.writer.writer.is_dead(self.spool.folder())
    }

    /// As [`Pipeline::writer_is_dead`], for a writer that is dying.
    pub(crate) fn wait_writer_dead(&self) -> bool {
        self.writer.writer.wait_dead(self.spool.folder())
    }

    /// The writer is dead: takes the rest, ends what is open, and deletes the spool.
    pub(crate) fn finish(mut self) -> anyhow::Result<()> {
        self.drain(true)?;
        let mut store = Store::begin(&mut self.tape, self.id)?;
        for open in self.assembler.close() {
            store.exchange_ended(&self.writer.redactor, open)?;
        }
        store.spool_ended(now_us())?;
        store.commit(self.spool.position())?;
        self.sinks.finish(&mut self.tape, &self.assembler.wishes)?;
        self.tape.sync()?;
        self.spool.delete()?;
        Ok(())
    }
}

/// From where a later recorder has to read on: the position, unless a request is only half read.
fn safe(assembler: &Assembler, position: Position) -> Position {
    assembler.asking().map_or(position, |begin| begin.min(position))
}

/// What a typed command changes.
fn switched(action: &str) -> Option<bool> {
    match action {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    }
}
