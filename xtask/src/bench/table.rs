//! What was measured, beside what it should be: as Markdown for people and documents, and as JSON.

use anyhow::Context;
use serde_json::{Value, json};

use super::targets::{TARGETS, Target};
use crate::checkout::Checkout;

pub(super) struct Table {
    /// Processor, memory and system.
    machine: String,
    /// `git rev-parse --short HEAD`, with a mark where the checkout is not that.
    commit: String,
    date: String,
    rows: Vec<Row>,
}

struct Row {
    target: &'static Target,
    /// Sorted.
    values: Vec<f64>,
    note: String,
}

impl Table {
    /// Without any rows yet.
    pub(super) fn of_this_machine(checkout: &Checkout) -> anyhow::Result<Self> {
        let said = |program: &str, arguments: &[&str]| -> anyhow::Result<String> {
            let output = checkout.command(program).args(arguments).output();
            let output = output.with_context(|| format!("cannot start {program}"))?;
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        let commit = said("git", &["describe", "--always", "--dirty", "--exclude", "*"])?;
        let date = said("date", &["-u", "+%Y-%m-%d"])?;
        let system = said("uname", &["-s", "-r", "-m"])?;
        let processors = std::thread::available_parallelism()?;
        let machine = format!("{system}, {processors} processors{}", processor());
        Ok(Self { machine, commit, date, rows: Vec::new() })
    }

    /// Adds a part's figures, a line of JSON each; how many.
    pub(super) fn take(&mut self, lines: &str) -> anyhow::Result<usize> {
        let before = self.rows.len();
        for line in lines.lines() {
            let figure: Value = serde_json::from_str(line).context("a figure is no JSON")?;
            let id = figure["id"].as_str().context("a figure has no id")?;
            let target = TARGETS.iter().find(|target| target.id == id);
            let target = target.with_context(|| format!("nobody asked for {id}"))?;
            let values = figure["values"].as_array().context("a figure has no values")?;
            let mut values: Vec<f64> = values.iter().filter_map(Value::as_f64).collect();
            values.sort_by(f64::total_cmp);
            anyhow::ensure!(!values.is_empty(), "{id} was not measured");
            let note = figure["note"].as_str().unwrap_or_default().to_owned();
            self.rows.push(Row { target, values, note });
        }
        Ok(self.rows.len() - before)
    }

    pub(super) fn json(&self) -> String {
        let rows = self.rows.iter().map(|row| {
            let Target { id, about, unit, should } = row.target;
            let [min, median, max] = row.summary();
            let [low, high] = row.interval();
            json!({
                "id": id, "about": about, "unit": unit, "target": should.shown(unit), "median": median,
                "interval": [low, high], "min": min, "max": max, "values": row.values,
                "is_met": should.is_met(median, low), "note": row.note,
            })
        });
        let rows: Vec<Value> = rows.collect();
        let Self { machine, commit, date, .. } = self;
        let table = json!({"machine": machine, "commit": commit, "date": date, "figures": rows});
        format!("{table:#}\n")
    }

    pub(super) fn markdown(&self) -> String {
        let mut text = format!("{}, {}, commit {}\n\n", self.machine, self.date, self.commit);
        text.push_str("| what | target | median | its interval | min to max | repeats | met | |\n");
        text.push_str("| --- | --- | --- | --- | --- | --- | --- | --- |\n");
        for row in &self.rows {
            let Target { about, unit, should, .. } = row.target;
            let [min, median, max] = row.summary();
            let [low, high] = row.interval();
            let met = if should.is_met(median, low) { "yes" } else { "**no**" };
            text.push_str(&format!(
                "| {about} | {} | {} {unit} | {} to {} | {} to {} | {} | {met} | {} |\n",
                should.shown(unit),
                rounded(median),
                rounded(low),
                rounded(high),
                rounded(min),
                rounded(max),
                row.values.len(),
                row.note,
            ));
        }
        text
    }
}

impl Row {
    /// Least, median, most.
    fn summary(&self) -> [f64; 3] {
        let at = |index: usize| self.values.get(index).copied().unwrap_or(f64::NAN);
        let (low, high) = (self.values.len().saturating_sub(1) / 2, self.values.len() / 2);
        [at(0), f64::midpoint(at(low), at(high)), at(self.values.len().saturating_sub(1))]
    }

    /// Where the median would lie after very many repeats, in 95 of 100 cases, however the values are spread: between two
    /// of them, because as many fall on one side of it as throws of a coin on heads. With fewer than six it is between
    /// the least and the most, and less sure.
    fn interval(&self) -> [f64; 2] {
        let count = self.values.len() as f64;
        let rank = (count / 2.0 - 1.96 * count.sqrt() / 2.0).round().max(1.0);
        let skipped = rank as usize - 1;
        let ends = [self.values.get(skipped), self.values.iter().nth_back(skipped)];
        ends.map(|end| end.copied().unwrap_or(f64::NAN))
    }
}

/// To three digits that say something.
fn rounded(value: f64) -> String {
    let digits = match value.abs() {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}

/// Its name, where the system says it.
fn processor() -> String {
    let told = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = told.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(String::new, |(_, name)| format!(", {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_stands_beside_what_it_should_be() {
        let mut table = Table {
            machine: "a machine".to_owned(),
            commit: "abc".to_owned(),
            date: "2026-01-01".to_owned(),
            rows: Vec::new(),
        };
        let lines = "{\"id\":\"plugin.init\",\"values\":[6,4,9],\"note\":\"quiet\"}\n\
            {\"id\":\"commands.show\",\"values\":[1.25],\"note\":\"\"}";
        assert_eq!(table.take(lines).unwrap(), 2);
        let text = table.markdown();
        let row = "| initialisation of the plugin | ≤ 5 ms | 6.00 ms | 4.00 to 9.00 | 4.00 to 9.00 | 3 | **no** | quiet |";
        assert!(text.contains(row), "{text}");
        assert!(
            text.contains("≤ 30 ms | 1.25 ms | 1.25 to 1.25 | 1.25 to 1.25 | 1 | yes"),
            "{text}"
        );
        let json: Value = serde_json::from_str(&table.json()).unwrap();
        assert_eq!(json["figures"][0]["median"], 6.0);
        assert!(table.take("{\"id\":\"nobody\",\"values\":[1]}").is_err());
        assert!(table.take("{\"id\":\"plugin.init\",\"values\":[]}").is_err());
    }

    #[test]
    fn a_median_lies_in_its_interval() {
        let target = TARGETS.iter().find(|target| target.id == "opencode.exit.delay").unwrap();
        let interval = |values: std::ops::RangeInclusive<i32>| {
            let values: Vec<f64> = values.map(f64::from).collect();
            let row = Row { target, values, note: String::new() };
            let [low, high] = row.interval();
            (low, high, target.should.is_met(row.summary()[1], low))
        };
        // As the tables of statisticians have it.
        assert_eq!(interval(1..=10), (2.0, 9.0, false));
        assert_eq!(interval(1..=30), (10.0, 21.0, false));
        assert_eq!(interval(-9..=20), (0.0, 11.0, true));
        assert_eq!(interval(-8..=21), (1.0, 12.0, false));
        assert_eq!(interval(-1..=3), (-1.0, 3.0, true));
        assert_eq!(interval(7..=7), (7.0, 7.0, false));
    }
}
