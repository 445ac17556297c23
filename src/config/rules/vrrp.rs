//! Findings about vrrp.
super::rules! {}
