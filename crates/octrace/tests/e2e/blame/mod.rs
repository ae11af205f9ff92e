//! `octrace blame` in real repositories: the built binary, the real git, and a tape with what an agent did there.
//!
//! Every line has a mark of its own that says who wrote it, so what is right is known: of each line it must be said, or
//! that it is unknown, and never anything else. What should be known has to be.

mod elsewhere;
mod git;
mod output;
mod random;
mod renames;
mod stage;
mod unseen;
