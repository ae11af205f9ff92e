//! A database's URL, read as libpq reads it, and what of it may be told.
//!
//! Nothing but the URL decides: no `PGPASSWORD`, no `~/.pgpass`, no service file. What it leaves open is set so that no
//! server, however it fails, is waited for without end.

use std::{fmt, time::Duration};

use tokio_postgres::config::{Config, Host, SslMode};

use super::tls::{Connector, Roots};

/// How long one address is tried, unless the URL says otherwise.
const CONNECT: Duration = Duration::from_secs(10);
/// After this time without an answer a connection is asked whether it is still there.
const IDLE: Duration = Duration::from_secs(30);
/// How often, and how many times.
const PROBE: Duration = Duration::from_secs(10);
const PROBES: u32 = 3;
/// How long sent bytes may remain without being acknowledged, where the system can tell (Linux).
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);

/// Parameters that applications have in their URLs for their own libraries; they say nothing about the database.
const OF_OTHERS: [&str; 10] = [
    "connection_limit",
    "pgbouncer",
    "pool_timeout",
    "pool_size",
    "prepare_threshold",
    "schema",
    "sslaccept",
    "socket_timeout",
    "statement_cache_size",
    "uselibpqcompat",
];

/// Where systems keep the authorities that they trust, for `sslrootcert=system`.
const SYSTEM_ROOTS: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Why a URL cannot be used. Never repeats a part of it that could be a password's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// Not `postgres://…`.
    #[error("it does not begin with postgres:// or postgresql://")]
    Scheme,
    /// An `@` behind the host: a password with `/`, `?` or `#` in it.
    #[error("a password with `/`, `?`, `#` or `@` in it must be percent-encoded")]
    Password,
    /// Not a URL that libpq would read.
    #[error("its host, port, path or parameters cannot be read")]
    Syntax,
    /// No host.
    #[error("it names no host; for a socket, `postgres://user@%2Frun%2Fpostgresql/database`")]
    Host,
    /// A parameter that is not understood, and may matter.
    #[error("its parameter `{0}` is not supported")]
    Parameter(String),
    /// A parameter whose value is not understood.
    #[error("its parameter `{0}` has a value that is not supported")]
    Value(&'static str),
    /// The certificates that `sslrootcert` names.
    #[error("its sslrootcert cannot be used: {0}")]
    Roots(String),
}

/// A database to connect to.
#[derive(Clone)]
pub struct Database {
    pub(super) config: Config,
    pub(super) tls: Connector,
    place: String,
}

impl Database {
    /// Reads `postgres://user:password@host:port,host:port/database?parameters`, also with `postgresql`, with percent
    /// signs, and with a folder of sockets in place of the host or as the parameter `host`.
    ///
    /// TLS is decided as libpq does. `sslmode=prefer`, the default, uses it where the server has it; `require` insists. Both
    /// encrypt, and **believe any certificate** unless `sslrootcert` names a file of authorities. `verify-ca` and
    /// `verify-full` need one; `verify-full` also demands the host's name in the certificate.
    /// `sslrootcert=system` is the system's own list, and means `verify-full`.
    ///
    /// # Errors
    /// When it is no such URL, has a parameter that is not understood, or names certificates that cannot be read.
    pub fn parse(url: &str) -> Result<Self, BadUrl> {
        let parts = Parts::of(url.trim())?;
        let mut config: Config = parts.url().parse().map_err(|_| BadUrl::Syntax)?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(BadUrl::Host);
        }
        let (mode, roots, check_name) = parts.tls()?;
        let sockets_only = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)))
            && config.get_hostaddrs().is_empty();
        config.ssl_mode(if sockets_only { SslMode::Disable } else { mode });
        be_impatient(&mut config);
        if config.get_application_name().is_none() {
            config.application_name("octrace");
        }
        let tls = Connector::new(roots, check_name).map_err(BadUrl::Roots)?;
        Ok(Self { place: place(&config), config, tls })
    }

    /// What it is for people: hosts, ports, database, user. No password, no parameter.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// A server's words without the password, should they repeat it, in one line of bounded length.
    pub(super) fn clean(&self, said: &str) -> String {
        /// What is shown of a message.
        const LONGEST: usize = 300;
        /// Shorter ones stand in any text.
        const SHORTEST: usize = 4;
        let password = self.config.get_password().and_then(|bytes| std::str::from_utf8(bytes).ok());
        let line: String = match password.filter(|password| password.len() >= SHORTEST) {
            Some(password) => said.replace(password, "[REDACTED]"),
            None => said.to_owned(),
        };
        line.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect()
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Database").field(&self.place).finish()
    }
}

/// A URL with its parameters apart: those about TLS are ours to understand, the others the library's.
struct Parts {
    /// Up to the parameters, with every `@` in the user's name and password encoded.
    base: String,
    /// For the library, as they stand.
    parameters: Vec<String>,
    mode: Option<String>,
    roots: Option<String>,
}

impl Parts {
    fn of(url: &str) -> Result<Self, BadUrl> {
        let (scheme, rest) = url.split_once("://").ok_or(BadUrl::Scheme)?;
        if !["postgres", "postgresql"].contains(&scheme.to_ascii_lowercase().as_str()) {
            return Err(BadUrl::Scheme);
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(end);
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        if rest.contains(['@', '#']) {
            return Err(BadUrl::Password);
        }
        let (who, hosts) = match authority.rsplit_once('@') {
            Some((who, hosts)) => (format!("{}@", who.replace('@', "%40")), hosts),
            None => (String::new(), authority),
        };
        let base = format!("postgres://{who}{hosts}{path}");
        let mut parts = Self { base, parameters: Vec::new(), mode: None, roots: None };
        for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
            parts.add(parameter)?;
        }
        Ok(parts)
    }

    fn add(&mut self, parameter: &str) -> Result<(), BadUrl> {
        /// What the library understands.
        const KNOWN: [&str; 18] = [
            "application_name",
            "channel_binding",
            "connect_timeout",
            "dbname",
            "host",
            "hostaddr",
            "keepalives",
            "keepalives_idle",
            "keepalives_interval",
            "keepalives_retries",
            "load_balance_hosts",
            "options",
            "password",
            "port",
            "sslnegotiation",
            "target_session_attrs",
            "tcp_user_timeout",
            "user",
        ];
        let (name, value) = parameter.split_once('=').ok_or(BadUrl::Syntax)?;
        match name {
            "sslmode" => self.mode = Some(value.to_owned()),
            "sslrootcert" => self.roots = Some(decoded(value)?),
            name if KNOWN.contains(&name) => self.parameters.push(parameter.to_owned()),
            name if OF_OTHERS.contains(&name) => {}
            name => {
                // What is not a plain word may be the rest of a password.
                let word = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
                return Err(if word { BadUrl::Parameter(name.to_owned()) } else { BadUrl::Syntax });
            }
        }
        Ok(())
    }

    fn url(&self) -> String {
        format!("{}?{}", self.base, self.parameters.join("&"))
    }

    /// Whether there is TLS, whose certificates are believed, and whether they must name the host.
    fn tls(&self) -> Result<(SslMode, Option<Roots>, bool), BadUrl> {
        let system = self.roots.as_deref() == Some("system");
        let mode = match self.mode.as_deref() {
            None if system => "verify-full",
            None => "prefer",
            Some(mode) => mode,
        };
        let roots = match &self.roots {
            None => None,
            Some(_) if mode == "disable" => None,
            Some(_) if system => {
                let found = SYSTEM_ROOTS.iter().find(|path| std::path::Path::new(path).is_file());
                let path = found.ok_or_else(|| {
                    BadUrl::Roots("this system's list of authorities is not found".to_owned())
                })?;
                Some(Roots::read(path).map_err(BadUrl::Roots)?)
            }
            Some(path) => Some(Roots::read(path).map_err(BadUrl::Roots)?),
        };
        let verified = |check_name| match &roots {
            Some(_) => Ok((SslMode::Require, check_name)),
            None => Err(BadUrl::Roots(format!("sslmode={mode} needs a file, or `system`"))),
        };
        let (ssl, check_name) = match mode {
            "disable" => (SslMode::Disable, false),
            "allow" | "prefer" => (SslMode::Prefer, system),
            "require" => (SslMode::Require, system),
            "verify-ca" => verified(system)?,
            "verify-full" => verified(true)?,
            _ => return Err(BadUrl::Value("sslmode")),
        };
        Ok((ssl, roots, check_name))
    }
}

/// Without percent signs.
fn decoded(value: &str) -> Result<String, BadUrl> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (Some(high), Some(low)) = (digit(), digit()) else { return Err(BadUrl::Syntax) };
        bytes.push(u8::try_from(high * 16 + low).map_err(|_| BadUrl::Syntax)?);
    }
    String::from_utf8(bytes).map_err(|_| BadUrl::Syntax)
}

/// Sets the limits that the URL does not.
fn be_impatient(config: &mut Config) {
    let defaults = Config::new();
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT);
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(UNACKNOWLEDGED);
    }
    if config.get_keepalives_idle() == defaults.get_keepalives_idle() {
        config.keepalives_idle(IDLE);
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_interval(PROBE);
    }
    if config.get_keepalives_retries().is_none() {
        config.keepalives_retries(PROBES);
    }
}

fn place(config: &Config) -> String {
    let port = |index: usize| {
        let ports = config.get_ports();
        ports.get(index).or(ports.first()).copied().unwrap_or(5432)
    };
    let mut hosts: Vec<String> = config
        .get_hosts()
        .iter()
        .enumerate()
        .map(|(index, host)| match host {
            Host::Tcp(name) if name.contains(':') => format!("[{name}]:{}", port(index)),
            Host::Tcp(name) => format!("{name}:{}", port(index)),
            Host::Unix(folder) => format!("{}:{}", folder.display(), port(index)),
        })
        .collect();
    if hosts.is_empty() {
        let addresses = config.get_hostaddrs().iter().enumerate();
        hosts.extend(addresses.map(|(index, address)| format!("{address}:{}", port(index))));
    }
    let mut place = hosts.join(",");
    if let Some(database) = config.get_dbname() {
        place.push_str(&format!(", database {database}"));
    }
    if let Some(user) = config.get_user() {
        place.push_str(&format!(", user {user}"));
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(url: &str) -> Result<String, BadUrl> {
        Database::parse(url).map(|database| database.place().to_owned())
    }

    #[test]
    fn a_place_is_told_without_password_and_parameters() {
        let all = [
            "postgres://me:geheim@db.example/trace?sslmode=require&application_name=x",
            "POSTGRESQL://me:ge@h:eim@db:5433/trace?schema=public&pgbouncer=true&connection_limit=1",
            "postgres://m%65:ge%2Fheim@a,b:5433,[::1]:5434/tr%C3%A4ce",
            "postgres://me@%2Frun%2Fpostgresql/trace",
            "postgres://me@/trace?host=/run/postgresql&port=5433&sslmode=require",
            "postgres://db",
        ];
        let told = all.map(|url| place(url).unwrap_or_else(|bad| bad.to_string()));
        insta::assert_snapshot!(told.join("\n"), @"
        db.example:5432, database trace, user me
        db:5433, database trace, user me
        a:5432,b:5433,[::1]:5434, database träce, user me
        /run/postgresql:5432, database trace, user me
        /run/postgresql:5433, database trace, user me
        db:5432
        ");
    }

    #[test]
    fn what_cannot_be_used_says_why_and_repeats_no_password() {
        let all = [
            "mysql://me:geheim@db/trace",
            "host=db password=geheim",
            "postgres://me:ge/heim@db/trace",
            "postgres://me:12#geheim@db/trace",
            "postgres://me:geheim",
            "postgres://me:geheim@/trace",
            "postgres://me:geheim@db:port/trace",
            "postgres://me:geheim@db/trace?sslmode=maybe",
            "postgres://me:geheim@db/trace?sslcert=/me.crt",
            "postgres://me:x@db/trace?geheim!=1",
            "postgres://me:x@db/trace?geheim",
            "postgres://me:geheim@db/trace?sslmode=verify-ca",
        ];
        let told = all.map(|url| place(url).unwrap_or_else(|bad| bad.to_string()));
        insta::assert_snapshot!(told.join("\n"), @"
        it does not begin with postgres:// or postgresql://
        it does not begin with postgres:// or postgresql://
        a password with `/`, `?`, `#` or `@` in it must be percent-encoded
        a password with `/`, `?`, `#` or `@` in it must be percent-encoded
        its host, port, path or parameters cannot be read
        it names no host; for a socket, `postgres://user@%2Frun%2Fpostgresql/database`
        its host, port, path or parameters cannot be read
        its parameter `sslmode` has a value that is not supported
        its parameter `sslcert` is not supported
        its host, port, path or parameters cannot be read
        its host, port, path or parameters cannot be read
        its sslrootcert cannot be used: sslmode=verify-ca needs a file, or `system`
        ");
        assert!(!told.concat().contains("geheim"));
    }

    #[test]
    fn what_a_server_says_is_cut_and_has_no_password() {
        let database = Database::parse("postgres://me:ge%20heim@db/trace").unwrap();
        assert_eq!(database.clean("no\nge heim\u{1b}[2J"), "no [REDACTED] [2J");
        assert_eq!(database.clean(&"x".repeat(1000)).len(), 300);
        assert_eq!(format!("{database:?}"), r#"Database("db:5432, database trace, user me")"#);
    }

    #[test]
    fn nothing_is_waited_for_without_end_unless_the_url_says_so() {
        let waits = |url: &str| {
            let database = Database::parse(url).unwrap();
            let config = database.config;
            (
                config.get_connect_timeout().copied(),
                config.get_tcp_user_timeout().copied(),
                config.get_keepalives_idle(),
            )
        };
        assert_eq!(waits("postgres://db"), (Some(CONNECT), Some(UNACKNOWLEDGED), IDLE));
        let seconds = |seconds| Duration::from_secs(seconds);
        let theirs = "postgres://db?connect_timeout=3&tcp_user_timeout=4&keepalives_idle=5";
        assert_eq!(waits(theirs), (Some(seconds(3)), Some(seconds(4)), seconds(5)));
    }
}
