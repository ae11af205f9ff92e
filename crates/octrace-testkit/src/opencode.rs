//! Where the pinned OpenCode is.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// The version that the tests are written for.
pub(crate) const VERSION: &str = "1.18.33";

/// The real OpenCode, as installed from npm.
#[derive(Clone, Debug)]
pub struct OpenCode {
    path: PathBuf,
}

impl OpenCode {
    /// The program named by `OCTRACE_TEST_OPENCODE`, else the one that `cargo xtask` installs.
    ///
    /// # Errors
    /// When there is none.
    pub fn find() -> anyhow::Result<Self> {
        if let Some(path) = std::env::var_os("OCTRACE_TEST_OPENCODE") {
            let path = PathBuf::from(path);
            if !path.is_file() {
                bail!("OCTRACE_TEST_OPENCODE names {}, which is not a file", path.display());
            }
            return Ok(Self { path });
        }
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .nth(2)
            .context("the testkit is not two folders below the workspace")?;
        let path = workspace.join("target/opencode/node_modules/opencode-ai/bin/opencode.exe");
        if !path.is_file() {
            bail!("there is no OpenCode at {}; run `cargo xtask test`", path.display());
        }
        Ok(Self { path })
    }

    /// The program.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The version that it is expected to be.
    pub fn version(&self) -> &'static str {
        VERSION
    }
}
