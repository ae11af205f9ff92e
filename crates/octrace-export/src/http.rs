//! Requests to tracing backends over HTTP, and what their answers mean for what was sent.

use std::{fs, io::Read, path::Path, sync::Arc, time::Duration};

use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};
use serde_json::Value;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use ureq::{
    Agent, Error, Timeout,
    config::Config,
    http::{HeaderName, Uri, header},
    tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem},
};

/// Beyond it an answer is not read.
const ANSWER_MAX: u64 = 64 * 1024;

/// Characters of a backend's own words in a reason.
const SAID_MAX: usize = 300;

/// From this size on, it is asked first whether the body is welcome: a server that answers 413 and closes would not be heard
/// while it is still being sent.
const ASKED_FIRST: usize = 1024 * 1024;

/// Where the usual systems keep the certificates that they believe, all in one file.
const ROOTS: [&str; 6] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/opt/homebrew/etc/ca-certificates/cert.pem",
];

/// What an answer means for what was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The backend has it for good.
    Accepted,
    /// The backend has some of it for good, and the rest never: it must not be sent again. How much and why, without keys.
    Partly(String),
    /// It is at fault itself: why, without content and without keys.
    Refused(String),
    /// Nobody knows, or the backend takes nothing at this moment: it is to be sent again.
    Later {
        /// Why, without content and without keys.
        why: String,
        /// How long the backend wants to be left in peace, where it says so.
        retry_after: Option<Duration>,
    },
}

/// What a backend answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The first 64 KiB. What it repeats of the request's secret headers is overwritten with asterisks.
    pub body: Vec<u8>,
    /// As the header has it.
    retry_after: Option<String>,
}

/// No answer came, or not all of it: nobody knows what became of what was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {why}")]
pub struct Unreachable {
    /// The URL without userinfo, query and fragment.
    pub place: String,
    /// In words, without anything of the request.
    pub why: String,
}

impl From<Unreachable> for Verdict {
    fn from(unreachable: Unreachable) -> Self {
        Self::Later { why: unreachable.to_string(), retry_after: None }
    }
}

/// Sends requests; keeps connections open between them.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
    /// Why no certificate can be believed; it is told when one has to be.
    no_roots: Option<String>,
    limit: Duration,
}

impl Client {
    /// Believes the certificates of the file that `SSL_CERT_FILE` names, or else the system's. Connecting may take 10 s,
    /// an answer 60 s in all, and no redirect is followed: keys are for the endpoint that somebody chose. Proxies are those of
    /// the environment.
    pub fn new() -> Self {
        Self::within(Duration::from_secs(60))
    }

    /// The same, but an answer may take this long.
    pub fn within(limit: Duration) -> Self {
        let named = std::env::var_os("SSL_CERT_FILE").filter(|name| !name.is_empty());
        Self::with(named.as_ref().map(Path::new), limit)
    }

    fn with(roots: Option<&Path>, limit: Duration) -> Self {
        let (roots, no_roots) = match find_roots(roots) {
            Ok(roots) => (roots, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(roots)))
            .unversioned_rustls_crypto_provider(Arc::new(aws_lc_rs::default_provider()))
            .build();
        let config = Config::builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(limit.min(Duration::from_secs(10))))
            .timeout_global(Some(limit))
            .user_agent(concat!("octrace/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.into(), no_roots, limit }
    }

    /// Posts `body` to `url` with these headers.
    ///
    /// # Errors
    /// When no whole answer came; also when the URL or a header cannot be sent at all. Of answers that say with their status
    /// that nothing was accepted, the head is enough.
    pub fn post(
        &self,
        url: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<Answer, Unreachable> {
        let uri: Option<Uri> = url.parse().ok();
        let known = uri.filter(|uri| {
            uri.host().is_some() && matches!(uri.scheme_str(), Some("http" | "https"))
        });
        let Some(uri) = known else {
            let why = "it is no URL that begins with http:// or https:// and a host".to_owned();
            return Err(Unreachable { place: "the endpoint".to_owned(), why });
        };
        let place = place(&uri);
        let fail = |why: String| Unreachable { place: place.clone(), why };
        if let Some(why) = &self.no_roots
            && uri.scheme_str() == Some("https")
        {
            return Err(fail(why.clone()));
        }
        let mut request = self.agent.post(uri);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if body.len() >= ASKED_FIRST {
            request = request.header(header::EXPECT, "100-continue");
        }
        let mut answered = request.send(body).map_err(|error| fail(self.words(&error)))?;
        let status = answered.status();
        let mut body = Vec::new();
        let read = answered.body_mut().as_reader().take(ANSWER_MAX).read_to_end(&mut body);
        if let Err(error) = read
            && status.is_success()
        {
            return Err(fail(self.words(&Error::from(error))));
        }
        blank(&mut body, headers);
        let retry_after = answered.headers().get(header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| Some(value.to_str().ok()?.to_owned()));
        Ok(Answer { status: status.as_u16(), body, retry_after })
    }

    /// What went wrong, without anything of the request: some of ureq's errors repeat it.
    fn words(&self, error: &Error) -> String {
        match error {
            Error::Io(error) => error.to_string(),
            Error::Rustls(error) => format!("TLS: {error}"),
            Error::Tls(what) => format!("TLS: {what}"),
            Error::HostNotFound => "the host is not known".to_owned(),
            Error::Timeout(Timeout::Connect | Timeout::Resolve) => {
                "no connection in time".to_owned()
            }
            Error::Timeout(_) => format!("no whole answer within {} s", self.limit.as_secs_f32()),
            Error::Http(_) => "a header has characters that HTTP does not allow".to_owned(),
            Error::Protocol(_) | Error::LargeResponseHeader(..) => {
                "the answer is no proper HTTP".to_owned()
            }
            Error::InvalidProxyUrl => "the environment's proxy is no URL".to_owned(),
            Error::ConnectProxyFailed(_) => {
                "the environment's proxy does not let it through".to_owned()
            }
            _ => "the connection failed".to_owned(),
        }
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl Answer {
    /// With this status and body, and no wish to be left in peace.
    #[cfg(test)]
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: body.into(), retry_after: None }
    }

    /// How long the backend wants to be left in peace, `now_us` being µs since the Unix epoch: it may have named a date.
    pub(crate) fn retry_after(&self, now_us: i64) -> Option<Duration> {
        let said = self.retry_after.as_deref()?.trim();
        if let Ok(seconds) = said.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let until: Timestamp = DateTimeParser::new().parse_timestamp(said).ok()?;
        let wait = until.as_microsecond().saturating_sub(now_us);
        Some(Duration::from_micros(wait.try_into().unwrap_or(0)))
    }

    /// Whether it is a page for browsers, which many a server has for whatever it is asked: who says so has no traces.
    pub fn is_page(&self) -> bool {
        let text = self.body.trim_ascii_start();
        let begins_with =
            |tag: &[u8]| text.get(..tag.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(tag));
        begins_with(b"<!doctype html") || begins_with(b"<html")
    }

    /// The backend's own words, cut after 300 characters; `None` where it says nothing that is for people.
    pub(crate) fn said(&self) -> Option<String> {
        let text = std::str::from_utf8(&self.body).ok()?.trim();
        if text.is_empty() || text.starts_with('<') {
            return None;
        }
        let json = serde_json::from_str::<Value>(text).ok();
        shortened(json.as_ref().and_then(message).unwrap_or(text))
    }

    /// What it means, as long as only the status says: `now_us` in µs since the Unix epoch.
    pub fn judge(&self, now_us: i64) -> Verdict {
        self.judge_with(self.said(), now_us)
    }

    /// [`Answer::judge`], with the backend's own words as somebody else read them.
    pub(crate) fn judge_with(&self, said: Option<String>, now_us: i64) -> Verdict {
        let status = self.status;
        let mut why = format!("answered {status}");
        match status {
            300..=399 => why.push_str(", a redirect, which is not followed"),
            401 | 403 => why.push_str(": it does not accept the key"),
            404 => why.push_str(": there is no such endpoint"),
            _ => {}
        }
        if let Some(said) = said {
            why = format!("{why} ({said})");
        }
        match status {
            200..=299 => Verdict::Accepted,
            400..=499 if !matches!(status, 401 | 403 | 404 | 408 | 429) => Verdict::Refused(why),
            _ => Verdict::Later { why, retry_after: self.retry_after(now_us) },
        }
    }
}

/// In one line, of what can be read, at most [`SAID_MAX`] characters.
pub(crate) fn shortened(text: &str) -> Option<String> {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    let line = words.join(" ");
    let mut short: String = line.chars().take(SAID_MAX).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    (!short.is_empty()).then_some(short)
}

/// Where backends have their words for people.
fn message(json: &Value) -> Option<&str> {
    ["error", "message", "detail"].iter().find_map(|name| match json.get(name)? {
        Value::String(text) => Some(text.as_str()),
        inner => inner.get("message")?.as_str(),
    })
}

/// The URL without what may be secret.
fn place(uri: &Uri) -> String {
    let scheme = uri.scheme_str().unwrap_or_default();
    let host = uri.host().unwrap_or_default();
    let port = uri.port().map_or_else(String::new, |port| format!(":{port}"));
    format!("{scheme}://{host}{port}{}", uri.path())
}

/// Overwrites what `body` repeats of headers that may be secret, whole or a word of them.
fn blank(body: &mut [u8], headers: &[(String, String)]) {
    let open = [header::CONTENT_TYPE, header::CONTENT_ENCODING, header::ACCEPT];
    let may_be_secret =
        |name: &str| name.parse::<HeaderName>().map_or(true, |name| !open.contains(&name));
    for (_, value) in headers.iter().filter(|(name, _)| may_be_secret(name)) {
        for secret in value.split_whitespace().filter(|word| word.len() >= 6) {
            let mut from = 0;
            while let Some(found) =
                body[from..].windows(secret.len()).position(|at| at == secret.as_bytes())
            {
                let to = from + found + secret.len();
                body[from + found..to].fill(b'*');
                from = to;
            }
        }
    }
}

/// The certificates to believe: of the file `named`, or of the first of the usual ones that there is.
fn find_roots(named: Option<&Path>) -> Result<Vec<Certificate<'static>>, String> {
    let usual = || ROOTS.iter().map(Path::new).find(|path| path.is_file());
    let Some(path) = named.or_else(usual) else {
        return Err(format!(
            "no certificates to believe: there is no {}; name the file by SSL_CERT_FILE",
            ROOTS.join(", ")
        ));
    };
    let shown = path.display();
    let told = |what: &str| format!("no certificates to believe: {shown}: {what}");
    let pem = fs::read(path).map_err(|error| told(&error.to_string()))?;
    let roots: Vec<_> = parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if roots.is_empty() {
        return Err(told("it has no certificate in PEM"));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests;
