//! Whatever a tracing backend does, and whoever dies when: each span and log arrives once, or is in a dead letter with its
//! reason; nothing is repeated but what may not have arrived, and then byte for byte.

mod ahead;
mod apart;
mod deaths;
mod stage;
mod weather;

use self::stage::{KEY, Stage, has};
