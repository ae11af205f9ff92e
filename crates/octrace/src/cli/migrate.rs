//! `octrace migrate`: the tables of Agent Trace in Postgres.

use clap::Args;
use octrace_export::postgres::{
    Client, Database, Unavailable,
    migrate::{VERSION, script},
};

use super::{
    Context,
    error::{Failure, Result},
};

/// Make the tables of Agent Trace in Postgres, or bring them up to date
///
/// In the database of AGENT_TRACE_DATABASE_URL, or of DATABASE_URL where AGENT_TRACE_ENABLED=true says that it is meant.
/// octrace does the same by itself when it first delivers something; this is for databases whose tables are made by
/// somebody else. Nothing is ever deleted, and repeating it changes nothing.
#[derive(Args)]
pub(super) struct Migrate {
    /// Print the SQL, for `psql`, and touch no database
    #[arg(long)]
    print: bool,
}

impl Migrate {
    pub(super) fn run(self, context: &mut Context) -> Result {
        let Context { settings, out, .. } = context;
        if self.print {
            return out.print(&script());
        }
        let Some(url) = &settings.agent_trace.database.value else {
            return Err(Failure::failed("no database is set")
                .hint("Set AGENT_TRACE_DATABASE_URL=postgres://user:password@host/database."));
        };
        let database = Database::parse(url.whole()).map_err(|bad| {
            Failure::failed(format!("the URL of {} cannot be used: {bad}", url.name()))
        })?;
        let mut client = Client::new(database, None);
        let had = client.migrate().map_err(unavailable)?;
        let place = client.place();
        out.line(&match had {
            VERSION => format!("The tables are there already, version {VERSION}: {place}"),
            0 => format!("The tables are made, version {VERSION}: {place}"),
            had => format!("The tables had version {had} and now have {VERSION}: {place}"),
        })
    }
}

fn unavailable(why: Unavailable) -> Failure {
    let hint = why.hint();
    let failure = Failure::from(anyhow::Error::new(why));
    match hint {
        // Whoever is here has run it already.
        Some(hint) if !hint.starts_with("`octrace migrate`") => failure.hint(hint),
        Some(_) => failure
            .hint("`octrace migrate --print` gives the SQL for somebody who may make tables."),
        None => failure,
    }
}
