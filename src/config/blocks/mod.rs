//! The keyword tables: one file per block of keepalived.conf.
