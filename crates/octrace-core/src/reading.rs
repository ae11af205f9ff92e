//! What an exchange says: read once when its request is there, and once when it is over.
//!
//! Both work on what is clean already, by [`crate::redact::Clean::derive`], so that what they give is clean as
//! well.

use crate::{
    cost::{self, Price},
    exchange::{Exchange, Outcome, Purpose},
    provider::{self, Usage},
};

/// What a request asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    /// What it is for.
    pub purpose: Purpose,
    /// The model: OpenCode's id, else what the body names.
    pub model: Option<String>,
    /// What is malformed, in words.
    pub problems: Vec<String>,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ending {
    /// The model that answered, in the provider's word.
    pub model: Option<String>,
    /// Tokens, as the provider counted them.
    pub usage: Option<Usage>,
    /// In dollars; `None` where tokens or prices are not known.
    pub cost_usd: Option<f64>,
    /// Why the model stopped, in the provider's word.
    pub finish: Option<String>,
    /// What went wrong: of the transport, or in the provider's own words.
    pub error: Option<String>,
    /// What could not be read, in words.
    pub problems: Vec<String>,
}

/// Reads a request.
pub fn asked(exchange: &Exchange) -> Asked {
    let request = &exchange.request;
    let ask = if exchange.request_cut {
        // Half a body is no JSON; that it was cut is said elsewhere.
        provider::Ask::default()
    } else {
        provider::read_request(exchange.dialect, &exchange.request_body)
    };
    Asked {
        purpose: request.agent.as_deref().map(Purpose::of_agent).unwrap_or_default(),
        model: request.model.clone().or(ask.model),
        problems: ask.problems,
    }
}

/// Reads what came of it.
pub fn ending(exchange: &Exchange) -> Ending {
    let Some(head) = &exchange.response else {
        return Ending { error: exchange.error.clone(), ..Ending::default() };
    };
    let whole = exchange.outcome == Outcome::Complete && !exchange.response_cut;
    let answer = provider::read_answer(
        exchange.dialect,
        &head.content_type(),
        &exchange.response_body,
        whole,
    );
    let price = exchange.request.price.as_deref().and_then(Price::parse);
    let cost_usd = match (&answer.usage, &price) {
        (Some(usage), Some(price)) => Some(cost::cost_usd(usage, price)),
        _ => None,
    };
    Ending {
        model: answer.model,
        usage: answer.usage,
        cost_usd,
        finish: answer.finish,
        error: exchange.error.clone().or(answer.error),
        problems: answer.problems,
    }
}
