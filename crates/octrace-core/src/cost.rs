//! Tokens into dollars, as OpenCode does it, so that the two can be compared to the cent.
//!
//! OpenCode bills reasoning as output and takes what was cached out of the input. A model can cost
//! more above a size of the whole input, cached included; then all of it does, not only what is above.

use serde_json::Value;

use crate::provider::Usage;

/// Dollars per million tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates {
    /// Input that was neither read from nor written to a cache.
    pub input: f64,
    /// Output, reasoning included.
    pub output: f64,
    /// Input read from the provider's cache.
    pub cache_read: f64,
    /// Input written to the provider's cache.
    pub cache_write: f64,
}

/// What a model costs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Price {
    /// The rates of ordinary requests.
    pub base: Rates,
    /// Rates for requests whose whole input is larger than so many tokens, the largest size first.
    pub tiers: Vec<(u64, Rates)>,
}

/// The size above which `experimentalOver200K` counts.
const OVER_200K: u64 = 200_000;

impl Price {
    /// Reads OpenCode's `model.cost` as sent: `{input, output, cache: {read, write}, tiers?,
    /// experimentalOver200K?}`. A rate that is missing or no number is zero, as for OpenCode, which
    /// also has zeros for models of unknown price. `None` where it is no such object.
    pub fn parse(json: &str) -> Option<Self> {
        let cost: Value = serde_json::from_str(json).ok()?;
        if !cost.is_object() {
            return None;
        }
        let tiers = cost["tiers"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut tiers: Vec<_> = tiers.iter().filter_map(tier).collect();
        // OpenCode looks at this older form only where no tier fits.
        let over_200k = &cost["experimentalOver200K"];
        let smallest = tiers.iter().map(|(size, _)| *size).min();
        if over_200k.is_object() && smallest.is_none_or(|size| size > OVER_200K) {
            tiers.push((OVER_200K, rates(over_200k)));
        }
        tiers.sort_by_key(|(size, _)| std::cmp::Reverse(*size));
        Some(Self { base: rates(&cost), tiers })
    }

    fn rates_for(&self, input: u64) -> &Rates {
        let fits = |(size, _): &&(u64, Rates)| input > *size;
        self.tiers.iter().find(fits).map_or(&self.base, |(_, rates)| rates)
    }
}

fn tier(tier: &Value) -> Option<(u64, Rates)> {
    let of = &tier["tier"];
    let size = of["size"].as_f64().filter(|_| of["type"] == "context")?;
    Some((size as u64, rates(tier)))
}

fn rates(value: &Value) -> Rates {
    let number = |value: &Value| value.as_f64().unwrap_or(0.0);
    let cache = &value["cache"];
    Rates {
        input: number(&value["input"]),
        output: number(&value["output"]),
        cache_read: number(&cache["read"]),
        cache_write: number(&cache["write"]),
    }
}

/// What `usage` costs at `price`, in dollars; zero where that is negative or beyond
/// counting.
pub fn cost_usd(usage: &Usage, price: &Price) -> f64 {
    let rates = price.rates_for(usage.input);
    let uncached = usage.input.saturating_sub(usage.cache_read).saturating_sub(usage.cache_write);
    let millionths = [
        (uncached, rates.input),
        (usage.output.max(usage.reasoning), rates.output),
        (usage.cache_read, rates.cache_read),
        (usage.cache_write, rates.cache_write),
    ];
    let sum: f64 = millionths.into_iter().map(|(tokens, rate)| tokens as f64 * rate).sum();
    // Dividing once, at the end, keeps the rounding out of what people see.
    let cost = sum / 1e6;
    if cost.is_finite() { cost.max(0.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PRICE: &str = r#"{"input":3,"output":15,"cache":{"read":0.3,"write":3.75}}"#;

    fn cost(price: &str, input: u64, output: u64, cache_read: u64, cache_write: u64) -> f64 {
        let usage = Usage { input, output, cache_read, cache_write, ..Usage::default() };
        cost_usd(&usage, &Price::parse(price).unwrap())
    }

    #[test]
    fn the_same_as_opencode_reported() {
        // From events that OpenCode 1.18.33 sent; its `input` leaves out what was cached.
        for (input, cache_read, output, reported) in
            [(98, 10, 3, 0.000342), (96, 10, 20, 0.000591), (97, 10, 20, 0.000594)]
        {
            assert_eq!(cost(PRICE, input + cache_read, output, cache_read, 0), reported);
        }
    }

    #[test]
    fn reasoning_is_billed_once_and_as_output() {
        let price = Price::parse(PRICE).unwrap();
        let usage = Usage { output: 100, reasoning: 60, ..Usage::default() };
        assert_eq!(cost_usd(&usage, &price), 0.0015);
    }

    #[test]
    fn a_large_input_costs_more_as_a_whole() {
        let tiered = r#"{"input":1,"output":0,"cache":{"read":0,"write":0},
            "tiers":[{"input":2,"output":0,"cache":{"read":0,"write":0},"tier":{"type":"context","size":100}},
                     {"input":4,"output":0,"cache":{"read":1,"write":0},"tier":{"type":"context","size":1000}},
                     {"input":9,"output":0,"tier":{"type":"other","size":10}}]}"#;
        for (input, cache_read, expect) in
            [(100, 0, 100.0), (101, 0, 202.0), (1000, 0, 2000.0), (1001, 1, 4001.0)]
        {
            assert_eq!(cost(tiered, input, 0, cache_read, 0), expect / 1e6, "{input}");
        }
        let older = r#"{"input":1,"output":1,"experimentalOver200K":{"input":2,"output":3}}"#;
        assert_eq!(cost(older, 200_000, 10, 0, 0), 0.20001);
        assert_eq!(cost(older, 200_001, 10, 0, 0), 0.400032);
    }

    #[test]
    fn a_fitting_tier_is_preferred_to_the_older_form() {
        let both = r#"{"input":1,"tiers":[{"input":2,"tier":{"type":"context","size":100}}],
            "experimentalOver200K":{"input":7}}"#;
        assert_eq!(cost(both, 300_000, 0, 0, 0), 0.6);
        let above = r#"{"input":1,"tiers":[{"input":2,"tier":{"type":"context","size":300000}}],
            "experimentalOver200K":{"input":7}}"#;
        assert_eq!(cost(above, 300_000, 0, 0, 0), 2.1);
    }

    #[test]
    fn odd_prices_are_read_as_far_as_they_go() {
        for (json, expect) in [
            ("null", None),
            ("[]", None),
            ("", None),
            ("{}", Some(Rates::default())),
            (r#"{"input":"3","output":2}"#, Some(Rates { output: 2.0, ..Rates::default() })),
            (r#"{"input":1,"cache":7,"tiers":{}}"#, Some(Rates { input: 1.0, ..Rates::default() })),
        ] {
            assert_eq!(Price::parse(json).map(|price| price.base), expect, "{json}");
        }
        assert_eq!(cost(r#"{"input":-3}"#, 100, 0, 0, 0), 0.0);
        assert_eq!(cost(r#"{"input":1e308}"#, u64::MAX, 0, 0, 0), 0.0);
    }

    proptest! {
        #[test]
        fn any_counts_have_a_finite_price(input: u64, output: u64, read: u64, write: u64) {
            let cost = cost(PRICE, input, output, read, write);
            prop_assert!(cost.is_finite() && cost >= 0.0);
        }
    }
}
