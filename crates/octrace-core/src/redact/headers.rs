//! Which header values are kept. Names stay, every other value becomes `[REDACTED]`.
//!
//! The plugin has the same list (`plugin/headers.ts`), so that other values do not even reach the spool;
//! this one does not rely on that.

use super::key;

/// Lower case, sorted.
const KEPT: &[&str] = &[
    "accept",
    "accept-encoding",
    "accept-language",
    "anthropic-beta",
    "anthropic-version",
    "apim-request-id",
    "cache-control",
    "cf-ray",
    "connection",
    "content-encoding",
    "content-language",
    "content-length",
    "content-type",
    "copilot-integration-id",
    "date",
    "host",
    "keep-alive",
    "openai-beta",
    "openai-intent",
    "openai-model",
    "openai-processing-ms",
    "openai-version",
    "request-id",
    "retry-after",
    "retry-after-ms",
    "server",
    "server-timing",
    "session_id",
    "transfer-encoding",
    "user-agent",
    "vary",
    "x-amzn-requestid",
    "x-cloud-trace-context",
    "x-envoy-upstream-service-time",
    "x-goog-api-client",
    "x-initiator",
    "x-ms-region",
    "x-parent-session-id",
    "x-request-id",
    "x-session-affinity",
    "x-session-id",
    "x-should-retry",
];

/// Lower case beginnings, of names that do not say themselves that their value is secret.
const KEPT_PREFIXES: &[&str] =
    &["anthropic-ratelimit-", "x-opencode-", "x-ratelimit-", "x-stainless-"];

/// Whether this header's value is kept; literal secrets are searched for in it all the same.
pub(super) fn is_kept(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    KEPT.binary_search(&name.as_str()).is_ok()
        || KEPT_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) && !is_suspect(&name)
}

fn is_suspect(name: &str) -> bool {
    key::secret_parameter(name.as_bytes()) || name.contains("auth")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_announces_no_secret() {
        assert!(KEPT.is_sorted());
        for name in KEPT {
            assert!(!is_suspect(name), "{name}");
        }
    }

    #[test]
    fn the_plugin_has_the_same_list() {
        let plugin = include_str!("../../../../plugin/headers.ts");
        let (_, list) = plugin.split_once("new Set([").unwrap();
        let (list, _) = list.split_once("]);").unwrap();
        let quoted =
            |line: &str| Some(line.trim().strip_prefix('"')?.strip_suffix("\",")?.to_owned());
        let mut names: Vec<_> = list.lines().filter_map(quoted).collect();
        names.sort_unstable();
        assert_eq!(names, KEPT);
    }

    #[test]
    fn values_are_kept_by_name() {
        for name in [
            "Content-Type",
            "x-session-affinity",
            "X-OpenCode-Session",
            "x-ratelimit-limit-tokens",
            "anthropic-ratelimit-tokens-remaining",
            "Retry-After",
            "request-id",
        ] {
            assert!(is_kept(name), "{name}");
        }
        for name in [
            "authorization",
            "x-api-key",
            "api-key",
            "x-goog-api-key",
            "cookie",
            "set-cookie",
            "proxy-authorization",
            "location",
            "referer",
            "x-forwarded-for",
            "openai-organization",
            "x-amz-security-token",
            "x-opencode-api-key",
            "x-opencode-authentication",
            "x-stainless-token",
            "anything-else",
            "",
        ] {
            assert!(!is_kept(name), "{name}");
        }
    }
}
