//! Words to values: one function per type, one message per mistake.
