//! Phoenix and rotel, from PyPI, in an environment of their own below `target`: the real receivers that the
//! slow tests send traces to. Nobody needs Python for anything else.

use std::path::PathBuf;

use anyhow::Context;

use crate::checkout::Checkout;
use crate::log::Log;
use crate::summary::Report;

/// Installs what is pinned, unless that was installed last.
pub(crate) fn install(checkout: &Checkout, log: &mut Log) -> anyhow::Result<Report> {
    let pinned = checkout.root.join("crates/octrace-testkit/receivers/requirements.txt");
    let wanted =
        std::fs::read(&pinned).with_context(|| format!("cannot read {}", pinned.display()))?;
    let folder = environment(checkout);
    let stamp = folder.join("installed.txt");
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(Report::passed("all there already"));
    }
    log.run(checkout.command("python3").args(["-m", "venv", "--clear"]).arg(&folder))?;
    let mut pip = checkout.command(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    log.run(pip.arg(&pinned))?;
    std::fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(Report::passed("installed"))
}

/// Where [`install`] puts them.
pub(crate) fn environment(checkout: &Checkout) -> PathBuf {
    checkout.target.join("receivers")
}
