//! Asking a Postgres what is in it, and putting something there.

use std::{io::Cursor, pin::pin};

use futures_util::SinkExt as _;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// A connection without TLS.
pub struct Sql {
    runtime: Runtime,
    client: Client,
}

impl Sql {
    /// Connects to the database of this URL.
    ///
    /// # Errors
    /// When that fails.
    pub fn connect(url: &str) -> anyhow::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (client, connection) = runtime.block_on(tokio_postgres::connect(url, NoTls))?;
        runtime.spawn(connection);
        Ok(Self { runtime, client })
    }

    /// Runs statements, and gives the rows of the answer: fields with `|` between them, `NULL` as `-`.
    ///
    /// # Errors
    /// When the server refuses one.
    pub fn run(&self, statements: &str) -> anyhow::Result<Vec<String>> {
        let messages = self.runtime.block_on(self.client.simple_query(statements))?;
        let rows = messages.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                let fields: Vec<_> = (0..row.len()).map(|i| row.get(i).unwrap_or("-")).collect();
                Some(fields.join("|"))
            }
            _ => None,
        });
        Ok(rows.collect())
    }

    /// Sends what a `COPY … FROM STDIN` takes.
    ///
    /// # Errors
    /// When the server refuses it.
    pub fn copy_in(&self, statement: &str, rows: Vec<u8>) -> anyhow::Result<()> {
        self.runtime.block_on(async {
            let mut sink = pin!(self.client.copy_in(statement).await?);
            sink.send(Cursor::new(rows)).await?;
            sink.finish().await?;
            Ok(())
        })
    }

    /// The number that a query gives.
    ///
    /// # Errors
    /// When it gives none.
    pub fn number(&self, query: &str) -> anyhow::Result<i64> {
        let rows = self.run(query)?;
        match rows.as_slice() {
            [row] => Ok(row.parse()?),
            rows => anyhow::bail!("{query} gives {} rows", rows.len()),
        }
    }
}
