//! What cargo says about the code without running it: format, clippy, documentation.

use crate::checkout::Checkout;
use crate::log::Log;
use crate::summary::Report;

pub(crate) fn format(checkout: &Checkout, log: &mut Log) -> anyhow::Result<Report> {
    if !log.succeeds(&mut checkout.cargo(&["fmt", "--all", "--check", "--", "--color=never"]))? {
        return Ok(Report::failed("run `cargo fmt --all`"));
    }
    Ok(Report::passed(""))
}

pub(crate) fn clippy(checkout: &Checkout, log: &mut Log) -> anyhow::Result<Report> {
    let mut command = checkout.cargo(&["clippy", "--workspace", "--all-targets", "--keep-going"]);
    command.args(["--", "-D", "warnings"]);
    log.run(&mut command)?;
    Ok(Report::passed(""))
}

pub(crate) fn docs(checkout: &Checkout, log: &mut Log) -> anyhow::Result<Report> {
    let mut command = checkout.cargo(&[
        "doc",
        "--workspace",
        "--no-deps",
        "--document-private-items",
        "--keep-going",
    ]);
    log.run(command.env("RUSTDOCFLAGS", "-D warnings"))?;
    Ok(Report::passed(""))
}
