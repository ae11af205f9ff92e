//! What is measured, and what it should be. `docs/benchmarks.md` has the same rows, as measured.

/// A row of the table.
pub(super) struct Target {
    /// What the benchmarks call it: `part.what`.
    pub(super) id: &'static str,
    /// In words.
    pub(super) about: &'static str,
    pub(super) unit: &'static str,
    pub(super) should: Should,
}

/// What a figure's median should be.
pub(super) enum Should {
    AtMost(f64),
    AtLeast(f64),
    /// It is what was added to something that varies by itself: the interval in which the median lies has to reach down
    /// to nothing.
    NoneAdded,
}

impl Should {
    /// `low` is the lower end of the interval in which the median lies.
    pub(super) fn is_met(&self, median: f64, low: f64) -> bool {
        match self {
            Self::AtMost(most) => median <= *most,
            Self::AtLeast(least) => median >= *least,
            Self::NoneAdded => low <= 0.0,
        }
    }

    /// With its unit.
    pub(super) fn shown(&self, unit: &str) -> String {
        match self {
            Self::AtMost(most) => format!("≤ {most} {unit}"),
            Self::AtLeast(least) => format!("≥ {least} {unit}"),
            Self::NoneAdded => "none".to_owned(),
        }
    }
}

const fn at_most(id: &'static str, most: f64, unit: &'static str, about: &'static str) -> Target {
    Target { id, about, unit, should: Should::AtMost(most) }
}

const fn at_least(id: &'static str, least: f64, unit: &'static str, about: &'static str) -> Target {
    Target { id, about, unit, should: Should::AtLeast(least) }
}

const fn none(id: &'static str, unit: &'static str, about: &'static str) -> Target {
    Target { id, about, unit, should: Should::NoneAdded }
}

/// By part, in the order of the table.
pub(super) const TARGETS: &[Target] = &[
    at_most(
        "plugin.request_100k.cpu",
        3.0,
        "ms",
        "CPU added to OpenCode by a request of 100 KB answered in 500 paced chunks",
    ),
    at_most("plugin.request_100k.first_byte", 0.1, "ms", "time added to the first byte, 100 KB"),
    at_most("plugin.request_1m.first_byte", 0.1, "ms", "time added to the first byte, 1 MB"),
    at_most(
        "plugin.request_1m.cpu",
        5.0,
        "ms",
        "CPU added by a request of 1 MB answered in 2,000 chunks",
    ),
    at_most("plugin.memory", 10.0, "MB", "peak memory added to OpenCode"),
    at_most("plugin.event.cpu", 5.0, "µs", "CPU of a call of the `event` hook, 1 KB"),
    at_most("plugin.tool.cpu", 20.0, "µs", "CPU of a tool's two hooks, without a file"),
    at_most("plugin.init", 5.0, "ms", "initialisation of the plugin"),
    at_most(
        "opencode.run.cpu_ratio",
        1.03,
        "×",
        "CPU of `opencode run` with ten tool calls against a plugin that does nothing",
    ),
    none("opencode.exit.delay", "ms", "delay of OpenCode's exit"),
    none(
        "opencode.exit.delay_silent",
        "ms",
        "delay of OpenCode's exit, with a backend that never answers",
    ),
    at_most(
        "opencode.visible",
        100.0,
        "ms",
        "an exchange is in `octrace show` after its last byte",
    ),
    at_most(
        "recorder.session.cpu",
        0.6,
        "s",
        "CPU of the recorder for a session of 200 turns, 118 MB of bodies",
    ),
    at_most("recorder.memory.busy", 60.0, "MB", "memory of the recorder meanwhile, at most"),
    at_most("recorder.memory.idle", 15.0, "MB", "memory of the recorder afterwards, doing nothing"),
    at_most("recorder.idle.cpu", 0.0, "ms/min", "CPU of a recorder that has nothing to do"),
    at_most("recorder.tape", 1.2, "MB", "tape of that session, without the search index"),
    at_most("recorder.tape_indexed", 2.0, "MB", "tape of that session, with the search index"),
    at_least(
        "recorder.events",
        20_000.0,
        "/s",
        "small events recorded: redacted, searchable, durable",
    ),
    at_most("commands.sessions", 15.0, "ms", "`octrace sessions`, whole process"),
    at_most("commands.show", 30.0, "ms", "`octrace show` of 200 turns, whole process"),
    at_most(
        "commands.search",
        20.0,
        "ms",
        "`octrace search` of a rare word over 1 GB of JSONL, whole process",
    ),
    at_least(
        "postgres.share_of_copy",
        0.35,
        "×",
        "rows a second into Postgres against a bare `COPY BINARY` of the same rows",
    ),
    at_least(
        "deliver.otlp.spans",
        10_000.0,
        "/s",
        "spans delivered as OTLP to a receiver that answers at once",
    ),
    at_most("deliver.otlp.memory", 50.0, "MB", "memory meanwhile, at most"),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::bench::PARTS;

    #[test]
    fn each_target_is_measured_by_a_part_and_each_part_measures_one() {
        let parts: HashSet<_> = PARTS.iter().map(|part| part.name).collect();
        let measured = TARGETS.iter().filter_map(|target| Some(target.id.split_once('.')?.0));
        assert_eq!(measured.collect::<HashSet<_>>(), parts);
        let ids: HashSet<_> = TARGETS.iter().map(|target| target.id).collect();
        assert_eq!(ids.len(), TARGETS.len());
    }
}
