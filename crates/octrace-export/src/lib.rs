//! What leaves the tape, one folder per destination: what is clean comes in, what others read goes out.

#![warn(missing_docs)]
