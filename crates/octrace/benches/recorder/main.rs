//! What recording costs, measured from outside: the built binary's `octrace record`, started as the plugin starts it, on
//! spools as the plugin writes them.
//!
//! `cargo bench -p octrace --bench recorder` takes some minutes; `-- session` or `-- events` only the one. `-- --quick` takes
//! short sessions once, to see that it works.
//!
//! * `session`: a long session, recorded while it goes on. `events`: many small events at once.
//! * `stage`: the recorder, and where it works. `tape`: how large the tape is.

#![expect(clippy::print_stdout, reason = "figures are what it is for")]

mod events;
mod session;
mod stage;
mod tape;

use octrace_testkit::Figures;

fn main() -> anyhow::Result<()> {
    if cfg!(debug_assertions) {
        println!("a debug build: its figures say nothing");
    }
    let (flags, wanted): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with("--"));
    let quick = flags.iter().any(|flag| flag == "--quick");
    let is_wanted = |what: &str| wanted.is_empty() || wanted.iter().any(|one| one == what);
    let mut figures = Figures::new()?;
    if is_wanted("session") {
        session::measure(&mut figures, quick)?;
    }
    if is_wanted("events") {
        events::measure(&mut figures, quick)?;
    }
    Ok(())
}
