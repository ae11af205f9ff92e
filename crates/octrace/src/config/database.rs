//! The URL of a Postgres: what goes where is decided by what it names, and nobody ever sees its password.

use std::fmt;

use super::value::{Raw, Setting};

/// Parameters that say where it is, or who asks: they would make two databases of one name.
const ELSEWHERE: [&str; 5] = ["host", "hostaddr", "port", "user", "dbname"];

/// The URL of a Postgres, with its password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DatabaseUrl {
    whole: String,
    name: String,
    has_password: bool,
}

impl DatabaseUrl {
    /// Reads `postgres://user:password@host:port/database?…`; `None` for anything else.
    pub(crate) fn new(url: &str) -> Option<Self> {
        let (scheme, rest) = url.trim().split_once("://")?;
        if !["postgres", "postgresql"].contains(&scheme.to_ascii_lowercase().as_str()) {
            return None;
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let (rest, _fragment) = rest.split_once('#').unwrap_or((rest, ""));
        let (path, parameters) = rest.split_once('?').unwrap_or((rest, ""));
        let elsewhere = |parameter: &str| {
            let (name, _) = parameter.split_once('=').unwrap_or((parameter, ""));
            // No name of these needs a percent sign; one that has some hides what it is.
            name.contains('%') || ELSEWHERE.contains(&name.to_ascii_lowercase().as_str())
        };
        // Behind the host, such a sign is a password's that nobody encoded: half of it would pass for a host.
        if url.matches('@').count() != authority.matches('@').count()
            || parameters.split('&').any(elsewhere)
        {
            return None;
        }
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (user, password) = user.split_once(':').unwrap_or((user, ""));
        let host = host_and_port(host)?;
        let database = path.trim_start_matches('/');
        let at = if user.is_empty() { "" } else { "@" };
        Some(Self {
            whole: url.trim().to_owned(),
            name: format!("postgres://{user}{at}{host}/{database}"),
            has_password: !password.is_empty() || parameters.contains("password"),
        })
    }

    /// All of it: for whoever connects, and for nothing else.
    pub(crate) fn whole(&self) -> &str {
        &self.whole
    }

    /// Which database it is, the same however it was written: without password and parameters.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// As they are always written; `None` where they are neither.
fn host_and_port(written: &str) -> Option<String> {
    let (host, port) = match written.rsplit_once(':') {
        // One of many in an address.
        Some((_, end)) if end.contains(']') => (written, ""),
        Some((host, port)) => (host, port),
        None => (written, ""),
    };
    if host.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // A socket's folder is a path.
    let host = if host.contains('%') { host.to_owned() } else { host.to_ascii_lowercase() };
    Some(if matches!(port, "" | "5432") { host } else { format!("{host}:{port}") })
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DatabaseUrl").field(&self.name).finish()
    }
}

impl Setting for DatabaseUrl {
    const MUST_BE: &str = "the URL of a Postgres, `postgres://user:password@host/database`, with its host before the database";

    fn read(raw: &Raw) -> Option<Self> {
        match raw {
            Raw::Text(url) | Raw::Variable(url) => Self::new(url),
            _ => None,
        }
    }

    fn show(&self) -> String {
        let masked = if self.has_password { " (with a password)" } else { "" };
        format!("{}{masked}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(url: &str) -> Option<String> {
        DatabaseUrl::new(url).map(|url| url.name().to_owned())
    }

    #[test]
    fn a_database_has_one_name_however_it_is_written() {
        for url in [
            "postgres://me@db.example/trace",
            "postgres://me:geheim@db.example/trace",
            "postgresql://me:ge@h:eim@DB.example:5432/trace?sslmode=require",
            "POSTGRES://me@db.example:/trace?password=geheim&connect_timeout=3#x",
        ] {
            assert_eq!(name(url).as_deref(), Some("postgres://me@db.example/trace"), "{url}");
        }
        assert_eq!(name("postgres://db/trace").as_deref(), Some("postgres://db/trace"));
        assert_eq!(name("postgres://db").as_deref(), Some("postgres://db/"));
        assert_ne!(name("postgres://me@db:5433/trace"), name("postgres://me@db/trace"));
        assert_ne!(name("postgres://me@db/Trace"), name("postgres://me@db/trace"));
        assert_eq!(name("postgres://%2FRun%2Fpg/t").as_deref(), Some("postgres://%2FRun%2Fpg/t"));
        assert_eq!(name("postgres://me@[::1]:5432/t").as_deref(), Some("postgres://me@[::1]/t"));
    }

    #[test]
    fn what_the_plugin_sends_of_a_url_names_the_same_database() {
        #[derive(serde::Deserialize)]
        struct Vectors {
            urls: Vec<Vector>,
        }
        #[derive(serde::Deserialize)]
        struct Vector {
            url: String,
            sent: String,
        }
        let vectors = include_str!("../../../../fixtures/wire/databases.json");
        let Vectors { urls } = serde_json::from_str(vectors).unwrap();
        for Vector { url, sent } in urls {
            assert_eq!(name(&sent), name(&url), "{url:?}");
            assert!(!sent.contains("heim"), "{sent}");
        }
    }

    #[test]
    fn what_is_no_url_of_a_postgres_or_means_another_place_is_none() {
        for url in [
            "",
            "postgres",
            "mysql://me@db/app",
            "host=db dbname=app",
            "postgres:///trace",
            "postgres://me@/trace",
            "postgres://me:ge/heim@db/trace",
            "postgres://me:ge?heim@db/trace",
            "postgres://me:12#heim@db/trace",
            "postgres://me:geheim/trace",
            "postgres://db/trace?host=elsewhere",
            "postgres://db/trace?sslmode=require&DBName=other",
            "postgres://db/trace?%68ost=elsewhere",
        ] {
            assert_eq!(name(url), None, "{url}");
        }
    }

    #[test]
    fn nothing_shows_the_password() {
        for url in ["postgres://me:geheim@db/trace", "postgres://me@db/trace?sslpassword=geheim"] {
            let url = DatabaseUrl::new(url).unwrap();
            assert_eq!(url.show(), "postgres://me@db/trace (with a password)");
            assert_eq!(format!("{url:?}"), r#"DatabaseUrl("postgres://me@db/trace")"#);
            assert!(url.whole().contains("geheim"));
        }
    }
}
