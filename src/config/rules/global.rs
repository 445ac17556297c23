//! Findings about global.
super::rules! {}
