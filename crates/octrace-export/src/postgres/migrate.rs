//! The tables: plain SQL, the same for octrace and for psql.

/// One file of SQL, which brings the tables to a version.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// From 1, without a gap.
    pub version: i32,
    /// The file's name.
    pub name: &'static str,
    /// The whole file: a transaction that changes nothing when it is run again.
    pub sql: &'static str,
}

/// Every migration, in order.
pub const MIGRATIONS: [Migration; 2] = [
    Migration {
        version: 1,
        name: "001_agent_trace_tables.sql",
        sql: include_str!("sql/001_agent_trace_tables.sql"),
    },
    Migration {
        version: 2,
        name: "002_agent_trace_indexes.sql",
        sql: include_str!("sql/002_agent_trace_indexes.sql"),
    },
];

/// The version that this octrace needs.
pub const VERSION: i32 = MIGRATIONS[MIGRATIONS.len() - 1].version;

/// All of them as one text for `psql`.
pub fn script() -> String {
    MIGRATIONS.map(|migration| migration.sql).join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_migration_is_a_transaction_that_writes_down_its_version() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            let Migration { version, name, sql } = migration;
            assert_eq!(usize::try_from(*version).unwrap(), index + 1);
            assert!(name.starts_with(&format!("{version:03}_")) && name.ends_with(".sql"));
            let inserted = format!(
                "INSERT INTO agent_trace_migrations (version) VALUES ({version}) ON CONFLICT DO NOTHING;\n\nCOMMIT;\n"
            );
            assert!(sql.contains("\nBEGIN;\n") && sql.ends_with(&inserted), "{name}");
            assert!(!sql.contains("DROP") && !sql.contains("DELETE FROM"), "{name}");
        }
    }
}
