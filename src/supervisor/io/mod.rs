//! Carries out the parent's actions.
