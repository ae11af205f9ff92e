//! The last two stages, redact and store, for one transaction.
//!
//! Raw content comes in, is made clean, and only then meets the tape, whose methods accept nothing else.

use octrace_core::{
    attribution::{
        observed::{Found, Observed},
        timeline::{CallId, Moment},
    },
    event::{self, Event},
    exchange::Exchange,
    reading,
    redact::{Clean, Redactor},
};
use octrace_store::{
    Batch, Begin, ExchangeId, Losses, Position, Progress, SpoolId, Tape, WriterFacts,
    delivery::{Identity, Rules},
    diagnostics,
};
use octrace_wire::{
    frame::Head,
    payload::{Diagnostic, File, Gap, Hello, Instance, Intercept},
};

use super::assemble::{Assembler, Open};

/// How many segments an open exchange may keep in the spool. With more, the spool's bound would be in
/// danger, and with it everybody else's frames.
const PINNED_SEGMENTS: u64 = 12;

/// One transaction.
pub(super) struct Store<'t> {
    batch: Batch<'t>,
    spool: SpoolId,
    losses: Losses,
    stored: Stored,
}

/// What a transaction put on the tape.
#[derive(Clone, Copy, Default)]
pub(super) struct Stored {
    /// Exchanges that began.
    pub(super) exchanges: u64,
    /// Events and hook calls.
    pub(super) events: u64,
}

impl<'t> Store<'t> {
    pub(super) fn begin(tape: &'t mut Tape, spool: SpoolId) -> anyhow::Result<Self> {
        let batch = tape.begin()?;
        Ok(Self { batch, spool, losses: Losses::default(), stored: Stored::default() })
    }

    /// Counts what is lost.
    pub(super) fn lost(&mut self, more: Losses) {
        let add = |sum: &mut u64, more: u64| *sum = sum.saturating_add(more);
        add(&mut self.losses.frames, more.frames);
        add(&mut self.losses.bytes, more.bytes);
        add(&mut self.losses.torn_bytes, more.torn_bytes);
        add(&mut self.losses.unknown_frames, more.unknown_frames);
    }

    /// Counts what the plugin had to drop.
    pub(super) fn gap(&mut self, gap: &Gap) {
        self.lost(Losses { frames: gap.frames, bytes: gap.bytes, ..Losses::default() });
    }

    pub(super) fn writer(&mut self, redactor: &Redactor, hello: &Hello) -> anyhow::Result<()> {
        let facts = WriterFacts {
            pid: hello.pid,
            run: (!hello.run.is_empty()).then(|| redactor.text(&hello.run)),
            plugin: redactor.text(&hello.plugin),
            cwd: redactor.text(&hello.cwd),
        };
        Ok(self.batch.writer(self.spool, &facts)?)
    }

    /// What comes from now on is to be delivered there, and nowhere else.
    pub(super) fn goes_to(&mut self, destinations: &[(Identity, Rules)]) -> anyhow::Result<()> {
        self.batch.goes_to(self.spool, destinations)?;
        Ok(())
    }

    pub(super) fn event(
        &mut self,
        redactor: &Redactor,
        head: &Head,
        raw: &[u8],
    ) -> anyhow::Result<()> {
        self.keep(head, redactor.json(raw).derive(|clean| event::read_event(clean)))
    }

    pub(super) fn hook(
        &mut self,
        redactor: &Redactor,
        head: &Head,
        raw: &[u8],
    ) -> anyhow::Result<()> {
        self.keep(head, redactor.json(raw).derive(|clean| event::read_hook(clean)))
    }

    fn keep(&mut self, head: &Head, event: Clean<Option<Event>>) -> anyhow::Result<()> {
        match event.transpose() {
            Some(event) => {
                let at_us = i64::try_from(head.wall_us).unwrap_or(i64::MAX);
                self.batch.event(self.spool, at_us, &event)?;
                self.stored.events += 1;
            }
            None => self.lost(Losses { unknown_frames: 1, ..Losses::default() }),
        }
        Ok(())
    }

    /// `/intercept` was typed.
    pub(super) fn intercept(
        &mut self,
        redactor: &Redactor,
        asked: &Intercept,
        enabled: Option<bool>,
    ) -> anyhow::Result<()> {
        let session = redactor.text(&asked.session);
        Ok(self.batch.intercept_typed(self.spool, enabled, &asked.token, &session)?)
    }

    /// OpenCode works in a directory.
    pub(super) fn instance(
        &mut self,
        redactor: &Redactor,
        instance: &Instance,
    ) -> anyhow::Result<()> {
        let options = instance.options.as_ref().map_or("{}", |options| options.get());
        let instance = diagnostics::Instance {
            directory: redactor.text(&instance.directory),
            worktree: redactor.text(&instance.worktree),
            project: redactor.text(&instance.project),
            options: redactor.json(options.as_bytes()),
        };
        Ok(self.batch.instance(self.spool, &instance)?)
    }

    /// A call found a file like this, or left it like this.
    pub(super) fn file(
        &mut self,
        redactor: &Redactor,
        head: &Head,
        file: File,
        bytes: Vec<u8>,
    ) -> anyhow::Result<()> {
        match observed(head, file, bytes) {
            Some(seen) => Ok(self.batch.observed(self.spool, &redactor.file(seen))?),
            None => {
                self.lost(Losses { unknown_frames: 1, ..Losses::default() });
                Ok(())
            }
        }
    }

    /// The plugin decided something.
    pub(super) fn diagnostic(
        &mut self,
        redactor: &Redactor,
        said: &Diagnostic,
    ) -> anyhow::Result<()> {
        let (event, reason) = (redactor.text(&said.event), redactor.text(&said.reason));
        let count = u32::try_from(said.count).unwrap_or(u32::MAX).max(1);
        Ok(self.batch.diagnosed(self.spool, &event, &reason, count)?)
    }

    fn exchange_begins(
        &mut self,
        redactor: &Redactor,
        open: &mut Open,
    ) -> anyhow::Result<ExchangeId> {
        let exchange = &mut open.exchange;
        let clean = redactor.exchange(Exchange {
            number: exchange.number,
            dialect: exchange.dialect,
            request: exchange.request.clone(),
            request_body: std::mem::take(&mut exchange.request_body),
            request_cut: exchange.request_cut,
            timing: exchange.timing.clone(),
            ..Exchange::default()
        });
        let asked = clean.derive(reading::asked);
        let begin = Begin { at: open.begin, mono_us: open.begin_mono };
        let id = self.batch.exchange_begins(self.spool, begin, &clean, &asked)?;
        if let Some(folder) = &open.folder {
            self.batch.exchange_goes_to(id, folder)?;
        }
        if open.is_dumped {
            self.batch.dump_is_due(id)?;
        }
        open.row = Some(id);
        self.stored.exchanges += 1;
        Ok(id)
    }

    /// An exchange is over.
    pub(super) fn exchange_ended(
        &mut self,
        redactor: &Redactor,
        mut open: Open,
    ) -> anyhow::Result<()> {
        let id = match open.row {
            Some(id) => id,
            None => self.exchange_begins(redactor, &mut open)?,
        };
        let progress = progress(&open);
        let exchange = redactor.exchange(open.exchange);
        let ending = exchange.derive(reading::ending);
        self.batch.exchange_ends(id, &exchange, &ending, &progress)?;
        Ok(())
    }

    /// Exchanges that are under way: those without a row get one as soon as their request is whole; the
    /// rows of the others are brought up to date with `refresh`. What is kept in the spool for too long is
    /// written and let go.
    pub(super) fn exchanges_open(
        &mut self,
        redactor: &Redactor,
        assembler: &mut Assembler,
        position: Position,
        refresh: bool,
    ) -> anyhow::Result<()> {
        let segment = position.segment.saturating_sub(PINNED_SEGMENTS);
        let since = Position { segment, offset: 0 };
        for open in assembler.due(since) {
            let late = open.pinned && open.begin < since;
            let id = match open.row {
                None if !open.request_is_whole() => continue,
                None => self.exchange_begins(redactor, open)?,
                Some(_) if !refresh && !late => continue,
                Some(id) => id,
            };
            open.settle();
            let head = open.exchange.response.clone().map(|head| redactor.response_head(head));
            self.batch.exchange_goes_on(id, head.as_ref(), &progress(open))?;
            if !open.released && (open.is_too_long() || late) {
                let so_far = redactor.exchange(Exchange {
                    response_cut: true,
                    response_body: open.exchange.response_body.clone(),
                    response: open.exchange.response.clone(),
                    ..Exchange::default()
                });
                self.batch.exchange_is_let_go(id, position, &so_far)?;
                // If it goes on for as long again, it is stored once more.
                open.begin = position;
                if open.is_too_long() {
                    open.release();
                }
            }
            open.changed = false;
        }
        Ok(())
    }

    /// The writer is dead, and everything it wrote is here.
    pub(super) fn spool_ended(&mut self, now_us: i64) -> anyhow::Result<()> {
        Ok(self.batch.spool_ends(self.spool, now_us)?)
    }

    /// Makes all of it last, together with how far the spool was read.
    pub(super) fn commit(mut self, position: Position) -> anyhow::Result<Stored> {
        if self.losses != Losses::default() {
            self.batch.lost(self.spool, self.losses)?;
        }
        self.batch.position(self.spool, position)?;
        self.batch.commit()?;
        Ok(self.stored)
    }
}

/// What a frame says of a file; `None` where its words are a newer version's.
fn observed(head: &Head, file: File, bytes: Vec<u8>) -> Option<Observed> {
    let call = CallId { session: file.session.clone(), call: file.call };
    Some(Observed {
        session: file.session,
        moment: match file.moment.as_str() {
            "before" => Moment::Before(call),
            "permitted" => Moment::Permitted(call),
            "after" => Moment::After(call),
            _ => return None,
        },
        path: file.path,
        named: Some(file.named).filter(|named| !named.is_empty()),
        at_us: i64::try_from(head.wall_us).unwrap_or(i64::MAX),
        found: match file.found.as_str() {
            "bytes" => Found::Text(bytes),
            "same" => Found::Same,
            "absent" => Found::Absent,
            "large" => Found::Large,
            "other" => Found::Other,
            "unreadable" => Found::Unreadable,
            _ => return None,
        },
        exact: !file.blanked,
        mark: file.hash,
        changed_us: file.changed_us,
    })
}

fn progress(open: &Open) -> Progress {
    Progress {
        outcome: open.exchange.outcome,
        bytes: open.received.bytes,
        chunks: open.received.chunks,
        timing: open.exchange.timing.clone(),
        last_byte_after_us: open.last_byte_after_us(),
    }
}
