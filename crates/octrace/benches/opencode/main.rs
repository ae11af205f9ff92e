//! What octrace costs the real OpenCode: `opencode run` of scripted sessions, recorded by the built binary and its plugin.
//!
//! `cargo bench -p octrace --bench opencode` takes some ten minutes; `-- --quick` a minute, to see that it works.
//! `--figures=FILE` is for `cargo xtask bench`.
//!
//! * `script`: what the model says. `home`: where OpenCode runs.
//! * `run`: processor time of a session, and how soon OpenCode is gone after it.
//! * `visible`: how soon an exchange is there for `octrace show`.

#![expect(clippy::print_stdout, reason = "figures are what it is for")]

mod home;
mod run;
mod script;
mod visible;

use octrace_testkit::Figures;

fn main() -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        println!("a debug build: its figures say nothing");
    }
    let is_quick = std::env::args().any(|argument| argument == "--quick");
    let mut figures = Figures::new()?;
    run::measure(&mut figures, is_quick)?;
    visible::measure(&mut figures, is_quick)
}
