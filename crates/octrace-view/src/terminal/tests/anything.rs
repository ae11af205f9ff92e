//! Nothing that happens breaks anything.
