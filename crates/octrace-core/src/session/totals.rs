//! Sums over model calls.

use super::{ModelCall, Session, Totals, Turn};
use crate::{exchange::Summary, provider::Usage};

impl Totals {
    /// Counts one exchange in.
    pub fn add(&mut self, exchange: &Summary) {
        self.requests += 1;
        self.errors += u64::from(exchange.is_error());
        self.spend(exchange.usage, exchange.cost_usd);
    }

    /// Counts one model call in, every attempt of it; what OpenCode reported where there is none.
    pub fn add_call(&mut self, call: &ModelCall) {
        for attempt in &call.attempts {
            self.add(attempt);
        }
        if call.attempts.is_empty() {
            self.spend(call.reported, call.reported_cost_usd);
        }
    }

    /// Counts other sums in.
    pub fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.errors += other.errors;
        self.spend(Some(other.usage), other.cost_usd);
    }

    fn spend(&mut self, usage: Option<Usage>, cost_usd: Option<f64>) {
        let usage = usage.unwrap_or_default();
        let sum = &mut self.usage;
        sum.input = sum.input.saturating_add(usage.input);
        sum.output = sum.output.saturating_add(usage.output);
        sum.reasoning = sum.reasoning.saturating_add(usage.reasoning);
        sum.cache_read = sum.cache_read.saturating_add(usage.cache_read);
        sum.cache_write = sum.cache_write.saturating_add(usage.cache_write);
        if let Some(cost) = cost_usd {
            self.cost_usd = Some(self.cost_usd.unwrap_or(0.0) + cost);
        }
    }
}

impl FromIterator<Totals> for Totals {
    fn from_iter<I: IntoIterator<Item = Totals>>(all: I) -> Self {
        let mut sum = Self::default();
        for totals in all {
            sum.merge(&totals);
        }
        sum
    }
}

impl ModelCall {
    /// Its own sums.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        totals.add_call(self);
        totals
    }
}

impl Session {
    /// Every model call of its own, in turns and unplaced.
    pub fn calls(&self) -> impl Iterator<Item = &ModelCall> {
        self.turns.iter().flat_map(|turn| &turn.calls).chain(&self.unplaced)
    }

    /// Its sub-agents' sessions, those under no `task` call included.
    pub fn sub_agents(&self) -> impl Iterator<Item = &Session> {
        let tools = self.calls().flat_map(|call| &call.tools);
        tools.filter_map(|tool| tool.child.as_deref()).chain(&self.children)
    }

    /// What somebody asked of a model: its turns without the commands that octrace answered.
    pub fn asked_turns(&self) -> impl Iterator<Item = &Turn> {
        self.turns.iter().filter(|turn| turn.reply.is_none())
    }

    /// Sums over its own calls.
    pub fn totals(&self) -> Totals {
        self.calls().map(ModelCall::totals).collect()
    }

    /// Sums over its own calls and those of its sub-agents, and theirs.
    pub fn totals_with_sub_agents(&self) -> Totals {
        let mut totals = self.totals();
        for child in self.sub_agents() {
            totals.merge(&child.totals_with_sub_agents());
        }
        totals
    }
}
