//! What this process needs to deliver somewhere: the URL of a Postgres with its password, the key of a tracing backend.
//! It has them from its own environment and the user's `config.toml`, or not at all.

use std::fmt;

use octrace_export::{helicone, otlp};
use octrace_store::delivery::Identity;

use super::{
    super::place::Delivery,
    destination::{HELICONE, NEATLOGS, OTLP, POSTGRES, TraceOptions},
};
use crate::config::{
    backends::{Backends, Prints},
    database::DatabaseUrl,
};

/// How a destination is reached.
pub(crate) enum Reach<'a> {
    /// By this URL.
    Postgres(&'a DatabaseUrl),
    /// By HTTP.
    Backend(Access),
}

impl Delivery {
    /// How this process reaches a destination; `None` where it cannot: [`Delivery::lacks`] says what it lacks.
    pub(crate) fn reach(&self, to: &Identity) -> Option<Reach<'_>> {
        if to.kind == POSTGRES {
            return url(to, self.database.as_ref()).map(Reach::Postgres);
        }
        access(to, self.backends.as_ref()).map(Reach::Backend)
    }

    /// What this process lacks to deliver there, in words; `None` where it lacks nothing.
    pub(crate) fn lacks(&self, to: &Identity) -> Option<&'static str> {
        if self.reach(to).is_some() {
            return None;
        }
        Some(match TraceOptions::of(to) {
            _ if to.kind == POSTGRES => "its URL is not in this environment",
            Ok(TraceOptions { key: Some(_), .. }) => "its key is not in this environment",
            Ok(_) => "its endpoint is not in this environment",
            Err(_) => "a newer octrace named how things are delivered there",
        })
    }
}

/// The URL of a destination, if this process has it.
pub(super) fn url<'a>(
    destination: &Identity,
    database: Option<&'a DatabaseUrl>,
) -> Option<&'a DatabaseUrl> {
    database.filter(|url| destination.kind == POSTGRES && destination.name == url.name())
}

/// How a tracing backend is reached.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Access {
    /// Where requests go, all of it.
    pub(crate) url: String,
    /// What goes with each of them, keys included.
    pub(crate) headers: Vec<(String, String)>,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Access").field("url", &self.url).field("headers", &names).finish()
    }
}

/// How a tracing backend is reached, if this process, by its own environment and the user's file, has that very key for
/// that very endpoint. What is switched off for Helicone here gets nothing from here.
fn access(destination: &Identity, own: Option<&Backends>) -> Option<Access> {
    let own = own?;
    let key = TraceOptions::of(destination).ok()?.key;
    let is_it = |name: &str, print: Option<String>| name == destination.name && print == key;
    match destination.kind.as_str() {
        NEATLOGS => {
            let (name, url) = own.neatlogs.endpoint.value.as_ref()?.at(otlp::PATH);
            let key = own.neatlogs.key.value.as_ref()?;
            let headers = vec![("x-api-key".to_owned(), key.whole().to_owned())];
            is_it(&name, Some(key.print())).then_some(Access { url, headers })
        }
        HELICONE => {
            own.helicone.content()?;
            let (name, url) = own.helicone.endpoint.value.as_ref()?.at(helicone::PATH);
            let key = own.helicone.key.value.as_ref()?;
            let headers = vec![("authorization".to_owned(), format!("Bearer {}", key.whole()))];
            is_it(&name, Some(key.print())).then_some(Access { url, headers })
        }
        OTLP => {
            let own = &own.otlp;
            let none = Prints::new();
            if let Some((endpoint, print)) = own.of_environment(&none) {
                let (name, url) = endpoint.at(otlp::PATH);
                if is_it(&name, print) {
                    let headers = own.headers.value.as_ref().map(|list| list.whole().to_vec());
                    return Some(Access { url, headers: headers.unwrap_or_default() });
                }
            }
            own.tables.iter().map(|table| &table.value).find_map(|table| {
                let (name, url) = table.endpoint.at(otlp::PATH);
                let print = own.print(table, &none).ok()?;
                let headers =
                    is_it(&name, print).then(|| table.headers.whole(&own.variables))??;
                Some(Access { url, headers })
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::destination::traces, *};
    use crate::config::{Settings, tests::given};

    fn settings(file: &str, variables: &[(&str, &str)]) -> Settings {
        given(file, "{}", variables)
    }

    fn named(settings: &Settings) -> Vec<Identity> {
        let all = traces(settings, &[], &Prints::new());
        all.into_iter().map(|(identity, _)| identity).collect()
    }

    const FILE: &str = "helicone.api_key = 'geheim-1'\n\
        [[otlp]]\nendpoint = 'https://a.example/v1/traces'\nprofile = 'langfuse'\n\
        headers = { Authorization = 'Basic ${AUTH}', 'Content-Type' = 'text/plain' }\n\
        [[otlp]]\nendpoint = 'http://127.0.0.1:6006'\n";

    const KEYS: [(&str, &str); 4] = [
        ("NEATLOGS_API_KEY", "geheim-2"),
        ("OCTRACE_OTEL_EXPORTER_OTLP_ENDPOINT", "https://b.example/base"),
        ("OCTRACE_OTEL_EXPORTER_OTLP_HEADERS", "x-api-key=geheim%2D3"),
        ("AUTH", "geheim-4"),
    ];

    #[test]
    fn who_has_the_key_knows_where_to_send_and_with_what() {
        let own = settings(FILE, &KEYS);
        let named = named(&own);
        let found = named.iter().map(|identity| {
            let Access { url, headers } = access(identity, Some(&own.backends)).unwrap();
            format!("{} {}: {url} {headers:?}", identity.kind, identity.name)
        });
        insta::assert_snapshot!(found.collect::<Vec<_>>().join("\n"), @r#"
        neatlogs https://ingest.neatlogs.com: https://ingest.neatlogs.com/v1/traces [("x-api-key", "geheim-2")]
        helicone https://api.worker.helicone.ai: https://api.worker.helicone.ai/custom/v1/log [("authorization", "Bearer geheim-1")]
        otlp https://b.example/base: https://b.example/base/v1/traces [("x-api-key", "geheim-3")]
        otlp https://a.example: https://a.example/v1/traces [("Authorization", "Basic geheim-4")]
        otlp http://127.0.0.1:6006: http://127.0.0.1:6006/v1/traces []
        "#);
        for identity in &named {
            assert_eq!(access(identity, None), None);
            assert!(TraceOptions::of(identity).is_ok());
        }
    }

    #[test]
    fn who_has_another_key_or_another_endpoint_sends_nothing() {
        let named = named(&settings(FILE, &KEYS));
        let can = |file: &str, keys: &[(&str, &str)]| {
            let own = settings(file, keys).backends;
            let can = named.iter().map(|identity| access(identity, Some(&own)).is_some());
            can.collect::<Vec<_>>()
        };
        // Neatlogs, Helicone, the environment's, the file's.
        assert_eq!(can(FILE, &KEYS), [true; 5]);
        assert_eq!(can("", &[]), [false; 5]);
        assert_eq!(can(FILE, &[]), [false, true, false, false, true]);
        assert_eq!(can("", &KEYS), [true, false, true, false, false]);
        let other = KEYS.map(|(name, value)| (name, value.replace("geheim", "other")));
        let other = other.each_ref().map(|(name, value)| (*name, value.as_str()));
        assert_eq!(can(FILE, &other), [false, true, false, false, true]);
        let elsewhere = [KEYS[0], ("NEATLOGS_ENDPOINT", "https://theirs.example")];
        assert_eq!(can("", &elsewhere), [false; 5]);
        let off = [("OPENCODE_HELICONE_EXPORT_MODE", "off")];
        assert_eq!(can(FILE, &off), [false, false, false, false, true]);
        let grpc = [KEYS[1], KEYS[2], ("OCTRACE_OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
        assert_eq!(can("", &grpc), [false; 5]);
        let bare = [KEYS[1]];
        assert_eq!(can("", &bare), [false; 5], "the same endpoint without the headers");
    }

    #[test]
    fn the_spool_and_the_environment_name_the_same_destinations() {
        let own = settings(FILE, &KEYS);
        let Backends { neatlogs, otlp, .. } = &own.backends;
        let prints = [
            neatlogs.print(&Prints::new()).unwrap(),
            otlp.headers.value.as_ref().unwrap().print(),
            otlp.variables["AUTH"].print(),
        ];
        let names = [KEYS[0], KEYS[2], KEYS[3]].map(|(name, _)| name.to_owned());
        let keys = names.into_iter().zip(prints).collect();
        let told = traces(&settings(FILE, &[KEYS[1]]), &[], &keys);
        let told: Vec<_> = told.into_iter().map(|(identity, _)| identity).collect();
        assert_eq!(told, named(&own));
    }

    #[test]
    fn no_key_is_in_what_lies_on_the_tape_or_is_printed() {
        let own = settings(FILE, &KEYS);
        let named = traces(&own, &[], &Prints::new());
        let found: Vec<_> =
            named.iter().map(|(identity, _)| access(identity, Some(&own.backends))).collect();
        assert_eq!(found.iter().flatten().count(), 5);
        let whole: Vec<_> = found.iter().flatten().flat_map(|access| &access.headers).collect();
        assert!(format!("{whole:?}").contains("geheim-4"));
        let shown = format!("{named:?} {found:?} {own:?}");
        assert!(!shown.contains("geheim"), "{shown}");
    }
}
