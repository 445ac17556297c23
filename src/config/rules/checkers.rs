//! Findings about checkers.
super::rules! {}
