//! The base URL of a tracing backend. What goes where is decided by it, so it says nothing but where: a user, a
//! password or parameters in it would be a key that nobody knows for one.

use crate::config::value::{Raw, Setting};

/// An HTTP URL without userinfo, query and fragment, always written the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint(String);

impl Endpoint {
    /// Reads `https://host:port/path`; `None` for everything else.
    pub(crate) fn new(url: &str) -> Option<Self> {
        let (scheme, rest) = url.trim().split_once("://")?;
        let scheme = scheme.to_ascii_lowercase();
        let own_port = match scheme.as_str() {
            "http" => 80,
            "https" => 443,
            _ => return None,
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = match authority.rsplit_once(':') {
            // One of many in an address.
            Some((_, end)) if end.ends_with(']') => (authority, None),
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        let port = match port {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse::<u16>().ok()?).filter(|port| *port != own_port)
            }
            Some(_) => return None,
            None => None,
        };
        if !is_host(host) || !path.bytes().all(is_of_path) {
            return None;
        }
        let host = host.to_ascii_lowercase();
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        Some(Self(format!("{scheme}://{host}{port}{}", path.trim_end_matches('/'))))
    }

    /// What it is called, and the URL that requests go to: with `path` behind it, unless it was written with that.
    pub(crate) fn at(&self, path: &str) -> (String, String) {
        let base = self.0.strip_suffix(path).unwrap_or(&self.0).trim_end_matches('/');
        (base.to_owned(), format!("{base}{path}"))
    }
}

fn is_host(host: &str) -> bool {
    let (host, is_of): (&str, fn(u8) -> bool) =
        match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(address) => (address, |byte| byte.is_ascii_hexdigit() || b":.".contains(&byte)),
            None => (host, |byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)),
        };
    !host.is_empty() && host.bytes().all(is_of)
}

fn is_of_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/._~%!$&'()*+,;=:-".contains(&byte)
}

impl Setting for Endpoint {
    const MUST_BE: &str = "a URL, `https://host/path`, without a user, a query or a fragment";

    fn read(raw: &Raw) -> Option<Self> {
        match raw {
            Raw::Text(url) | Raw::Variable(url) => Self::new(url),
            _ => None,
        }
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(url: &str) -> Option<String> {
        Endpoint::new(url).map(|endpoint| endpoint.0)
    }

    #[test]
    fn an_endpoint_has_one_name_however_it_is_written() {
        for url in ["https://api.example/v1", " HTTPS://API.example:443/v1//\n"] {
            assert_eq!(written(url).as_deref(), Some("https://api.example/v1"), "{url}");
        }
        assert_eq!(written("http://[::1]:4318").as_deref(), Some("http://[::1]:4318"));
        assert_eq!(written("http://[::1]:80/").as_deref(), Some("http://[::1]"));
        assert_ne!(written("http://a/X"), written("http://a/x"));
        for url in ["http://c:4318", "http://c:4318/", "http://c:4318/v1/traces/"] {
            let endpoint = Endpoint::new(url).unwrap();
            let expected = ("http://c:4318".to_owned(), "http://c:4318/v1/traces".to_owned());
            assert_eq!(endpoint.at("/v1/traces"), expected, "{url}");
        }
    }

    #[test]
    fn what_the_plugin_sends_of_a_url_is_the_same_place_or_none() {
        #[derive(serde::Deserialize)]
        struct Vectors {
            urls: Vec<Vector>,
        }
        #[derive(serde::Deserialize)]
        struct Vector {
            url: String,
            sent: String,
        }
        let vectors = include_str!("../../../../../fixtures/wire/endpoints.json");
        let Vectors { urls } = serde_json::from_str(vectors).unwrap();
        for Vector { url, sent } in urls {
            assert_eq!(written(&sent), written(&url), "{url:?}");
            assert_eq!(written(&url).is_none(), sent.is_empty(), "{url:?}");
            assert!(!sent.contains("heim"), "{sent}");
        }
    }
}
