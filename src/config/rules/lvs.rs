//! Findings about lvs.
super::rules! {}
