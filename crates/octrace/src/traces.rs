//! Turns as tracing backends get them: the spans of what is recorded, with what was said, and of that what the receiver is
//! to have. Delivery and `octrace export otlp` ask for the same.

use octrace_core::{
    exchange::{self, Outcome},
    redact::Redactor,
    trace::{self, Content, ModelSpan, Recorded, SessionFacts, Span, Turn, What, content},
};
use octrace_export::otlp::{Packer, Parcel};
use octrace_store::{Error, Tape};

/// What is said in a span that goes out as OTLP has so many bytes at most. Profiles say some of it several times, and no
/// backend takes a request of any size.
const OTLP_SPAN_BYTES: usize = 1 << 20;

/// What of a turn somebody gets.
pub(crate) struct Share<'r> {
    /// How much.
    pub(crate) content: Content,
    /// Whether the instructions before the conversation are in it.
    pub(crate) system_prompt: bool,
    /// What is blanked besides what the tape blanks.
    pub(crate) redactor: Option<&'r Redactor>,
}

/// Reads turns, one after the other.
pub(crate) struct Reader<'t> {
    tape: &'t Tape,
    known: content::Known,
}

impl<'t> Reader<'t> {
    /// Of what is on this tape.
    pub(crate) fn new(tape: &'t Tape) -> Self {
        Self { tape, known: content::Known::default() }
    }

    /// Gives each span of a turn to `each`: the turn itself first, the others by their begin. The spans of the [`Turn`] itself
    /// are without what was said to models. The bodies of one model call at a time are in memory. Of a call whose bodies cannot
    /// be restored, all else is there; how many those are.
    ///
    /// # Errors
    /// When the tape cannot be read, and those of `each`.
    pub(crate) fn turn<E: From<Error>>(
        &mut self,
        recorded: Recorded,
        share: &Share<'_>,
        mut each: impl FnMut(&Turn, Span) -> Result<(), E>,
    ) -> Result<u64, E> {
        let mut turn = trace::build(&recorded);
        drop(recorded);
        for session in [&mut turn.session, &mut turn.root] {
            share.lessen_session(session);
        }
        let mut damaged = 0;
        for span in &turn.spans {
            let mut span = span.clone();
            if let What::Model(call) = &mut span.what {
                damaged += u64::from(!self.read(call)?);
            }
            share.lessen(&mut span);
            each(&turn, span)?;
        }
        Ok(damaged)
    }

    /// Packs a turn for whoever takes OTLP, as [`Reader::turn`] gives it, and gives the requests that are full to `take`.
    ///
    /// # Errors
    /// When the tape cannot be read, and those of `take`.
    pub(crate) fn otlp<E: From<Error>>(
        &mut self,
        recorded: Recorded,
        share: &Share<'_>,
        packer: &mut Packer,
        mut take: impl FnMut(Parcel) -> Result<(), E>,
    ) -> Result<u64, E> {
        let damaged = self.turn(recorded, share, |turn, mut span| {
            span.trim(OTLP_SPAN_BYTES);
            packer.push(turn, &span).into_iter().try_for_each(&mut take)
        })?;
        packer.end_turn().into_iter().try_for_each(take)?;
        Ok(damaged)
    }

    /// Reads what was said in a call; whether that can be restored.
    fn read(&mut self, call: &mut ModelSpan) -> Result<bool, Error> {
        let Some(attempt) = call.attempts.last() else { return Ok(true) };
        let exchange = match self.tape.exchange(attempt.exchange) {
            Ok(Some(exchange)) => exchange,
            // Pruned a moment ago.
            Ok(None) => return Ok(true),
            Err(error) if error.is_damage() => {
                tracing::warn!(
                    exchange = attempt.exchange,
                    "a request cannot be restored: {error}"
                );
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        let content_type = exchange::content_type(&exchange.response_headers);
        let has_response = exchange.summary.status.is_some();
        let response = has_response.then_some((&*content_type, &*exchange.response_body));
        let is_whole = exchange.summary.outcome == Outcome::Complete && !exchange.response_cut;
        content::read(call, &exchange.request_body, response, is_whole, &mut self.known);
        Ok(true)
    }
}

impl Share<'_> {
    fn lessen_session(&self, session: &mut SessionFacts) {
        if let Some(redactor) = self.redactor {
            session.redact(redactor);
        }
        if self.content == Content::MetadataOnly {
            session.without_content();
        }
    }

    fn lessen(&self, span: &mut Span) {
        if let Some(redactor) = self.redactor {
            span.redact(redactor);
        }
        if !self.system_prompt {
            span.without_system();
        }
        if self.content == Content::MetadataOnly {
            span.without_content();
        }
    }
}
