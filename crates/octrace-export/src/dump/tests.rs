//! Trios of every kind of exchange, and folders that somebody has prepared for us.

mod attacks;
mod trios;
