//! The provider's message in an error body.
//!
//! All four dialects put it under `error.message`, but what answers is often a gateway before the
//! provider, and those have their own ideas.

use serde::Deserialize;

use super::{
    draft::bounded,
    lenient::{Lenient, Raw, Text},
};

/// Longest piece of a body that stands in for a message, in characters.
const MAX_EXCERPT: usize = 500;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Body<'a> {
    #[serde(borrow)]
    error: Raw<'a>,
    message: Lenient<Text>,
    /// FastAPI, and so vLLM and LiteLLM.
    #[serde(borrow)]
    detail: Raw<'a>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Fields {
    message: Lenient<Text>,
    code: Lenient<Text>,
    r#type: Lenient<Text>,
    status: Lenient<Text>,
}

/// The message in what stands under `error`: an object, mostly.
pub(super) fn of_object(error: Raw<'_>) -> Option<String> {
    // Some servers send an empty error with every chunk.
    if matches!(error.json(), "" | "{}" | "\"\"" | "false") {
        return None;
    }
    let fields = error.parse::<Fields>().unwrap_or_default();
    let words = [&fields.message, &fields.code, &fields.r#type, &fields.status];
    let word = words.into_iter().map(Lenient::as_str).find(|word| !word.trim().is_empty());
    Some(word.map_or_else(|| excerpt(&error.text_or_json()), str::to_owned))
}

/// The message in a body that is a JSON object, where it stands in one of the usual places.
pub(super) fn of_body(json: &str) -> Option<String> {
    let body: Body<'_> = serde_json::from_str(json).ok()?;
    let message = Some(body.message.as_str()).filter(|message| !message.is_empty());
    of_object(body.error)
        .or_else(|| message.map(str::to_owned))
        .or_else(|| body.detail.0.map(|_| excerpt(&body.detail.text_or_json())))
}

/// The beginning of a body that has no message we know to find.
pub(super) fn excerpt(text: &str) -> String {
    bounded(text.trim(), MAX_EXCERPT)
}

/// The title of an HTML page: what proxies say, "502 Bad Gateway".
pub(super) fn page_title(html: &str) -> Option<String> {
    let head = bounded(html, 16_384).to_ascii_lowercase();
    let from = head.find("<title>")? + "<title>".len();
    let to = from + head.get(from..)?.find("</title>")?;
    // Lowering ASCII keeps every byte's place.
    let title = html.get(from..to)?.trim();
    (!title.is_empty()).then(|| excerpt(title))
}
