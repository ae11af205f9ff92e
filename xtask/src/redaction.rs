//! What redaction takes from ordinary source code: the figures that `docs/redaction.md` gives. The code is
//! that of well-known packages at fixed versions, fetched from npm's registry.

use anyhow::Context;

use crate::checkout::Checkout;
use crate::log::Log;
use crate::summary::Report;

/// The packages. Other versions make other figures.
const PACKAGES: &[(&str, &str)] = &[
    ("axios", "1.12.2"),
    ("lodash", "4.17.21"),
    ("react-dom", "19.2.0"),
    ("typescript", "5.9.3"),
    ("zod", "4.1.12"),
];

/// Fetches the packages and runs the tests that measure, in the release profile.
pub(crate) fn measure(checkout: &Checkout, log: &mut Log) -> anyhow::Result<Report> {
    let sources = fetch(checkout, log)?;
    let mut command = checkout.cargo(&["test", "--release", "--package", "octrace-core"]);
    command
        .args(["--", "redact::text::measure", "--include-ignored", "--nocapture"])
        .args(["--test-threads", "1"])
        .env("OCTRACE_TEST_SOURCES", sources);
    let passed = log.succeeds(&mut command)?;
    let text = log.text()?;
    let figures: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_once("figures: "))
        .map(|(_, told)| told)
        .collect();
    let note = figures.join("; ");
    Ok(if passed && figures.len() == 2 { Report::passed(note) } else { Report::failed(note) })
}

/// The folder with the packages, each in a folder of its own and nothing else beside them.
fn fetch(checkout: &Checkout, log: &mut Log) -> anyhow::Result<std::path::PathBuf> {
    let folder = checkout.target.join("redaction");
    let mut wanted = Vec::new();
    for (name, version) in PACKAGES {
        let place = folder.join(format!("{name}-{version}"));
        if place.join("package/package.json").exists() {
            continue;
        }
        std::fs::create_dir_all(&place)
            .with_context(|| format!("cannot create {}", place.display()))?;
        wanted.push((format!("{name}@{version}"), place));
    }
    for (package, place) in wanted {
        let mut pack = checkout.command("npm");
        pack.args(["pack", &package, "--ignore-scripts", "--loglevel=error"]).current_dir(&place);
        let name = log.read(&mut pack)?;
        let archive = name.lines().next_back().unwrap_or_default().trim().to_owned();
        log.run(checkout.command("tar").args(["-xzf", &archive]).current_dir(&place))?;
        std::fs::remove_file(place.join(&archive))
            .with_context(|| format!("cannot remove {archive}"))?;
    }
    Ok(folder)
}
