//! `wire ← core ← store ← {export, view} ← octrace`, proved from the dependency
//! graph instead of being believed: which of our crates may reach which, and
//! which libraries must stay out of where.

use std::collections::BTreeSet;

use anyhow::Context;

use crate::checkout::Checkout;
use crate::log::Log;
use crate::summary::Report;

/// A crate of ours and what it may not go beyond.
struct Layer {
    name: &'static str,
    /// The crates of ours that it may reach, directly or not.
    may_reach: &'static [&'static str],
    /// Libraries that must not be in its graph at all.
    never: &'static [&'static str],
}

/// Clocks, disks, networks, threads and async runtimes, by the crates that bring them.
const OUTSIDE_WORLD: &[&str] = &[
    "axum",
    "chrono",
    "crossbeam-channel",
    "getrandom",
    "hyper",
    "jiff",
    "libsqlite3-sys",
    "mio",
    "notify",
    "rayon",
    "rusqlite",
    "rustix",
    "signal-hook",
    "socket2",
    "tempfile",
    "tokio",
    "tokio-postgres",
    "tracing-subscriber",
    "ureq",
    "uuid",
];

/// What talks to a network.
const NETWORK: &[&str] = &["axum", "hyper", "socket2", "tokio", "tokio-postgres", "ureq"];

const LAYERS: &[Layer] = &[
    Layer { name: "octrace-wire", may_reach: &[], never: OUTSIDE_WORLD },
    Layer { name: "octrace-core", may_reach: &["octrace-wire"], never: OUTSIDE_WORLD },
    Layer { name: "octrace-store", may_reach: &["octrace-core", "octrace-wire"], never: NETWORK },
    Layer {
        name: "octrace-view",
        may_reach: &["octrace-core", "octrace-store", "octrace-wire"],
        never: NETWORK,
    },
    Layer {
        name: "octrace-export",
        may_reach: &["octrace-core", "octrace-store", "octrace-wire"],
        never: &["axum"],
    },
    // The scripted model is a stand-in for a provider: it knows nothing of octrace.
    Layer { name: "octrace-script", may_reach: &[], never: &["rusqlite"] },
    Layer {
        name: "octrace-testkit",
        may_reach: &["octrace-core", "octrace-script", "octrace-store", "octrace-wire"],
        never: &[],
    },
    // Plays with the built binary from outside; of the tape it reads what is there.
    Layer {
        name: "octrace-chaos",
        may_reach: &[
            "octrace-core",
            "octrace-script",
            "octrace-store",
            "octrace-testkit",
            "octrace-wire",
        ],
        never: &[],
    },
    Layer {
        name: "octrace",
        may_reach: &[
            "octrace-core",
            "octrace-export",
            "octrace-script",
            "octrace-store",
            "octrace-view",
            "octrace-wire",
        ],
        never: &["ring", "openssl-sys", "sqlx"],
    },
    // What must hold for any bytes: only what reads them.
    Layer {
        name: "octrace-fuzz",
        may_reach: &["octrace-core", "octrace-store", "octrace-wire"],
        never: NETWORK,
    },
    Layer { name: "xtask", may_reach: &[], never: &["tokio"] },
];

pub(crate) fn check(checkout: &Checkout, log: &mut Log) -> anyhow::Result<Report> {
    let mut problems = Vec::new();
    let members: BTreeSet<String> = tree(checkout, log, &["--workspace", "--depth", "0"])?;
    for member in &members {
        let Some(layer) = LAYERS.iter().find(|layer| layer.name == member) else {
            problems.push(format!("{member} has no place in the layers; name one in layers.rs"));
            continue;
        };
        let reached = tree(checkout, log, &["--package", member])?;
        problems.extend(violations(layer, &members, &reached));
    }
    problems.extend(missing_bans(checkout)?);
    for problem in &problems {
        log.line(problem)?;
    }
    Ok(Report::of_problems(&problems, format!("{} crates", members.len())))
}

/// The names in a dependency graph, without development dependencies, for every system.
fn tree(checkout: &Checkout, log: &mut Log, of: &[&str]) -> anyhow::Result<BTreeSet<String>> {
    let mut command = checkout.cargo(&["tree", "--edges", "normal,build", "--target", "all"]);
    command.args(["--prefix", "none", "--format", "{p}"]).args(of);
    let output = log.read(&mut command)?;
    // Between two roots there is an empty line.
    let packages = output.lines().filter(|line| !line.is_empty());
    Ok(packages.filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
}

fn violations(
    layer: &Layer,
    members: &BTreeSet<String>,
    reached: &BTreeSet<String>,
) -> Vec<String> {
    let too_far = reached.iter().filter(|name| {
        members.contains(*name) && *name != layer.name && !layer.may_reach.contains(&name.as_str())
    });
    let unwanted = reached.iter().filter(|name| layer.never.contains(&name.as_str()));
    too_far
        .chain(unwanted)
        .map(|name| {
            format!(
                "{} must not reach {name}; see `cargo tree -p {} -i {name}`",
                layer.name, layer.name
            )
        })
        .collect()
}

/// The core's `clippy.toml` replaces the one at the root, so it has to repeat its bans.
fn missing_bans(checkout: &Checkout) -> anyhow::Result<Vec<String>> {
    let read = |path: &str| {
        std::fs::read_to_string(checkout.root.join(path))
            .with_context(|| format!("cannot read {path}"))
    };
    let (root, core) = (read("clippy.toml")?, read("crates/octrace-core/clippy.toml")?);
    Ok(root
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#') && !core.contains(line))
        .map(|line| format!("crates/octrace-core/clippy.toml does not repeat `{line}`"))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn reaching_upwards_and_outwards_is_seen() {
        let core = LAYERS.iter().find(|layer| layer.name == "octrace-core").unwrap();
        let members = set(&["octrace-wire", "octrace-core", "octrace-store"]);
        let fine = set(&["octrace-core", "octrace-wire", "serde"]);
        assert_eq!(violations(core, &members, &fine), Vec::<String>::new());
        let wrong = set(&["octrace-core", "octrace-store", "serde", "tokio"]);
        assert_eq!(violations(core, &members, &wrong).len(), 2);
    }

    #[test]
    fn nobody_is_allowed_to_reach_in_a_circle() {
        for (place, layer) in LAYERS.iter().enumerate() {
            let earlier: Vec<&str> = LAYERS.iter().take(place).map(|layer| layer.name).collect();
            for reached in layer.may_reach {
                assert!(earlier.contains(reached), "{} may reach {reached}", layer.name);
            }
        }
    }
}
