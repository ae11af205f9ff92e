//! Traces at their backends: what a session with all that can happen in one looks like there, and that all of it arrives.
//!
//! * [`session`]: that session, on the real OpenCode.
//! * [`neatlogs`], [`helicone`]: on loopback, held against what is known of both.
//! * [`export`]: the same as a file.
//! * [`projects`]: whose traces go where, and where keys are.
//! * [`arrival`], [`killed`]: though OpenCode ends at once, the backend is away, or who delivers is killed.
//! * [`exit`]: what that end costs, in figures.
//! * [`phoenix`]: a real Phoenix is asked what it understood, and rotel takes the same bytes (the slow tests).

mod arrival;
mod exit;
mod export;
mod helicone;
mod killed;
mod neatlogs;
mod phoenix;
mod projects;
mod session;
