//! Figures that a benchmark measured: said to whoever looks at it, and handed to `cargo xtask bench`, which holds them
//! against what they should be.
//!
//! A figure is a line of JSON in the file that the argument `--figures=FILE` names. The plugin's benchmarks write the
//! same (`plugin/bench/figures.ts`), and `xtask/src/bench/` reads it.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::PathBuf,
};

use anyhow::Context;
use serde_json::json;

/// Where figures go.
pub struct Figures {
    file: Option<File>,
}

impl Figures {
    /// Into the file that this process' arguments name, if they name one.
    ///
    /// # Errors
    /// When that file cannot be written.
    pub fn new() -> anyhow::Result<Self> {
        let named = std::env::args().find_map(|it| Some(it.strip_prefix("--figures=")?.into()));
        let open = |path: PathBuf| {
            let file = OpenOptions::new().create(true).append(true).open(&path);
            file.with_context(|| format!("cannot write {}", path.display()))
        };
        Ok(Self { file: named.map(open).transpose()? })
    }

    /// Tells a figure: `id` as `xtask/src/bench/targets.rs` has it, each repeat's value in the unit that stands there, and
    /// what has to be known to read it. Gives the line that says so to people.
    ///
    /// # Errors
    /// When nothing was measured, or the file cannot be written.
    pub fn tell(&mut self, id: &str, values: &[f64], note: &str) -> anyhow::Result<String> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (Some(min), Some(max)) = (sorted.first(), sorted.last()) else {
            anyhow::bail!("{id} was not measured");
        };
        let median = median(&sorted);
        if let Some(file) = &mut self.file {
            let line = json!({"id": id, "values": values, "note": note});
            writeln!(file, "{line}").context("cannot write the figures")?;
        }
        let repeats = values.len();
        Ok(format!("{id:<40} {median:>12.3} ({min:.3} to {max:.3}, {repeats} repeats)  {note}"))
    }
}

/// Of sorted values: the one in the middle, or between the two there.
fn median(sorted: &[f64]) -> f64 {
    let (low, high) = (sorted.len().saturating_sub(1) / 2, sorted.len() / 2);
    let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    f64::midpoint(at(low), at(high))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_its_middle_and_its_ends() {
        let mut figures = Figures { file: None };
        let said = figures.tell("a", &[3.0, 1.0, 2.0, 10.0], "µs").unwrap();
        assert!(said.contains("2.500 (1.000 to 10.000, 4 repeats)"), "{said}");
        assert!(figures.tell("a", &[], "").is_err());
    }
}
