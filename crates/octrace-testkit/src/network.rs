//! Cutting a test off from the network for real: in a network namespace of its own, where there is nothing
//! but loopback. `unshare` (util-linux) makes the namespace, for ordinary users too; needs Linux.

use std::{env, process::Command};

use anyhow::{Context, bail, ensure};
use rustix::net::{AddressFamily, Protocol, RecvFlags, SendFlags, SocketType, recv, send, socket};

/// Set in the process that is cut off.
const MARK: &str = "OCTRACE_TEST_CUT_OFF";

/// Runs the calling test again, without network: `false` in the first process, where the second has
/// passed; `true` in the second, which has a loopback of its own and nothing else. `test` is the
/// caller's name as libtest prints it.
///
/// # Errors
/// When the test fails in the second process, or the system does not give it a namespace.
pub fn cut_off(test: &str) -> anyhow::Result<bool> {
    if env::var_os(MARK).is_some() {
        raise_loopback().context("loopback cannot be brought up in the new network namespace")?;
        return Ok(true);
    }
    let unshare = ["--user", "--map-root-user", "--net", "--"];
    let possible = Command::new("unshare").args(unshare).arg("true").output();
    if !possible.as_ref().is_ok_and(|output| output.status.success()) {
        bail!(
            "{test} needs a network namespace, and `unshare --user --map-root-user --net` gives none \
             ({possible:?}); in a container allow it, as with `--security-opt seccomp=unconfined`"
        );
    }
    let output = Command::new("unshare")
        .args(unshare)
        .arg(env::current_exe()?)
        .args([test, "--exact", "--include-ignored"])
        .env(MARK, "1")
        .output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    // A name that is not known would pass: no test at all is a success to libtest.
    ensure!(printed.contains(" 1 passed"), "failed without network:\n{printed}");
    Ok(false)
}

/// `ip link set lo up`, for machines without `ip`.
fn raise_loopback() -> anyhow::Result<()> {
    /// In a new namespace loopback is the first interface.
    const LOOPBACK: u32 = 1;
    /// Protocol 0.
    const NETLINK_ROUTE: Option<Protocol> = None;
    const RTM_NEWLINK: u16 = 16;
    const REQUEST_AND_ACKNOWLEDGE: u16 = 1 | 4;
    const IFF_UP: u32 = 1;

    // struct nlmsghdr, with its length first; then struct ifinfomsg.
    let mut message = 32_u32.to_ne_bytes().to_vec();
    message.extend(RTM_NEWLINK.to_ne_bytes());
    message.extend(REQUEST_AND_ACKNOWLEDGE.to_ne_bytes());
    message.extend([0; 8 + 4]);
    for word in [LOOPBACK, IFF_UP, IFF_UP] {
        message.extend(word.to_ne_bytes());
    }

    let kernel = socket(AddressFamily::NETLINK, SocketType::RAW, NETLINK_ROUTE)?;
    send(&kernel, &message, SendFlags::empty())?;
    let mut answer = [0_u8; 256];
    let (length, _) = recv(&kernel, &mut answer, RecvFlags::empty())?;
    // struct nlmsgerr after the header: a negative errno, or 0.
    let error = answer.get(16..20).filter(|_| length >= 20).context("no answer")?;
    let error = i32::from_ne_bytes(error.try_into()?);
    if error != 0 {
        return Err(std::io::Error::from_raw_os_error(-error).into());
    }
    Ok(())
}
