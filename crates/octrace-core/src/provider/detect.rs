//! Which dialect an endpoint speaks.
//!
//! The URL knows best. Gateways with URLs of their own still pass the provider's body on, so its shape
//! comes second; two dialects share `messages`, and then what only one of them has decides. The SDK
//! package comes last: OpenCode's choice of it says little about gateways.

use super::{Dialect, outline::members};

impl Dialect {
    /// The dialect of a request: `npm` is the SDK package that OpenCode uses for the provider, `body`
    /// the request's.
    pub fn detect(npm: Option<&str>, url: &str, body: &[u8]) -> Self {
        of_url(url).or_else(|| of_body(npm, body)).or_else(|| of_npm(npm?)).unwrap_or_default()
    }
}

fn of_url(url: &str) -> Option<Dialect> {
    let path = url.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    [
        ("/chat/completions", Dialect::OpenaiChat),
        ("/responses", Dialect::OpenaiResponses),
        ("/messages", Dialect::Anthropic),
        (":generateContent", Dialect::Gemini),
        (":streamGenerateContent", Dialect::Gemini),
        // These carry `input` beside `model` too, or `messages`, and are answered in other ways.
        ("/embeddings", Dialect::Unknown),
        ("/converse", Dialect::Unknown),
        ("/converse-stream", Dialect::Unknown),
    ]
    .into_iter()
    .find(|(end, _)| path.ends_with(end))
    .map(|(_, dialect)| dialect)
}

fn of_body(npm: Option<&str>, body: &[u8]) -> Option<Dialect> {
    let (mut messages, mut input, mut model, mut contents) = (false, false, false, false);
    let mut only_anthropic = false;
    members(body, |member| match member.name {
        b"messages" => messages |= member.is_array,
        b"contents" => contents |= member.is_array,
        b"input" => input = true,
        b"model" => model = true,
        b"system" | b"anthropic_version" | b"anthropic_beta" | b"stop_sequences" => {
            only_anthropic = true;
        }
        _ => {}
    });
    if messages && (only_anthropic || npm.is_some_and(|npm| npm.contains("anthropic"))) {
        Some(Dialect::Anthropic)
    } else if messages {
        Some(Dialect::OpenaiChat)
    } else if contents {
        Some(Dialect::Gemini)
    } else {
        (input && model).then_some(Dialect::OpenaiResponses)
    }
}

fn of_npm(npm: &str) -> Option<Dialect> {
    match npm {
        "@ai-sdk/anthropic" | "@ai-sdk/google-vertex/anthropic" => Some(Dialect::Anthropic),
        "@ai-sdk/google" | "@ai-sdk/google-vertex" => Some(Dialect::Gemini),
        "@ai-sdk/openai" | "@ai-sdk/azure" => Some(Dialect::OpenaiResponses),
        "@ai-sdk/openai-compatible"
        | "@ai-sdk/groq"
        | "@ai-sdk/mistral"
        | "@ai-sdk/xai"
        | "@ai-sdk/deepinfra"
        | "@ai-sdk/cerebras"
        | "@ai-sdk/togetherai"
        | "@ai-sdk/perplexity"
        | "@ai-sdk/alibaba"
        | "@openrouter/ai-sdk-provider" => Some(Dialect::OpenaiChat),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_knows_best() {
        let lying = br#"{"contents":[]}"#;
        for (url, expect) in [
            ("https://api.openai.com/v1/chat/completions", "openai-chat"),
            (
                "https://x.openai.azure.com/openai/v1/responses?api-version=preview",
                "openai-responses",
            ),
            ("https://api.anthropic.com/v1/messages?beta=true", "anthropic"),
            ("https://gateway.example/anthropic/v1/messages/", "anthropic"),
            ("https://g.example/v1beta/models/m:generateContent", "gemini"),
            ("https://g.example/v1beta/models/m:streamGenerateContent?alt=sse", "gemini"),
            ("https://api.example/v1/embeddings", "unknown"),
            ("https://other.example/?u=/chat/completions", "gemini"),
        ] {
            assert_eq!(
                Dialect::detect(Some("@ai-sdk/openai"), url, lying).as_str(),
                expect,
                "{url}"
            );
        }
    }

    #[test]
    fn then_the_shape_then_the_package() {
        for (npm, body, expect) in [
            ("", r#"{"model":"m","messages":[]}"#, "openai-chat"),
            ("@ai-sdk/anthropic", r#"{"model":"m","messages":[]}"#, "anthropic"),
            ("@ai-sdk/openai", r#"{"anthropic_version":"v","messages":[]}"#, "anthropic"),
            ("", r#"{"messages":[{"role":"user"}],"system":"s"}"#, "anthropic"),
            ("", r#"{"model":"m","input":"hi"}"#, "openai-responses"),
            ("", r#"{"contents":[{"parts":[]}]}"#, "gemini"),
            ("", r#"{"x":{"messages":[]}}"#, "unknown"),
            ("@ai-sdk/google", "", "gemini"),
            ("@ai-sdk/openai", "not json", "openai-responses"),
            ("@ai-sdk/groq", "{}", "openai-chat"),
            ("@ai-sdk/amazon-bedrock", "{}", "unknown"),
        ] {
            let npm = Some(npm).filter(|npm| !npm.is_empty());
            let dialect = Dialect::detect(npm, "https://x.example/api", body.as_bytes());
            assert_eq!(dialect.as_str(), expect, "{npm:?} {body}");
        }
    }
}
