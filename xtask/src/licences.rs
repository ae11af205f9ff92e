//! Licences and sources of everything that is linked, checked against
//! `deny.toml` with nothing but cargo. `cargo-deny` itself, which also knows
//! about duplicates and bans, takes minutes to build and runs with `--all`.

use std::path::PathBuf;

use anyhow::{Context, bail};

use crate::checkout::Checkout;
use crate::log::Log;
use crate::summary::Report;

/// The version that `--all` installs when there is no cargo-deny.
const CARGO_DENY: &str = "0.20.2";

/// Where packages may come from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(crate) fn check(checkout: &Checkout, log: &mut Log) -> anyhow::Result<Report> {
    let rules = std::fs::read_to_string(checkout.root.join("deny.toml"))
        .context("cannot read deny.toml")?;
    let allowed = strings_of(&rules, "[licenses]", "allow");
    if allowed.is_empty() {
        bail!("deny.toml allows no licence: [licenses] has no `allow` list");
    }
    let mut command = checkout.cargo(&["tree", "--workspace", "--target", "all"]);
    command.args(["--prefix", "none", "--format", "{p}\t{l}"]);
    let tree = log.read(&mut command)?;
    // Between two roots there is an empty line; a star marks what was printed before.
    let mut packages: Vec<&str> = tree
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| line.trim_end_matches(" (*)"))
        .collect();
    packages.sort_unstable();
    packages.dedup();

    let mut problems = Vec::new();
    for package in &packages {
        let (name, licence) = package.split_once('\t').unwrap_or((package, ""));
        if !permits(licence, &allowed) {
            problems.push(format!("{name} is under `{licence}`, which deny.toml does not allow"));
        }
    }
    let lock = std::fs::read_to_string(checkout.root.join("Cargo.lock"))
        .context("cannot read Cargo.lock")?;
    problems.extend(foreign_sources(&lock));
    for problem in &problems {
        log.line(problem)?;
    }
    Ok(Report::of_problems(&problems, format!("{} packages", packages.len())))
}

/// Runs cargo-deny, from the PATH or from `target/tools`, where it is put when it is nowhere.
/// It does not look at advisories: a database that changes daily would make the same commit
/// pass today and fail tomorrow.
pub(crate) fn cargo_deny(checkout: &Checkout, log: &mut Log) -> anyhow::Result<Report> {
    let tools = checkout.target.join("tools");
    let ours = tools.join("bin/cargo-deny");
    let on_path = log.succeeds(checkout.command("cargo-deny").arg("--version")).unwrap_or(false);
    let program = if on_path { PathBuf::from("cargo-deny") } else { ours };
    if !on_path && !program.exists() {
        let mut install = checkout.cargo(&["install", "cargo-deny", "--version", CARGO_DENY]);
        log.run(install.arg("--root").arg(&tools))?;
    }
    log.run(checkout.command(program).args(["--locked", "check", "bans", "licenses", "sources"]))?;
    Ok(Report::passed(""))
}

/// Sources in a lock file that are not the registry.
fn foreign_sources(lock: &str) -> Vec<String> {
    lock.lines()
        .filter_map(|line| line.strip_prefix("source = "))
        .map(|source| source.trim_matches('"'))
        .filter(|source| *source != REGISTRY)
        .map(|source| format!("a package comes from {source}"))
        .collect()
}

/// The strings of a list in a TOML section; comments between them are skipped.
/// It reads our own tidy `deny.toml`, not TOML.
fn strings_of(toml: &str, section: &str, key: &str) -> Vec<String> {
    let start = format!("{key} = [");
    toml.lines()
        .map(str::trim)
        .skip_while(|line| *line != section)
        .skip(1)
        .take_while(|line| !line.starts_with("[") || line.starts_with("[["))
        .skip_while(|line| *line != start)
        .skip(1)
        .take_while(|line| *line != "]")
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split('"').nth(1))
        .map(str::to_owned)
        .collect()
}

/// Whether a licence expression can be met with the allowed licences: for an
/// `AND` all sides have to be, for an `OR` (or the older `/`) one. `AND` binds
/// closer, `WITH` belongs to the licence before it.
fn permits(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    any_side(&mut rest, allowed) && rest.is_empty()
}

fn any_side(words: &mut &[&str], allowed: &[String]) -> bool {
    let mut met = all_sides(words, allowed);
    while let ["OR", rest @ ..] = *words {
        *words = rest;
        met |= all_sides(words, allowed);
    }
    met
}

fn all_sides(words: &mut &[&str], allowed: &[String]) -> bool {
    let mut met = licence(words, allowed);
    while let ["AND", rest @ ..] = *words {
        *words = rest;
        met &= licence(words, allowed);
    }
    met
}

fn licence(words: &mut &[&str], allowed: &[String]) -> bool {
    match *words {
        ["(", rest @ ..] => {
            *words = rest;
            let met = any_side(words, allowed);
            let [")", rest @ ..] = *words else { return false };
            *words = rest;
            met
        }
        [name, "WITH", exception, rest @ ..] => {
            *words = rest;
            allowed.contains(&format!("{name} WITH {exception}"))
        }
        [name, rest @ ..] => {
            *words = rest;
            allowed.iter().any(|known| known == name)
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read_as_spdx_means_them() {
        let allowed = ["MIT", "BSD-3-Clause", "Unicode-3.0"].map(str::to_owned);
        for (expression, expected) in [
            ("MIT", true),
            ("GPL-3.0", false),
            ("", false),
            ("Apache-2.0/MIT", true),
            ("MIT OR GPL-3.0", true),
            ("MIT AND GPL-3.0", false),
            ("MIT AND BSD-3-Clause", true),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("(MIT OR Apache-2.0) AND GPL-3.0", false),
            ("GPL-3.0 OR Apache-2.0 AND MIT", false),
            ("Apache-2.0 WITH LLVM-exception", false),
            ("Apache-2.0 WITH LLVM-exception OR MIT", true),
            ("(MIT", false),
            ("MIT MIT", false),
        ] {
            assert_eq!(permits(expression, &allowed), expected, "{expression}");
        }
    }

    #[test]
    fn the_list_is_read_from_its_own_section() {
        let toml = "[bans]\nallow = [\n  \"a\",\n]\n[licenses]\n# why\nallow = [\n  \"MIT\",\n  # why\n  \"ISC\",\n]\n";
        assert_eq!(strings_of(toml, "[licenses]", "allow"), ["MIT", "ISC"]);
    }

    #[test]
    fn sources_other_than_the_registry_are_named() {
        let lock = format!("source = \"{REGISTRY}\"\nsource = \"git+https://example.org/x\"\n");
        assert_eq!(foreign_sources(&lock), ["a package comes from git+https://example.org/x"]);
    }
}
