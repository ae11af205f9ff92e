//! The format as others see it: the vectors that the plugin's tests run too, and what must hold for
//! any bytes at all.

mod properties;
mod vectors;
