//! One connection and what is done on it. The client library is asynchronous; here it runs on the calling thread, so that
//! everything has a time limit, and whatever is broken off is gone: connection, transaction and locks.

use std::{collections::HashSet, io::Cursor, pin::pin, time::Duration};

use futures_util::SinkExt as _;
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
    time::timeout,
};
use tokio_postgres::{Client, Error, SimpleQueryMessage, error::SqlState, types::Type};

use super::{
    config::Database,
    encode::{self, Row, Table},
    error::{Failure, Unavailable},
    migrate::{MIGRATIONS, VERSION},
};

/// What a transaction begins with. Its settings end with it, as poolers demand; all others are the server's and the
/// user's. Behind a pooler a connection may have been somebody else's, whose prepared statements have the names of
/// ours; therefore `DEALLOCATE`. The version is asked for each time: another octrace may have changed it.
const BEGIN: &str = "BEGIN; \
     SET LOCAL statement_timeout = '30s'; \
     SET LOCAL lock_timeout = '20s'; \
     SET LOCAL idle_in_transaction_session_timeout = '60s'; \
     DEALLOCATE ALL; \
     SELECT max(version) FROM agent_trace_migrations";

/// Notes the ids of a batch, and says which of them are to be left out.
const CLAIM: &str = include_str!("claim.sql");

/// Where records arrive, to be taken apart.
const INCOMING: &str = include_str!("incoming.sql");
const MERGE: &str = include_str!("merge.sql");

/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// A connection.
pub(super) struct Session {
    runtime: Runtime,
    client: Client,
    /// Ends with the connection, and says why.
    connection: JoinHandle<Result<(), Error>>,
}

/// Why something was broken off.
enum Broken {
    /// By the server, or with the connection.
    Sql(Error),
    /// By us, since the tables have this version.
    Newer(i32),
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Sql(error)
    }
}

impl Session {
    /// Connects.
    pub(super) fn open(database: &Database, limit: Duration) -> Result<Self, Unavailable> {
        let place = database.place().to_owned();
        let runtime = match Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return Err(Unavailable::Connection { place, why: error.to_string() }),
        };
        let connecting =
            async { timeout(limit, database.config.connect(database.tls.clone())).await };
        match runtime.block_on(connecting) {
            Ok(Ok((client, connection))) => {
                let connection = runtime.spawn(connection);
                Ok(Self { runtime, client, connection })
            }
            failed => {
                // A name that is being looked up would be waited for.
                runtime.shutdown_background();
                Err(match failed {
                    Ok(Err(error)) => database.unavailable(&error),
                    _ => Unavailable::Silent { place, limit },
                })
            }
        }
    }

    /// Stores rows, all or none, in tables that are made first if need be. Those that the database knows are left out.
    pub(super) fn store(
        &mut self,
        database: &Database,
        rows: &[Row],
        limit: Duration,
    ) -> Result<(), Failure> {
        self.within(database, limit, async |client| {
            if begin(client).await? < VERSION {
                client.batch_execute("ROLLBACK").await?;
                migrate(client).await?;
                begin(client).await?;
            }
            let mut known = claim(client, rows).await?;
            let new: Vec<_> = rows.iter().filter(|row| known.insert(row.id)).collect();
            // Tables in the order in which a migration takes them.
            if new.iter().any(|row| row.table == Table::Records) {
                client.batch_execute(INCOMING).await?;
                copy(client, Table::Records, &new).await?;
                client.batch_execute(MERGE).await?;
            }
            copy(client, Table::Events, &new).await?;
            Ok(client.batch_execute("COMMIT").await?)
        })
    }

    /// Brings the tables to this octrace's version, and says which they had; 0: none.
    pub(super) fn migrate(&mut self, database: &Database, limit: Duration) -> Result<i32, Failure> {
        self.within(database, limit, migrate)
    }

    /// Which version the tables have; 0: none.
    pub(super) fn version(&mut self, database: &Database, limit: Duration) -> Result<i32, Failure> {
        self.within(database, limit, version)
    }

    /// Takes leave, so that the server does not note that it was left.
    pub(super) fn close(self) {
        let Self { runtime, client, connection } = self;
        drop(client);
        // Whoever does not answer is left all the same.
        runtime.block_on(async { timeout(FAREWELL, connection).await.ok() });
        runtime.shutdown_background();
    }

    /// Does something within a time. After [`Failure::Item`] the connection can be used as before; after another
    /// failure it must not.
    fn within<T>(
        &mut self,
        database: &Database,
        limit: Duration,
        work: impl AsyncFnOnce(&Client) -> Result<T, Broken>,
    ) -> Result<T, Failure> {
        let place = || database.place().to_owned();
        let Self { runtime, client, connection } = self;
        runtime.block_on(async {
            match timeout(limit, work(client)).await {
                Ok(Ok(done)) => Ok(done),
                Ok(Err(Broken::Newer(found))) => {
                    Err(Unavailable::Newer { place: place(), found, known: VERSION }.into())
                }
                Ok(Err(Broken::Sql(error))) => {
                    let failure = database.failure(&error);
                    if matches!(failure, Failure::Item(_)) {
                        let rollback = timeout(FAREWELL, client.batch_execute("ROLLBACK")).await;
                        return Err(match rollback {
                            Ok(Err(error)) => database.unavailable(&error).into(),
                            _ => failure,
                        });
                    }
                    // The connection itself knows more than those who find it closed.
                    let ended = if error.is_closed() {
                        timeout(FAREWELL, connection).await
                    } else {
                        return Err(failure);
                    };
                    Err(match ended {
                        Ok(Ok(Err(cause))) => database.unavailable(&cause).into(),
                        _ => failure,
                    })
                }
                Err(_) => Err(Unavailable::Silent { place: place(), limit }.into()),
            }
        })
    }
}

/// Begins a transaction; the version of the tables.
async fn begin(client: &Client) -> Result<i32, Broken> {
    found(client.simple_query(BEGIN).await)
}

async fn version(client: &Client) -> Result<i32, Broken> {
    found(client.simple_query("SELECT max(version) FROM agent_trace_migrations").await)
}

/// Takes ids for this transaction; those that the database had before.
async fn claim(client: &Client, rows: &[Row]) -> Result<HashSet<u128>, Broken> {
    let ids: Vec<String> = rows.iter().map(|row| format!("{:032x}", row.id)).collect();
    let known = client.query_typed(CLAIM, &[(&ids, Type::TEXT_ARRAY)]).await?;
    let ids = known.iter().map(|row| Ok(encode::uuid(row.try_get(0)?).unwrap_or_default()));
    ids.collect()
}

/// Copies those of the rows that belong to this table.
async fn copy(client: &Client, table: Table, rows: &[&Row]) -> Result<(), Broken> {
    let mut bytes = encode::HEADER.to_vec();
    for row in rows.iter().filter(|row| row.table == table) {
        bytes.extend_from_slice(&row.bytes);
    }
    if bytes.len() > encode::HEADER.len() {
        bytes.extend(encode::TRAILER);
        let mut sink = pin!(client.copy_in(table.copy()).await?);
        sink.send(Cursor::new(bytes)).await?;
        sink.finish().await?;
    }
    Ok(())
}

/// What the database says of its tables.
fn found(answer: Result<Vec<SimpleQueryMessage>, Error>) -> Result<i32, Broken> {
    let messages = match answer {
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => return Ok(0),
        answer => answer?,
    };
    let version = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
        _ => None,
    });
    match version {
        Some(version) if version > VERSION => Err(Broken::Newer(version)),
        version => Ok(version.unwrap_or(0)),
    }
}

async fn migrate(client: &Client) -> Result<i32, Broken> {
    let had = version(client).await?;
    for migration in &MIGRATIONS {
        // Another may have been here while we waited for our turn.
        if version(client).await? < migration.version {
            client.batch_execute(migration.sql).await?;
        }
    }
    Ok(had)
}
