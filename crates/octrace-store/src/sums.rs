//! Sums and facets of sessions: what triggers keep (`schema/tape.sql`), made from the exchanges themselves.

use rusqlite::Connection;

use crate::Error;

/// What the sums have to be.
const SUMS: &str =
    "SELECT session, sum(requests), sum(errors), sum(open), sum(input_tokens), sum(output_tokens),
        sum(reasoning_tokens), sum(cache_read_tokens), sum(cache_write_tokens), sum(priced),
        sum(cost_nanos), sum(wire_bytes)
    FROM exchange_sums GROUP BY session";

/// What the facets have to be.
const FACETS: &str = "SELECT session, name, value, count(*) FROM exchange_facets GROUP BY 1, 2, 3
    UNION ALL SELECT session, name, value, count(*) FROM tool_facets GROUP BY 1, 2, 3";

/// At 0008 there were no rows of tools.
const FACETS_OF_EXCHANGES: &str =
    "SELECT session, name, value, count(*) FROM exchange_facets GROUP BY 1, 2, 3";

/// Makes all of them again.
pub(crate) fn fill(tape: &Connection) -> Result<(), Error> {
    tape.execute_batch(&format!(
        "DELETE FROM sums;
         INSERT INTO sums {SUMS};
         DELETE FROM facets;
         INSERT INTO facets {FACETS};"
    ))?;
    Ok(())
}

/// Makes them on a tape that had none.
pub(crate) fn begin(tape: &Connection) -> Result<(), Error> {
    tape.execute_batch(&format!(
        "INSERT INTO sums {SUMS};
         INSERT INTO facets {FACETS_OF_EXCHANGES};"
    ))?;
    Ok(())
}

/// How many rows are not as they have to be.
pub(crate) fn wrong(tape: &Connection) -> Result<i64, Error> {
    let sql = format!(
        "SELECT (SELECT count(*) FROM (SELECT * FROM ({SUMS}) EXCEPT SELECT * FROM sums))
             + (SELECT count(*) FROM sums WHERE requests != 0
                 AND session NOT IN (SELECT session FROM exchange_sums))
             + (SELECT count(*) FROM (SELECT * FROM ({FACETS}) EXCEPT SELECT * FROM facets))
             + (SELECT count(*) FROM (SELECT * FROM facets EXCEPT SELECT * FROM ({FACETS})))"
    );
    Ok(tape.query_row(&sql, [], |row| row.get(0))?)
}
