//! What can be done, where, and by which keys: the one table that keys, help and the line at the foot come from.
