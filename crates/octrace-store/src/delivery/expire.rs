//! What has waited for too long, or is too much, becomes dead letters: a destination that is away for good does not fill
//! the disk.

use rusqlite::{TransactionBehavior, params};

use super::{DestinationId, Rules};
use crate::{Error, Tape};

impl Tape {
    /// Gives up what waits for this destination for longer than its rules allow, and of the rest, where that is more than
    /// they allow, the oldest; the newest item stays, however large it is. How many items that are.
    ///
    /// It looks at everything that waits where there is a bound for its size, else at what is too old. So it is for now
    /// and then, not for each batch.
    ///
    /// # Errors
    /// When the tape cannot be read or written.
    pub fn expire(&mut self, to: DestinationId, now_us: i64, rules: &Rules) -> Result<u64, Error> {
        let oldest_us = rules.max_age_ms.map(|ms| {
            let age_us = i64::try_from(ms).unwrap_or(i64::MAX).saturating_mul(1_000);
            now_us.saturating_sub(age_us)
        });
        let (mut old, mut large) = (Vec::new(), Vec::new());
        if let Some(oldest_us) = oldest_us {
            let mut select = self.connection.prepare_cached(
                "SELECT id, queued_us FROM deliveries
                 WHERE destination = ?1 AND dead_us IS NULL ORDER BY id",
            )?;
            let mut rows = select.query([to.0])?;
            // They lie in the order they came; the first that is young enough ends it.
            while let Some(row) = rows.next()? {
                if row.get::<_, i64>(1)? >= oldest_us {
                    break;
                }
                old.push(row.get::<_, i64>(0)?);
            }
        }
        if let Some(most) = rules.max_bytes {
            let mut select = self.connection.prepare_cached(
                "SELECT id, bytes FROM deliveries
                 WHERE destination = ?1 AND dead_us IS NULL AND id > ?2 ORDER BY id DESC",
            )?;
            let after = old.last().copied().unwrap_or(i64::MIN);
            let mut rows = select.query(params![to.0, after])?;
            let mut bytes = 0_u64;
            let mut is_first = true;
            while let Some(row) = rows.next()? {
                bytes = bytes.saturating_add(row.get::<_, i64>(1)?.cast_unsigned());
                if bytes > most && !is_first {
                    large.push(row.get(0)?);
                }
                is_first = false;
            }
        }
        if old.is_empty() && large.is_empty() {
            return Ok(0);
        }
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut expired = 0;
        let age = rules.max_age_ms.map(age).unwrap_or_default();
        let size = rules.max_bytes.map(size).unwrap_or_default();
        for (ids, reason) in [
            (old, format!("it waited for more than {age}: maxSpoolAge")),
            (large, format!("more than {size} waited: maxSpoolSize")),
        ] {
            let mut update = tx.prepare_cached(
                "UPDATE deliveries SET dead_us = ?2, retry_us = NULL, reason = ?3
                 WHERE id = ?1 AND dead_us IS NULL",
            )?;
            for id in ids {
                expired += update.execute(params![id, now_us, reason])? as u64;
            }
        }
        tx.commit()?;
        Ok(expired)
    }
}

/// In the largest unit that it is a whole number of.
fn age(ms: u64) -> String {
    let units = [(86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second")];
    in_units(ms, &units, "millisecond", "s")
}

fn size(bytes: u64) -> String {
    let units = [
        (1_000_000_000, "GB"),
        (1 << 30, "GiB"),
        (1_000_000, "MB"),
        (1 << 20, "MiB"),
        (1_000, "kB"),
        (1 << 10, "KiB"),
    ];
    in_units(bytes, &units, "bytes", "")
}

fn in_units(number: u64, units: &[(u64, &str)], smallest: &str, plural: &str) -> String {
    let fits = |(size, _): &&(u64, &str)| number >= *size && number.is_multiple_of(*size);
    let (size, unit) = units.iter().find(fits).copied().unwrap_or((1, smallest));
    let number = number / size;
    format!("{number} {unit}{}", if number == 1 { "" } else { plural })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_told_as_people_set_them() {
        let ages = [7 * 86_400_000, 86_400_000, 90 * 60_000, 1, 0].map(age);
        assert_eq!(ages, ["7 days", "1 day", "90 minutes", "1 millisecond", "0 milliseconds"]);
        let sizes = [50 << 20, 50_000_000, 1 << 30, 1_234].map(size);
        assert_eq!(sizes, ["50 MiB", "50 MB", "1 GiB", "1234 bytes"]);
    }
}
