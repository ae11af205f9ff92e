//! `/intercept` in one OpenCode process: whether it is on, who asked last, what came of it, and what went wrong.

use octrace_core::redact::Clean;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use crate::{Batch, Error, SpoolId, Tape};

/// The longest token and the longest message of an anomaly that are kept, in characters.
const LONGEST: usize = 500;

/// How `/intercept` stands in one OpenCode process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Intercept {
    /// Whether requests are dumped.
    pub enabled: bool,
    /// Of the last `/intercept`.
    pub token: String,
    /// Where it was typed.
    pub session: String,
    /// The token of the last request from outside that changed it.
    pub control: String,
    /// Dumps that were written.
    pub captures: u64,
    /// The bytes of their requests and responses.
    pub total_bytes: u64,
    /// How many anomalies there were.
    pub anomalies: u64,
    /// The newest anomaly.
    pub latest: Option<Anomaly>,
    /// Whether old dumps were deleted for this process.
    pub swept: bool,
}

/// Something that went wrong beside the recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// Where, such as `capture/dump-write`.
    pub phase: String,
    /// What; nothing of what was recorded.
    pub message: String,
}

impl Batch<'_> {
    /// `/intercept` was typed: it may turn dumping on or off, and is answered under its token.
    pub fn intercept_typed(
        &mut self,
        spool: SpoolId,
        enabled: Option<bool>,
        token: &str,
        session: &Clean<String>,
    ) -> Result<(), Error> {
        self.tx()?
            .prepare_cached(
                "INSERT INTO intercepts (spool, enabled, token, session) VALUES (?1, coalesce(?2, 0), ?3, ?4)
                 ON CONFLICT (spool) DO UPDATE SET enabled = coalesce(?2, enabled), token = ?3, session = ?4",
            )?
            .execute(params![spool.0, enabled, bounded(token), session.get()])?;
        Ok(())
    }

    /// Dumping was turned on or off from outside, by the request with this token.
    pub fn intercept_set(
        &mut self,
        spool: SpoolId,
        enabled: bool,
        control: &str,
    ) -> Result<(), Error> {
        self.tx()?
            .prepare_cached(
                "INSERT INTO intercepts (spool, enabled, control) VALUES (?1, ?2, ?3)
                 ON CONFLICT (spool) DO UPDATE SET enabled = ?2, control = ?3",
            )?
            .execute(params![spool.0, enabled, bounded(control)])?;
        Ok(())
    }
}

impl Tape {
    /// How `/intercept` stands in the process of this spool.
    ///
    /// # Errors
    /// When the tape cannot be read.
    pub fn intercept(&self, spool: SpoolId) -> Result<Intercept, Error> {
        let mut select = self.connection.prepare_cached(
            "SELECT enabled, token, session, control, captures, total_bytes, swept_us IS NOT NULL
             FROM intercepts WHERE spool = ?1",
        )?;
        let found = select.query_row([spool.0], |row| {
            Ok(Intercept {
                enabled: row.get(0)?,
                token: row.get(1)?,
                session: row.get(2)?,
                control: row.get(3)?,
                captures: row.get::<_, i64>(4)?.cast_unsigned(),
                total_bytes: row.get::<_, i64>(5)?.cast_unsigned(),
                swept: row.get(6)?,
                ..Intercept::default()
            })
        });
        let count = "SELECT count(*) FROM anomalies WHERE spool = ?1";
        let anomalies: i64 =
            self.connection.prepare_cached(count)?.query_row([spool.0], |row| row.get(0))?;
        let latest = self
            .connection
            .prepare_cached(
                "SELECT phase, message FROM anomalies WHERE spool = ?1 ORDER BY id DESC LIMIT 1",
            )?
            .query_row([spool.0], |row| Ok(Anomaly { phase: row.get(0)?, message: row.get(1)? }))
            .optional()?;
        let found = found.optional()?.unwrap_or_default();
        Ok(Intercept { anomalies: anomalies.cast_unsigned(), latest, ..found })
    }

    /// Old dumps were deleted on behalf of this process.
    ///
    /// # Errors
    /// When the tape cannot be written.
    pub fn dumps_swept(
        &mut self,
        spool: SpoolId,
        now_us: i64,
        anomalies: &[Anomaly],
    ) -> Result<(), Error> {
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute(
            "INSERT INTO intercepts (spool, swept_us) VALUES (?1, ?2)
             ON CONFLICT (spool) DO UPDATE SET swept_us = ?2",
            params![spool.0, now_us],
        )?;
        note(&tx, spool, now_us, anomalies)?;
        Ok(tx.commit()?)
    }
}

/// Notes anomalies, inside a transaction.
pub(crate) fn note(
    tx: &Connection,
    spool: SpoolId,
    now_us: i64,
    anomalies: &[Anomaly],
) -> Result<(), Error> {
    for Anomaly { phase, message } in anomalies {
        tx.prepare_cached(
            "INSERT INTO anomalies (spool, at_us, phase, message) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![spool.0, now_us, phase, bounded(message)])?;
    }
    Ok(())
}

fn bounded(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}
