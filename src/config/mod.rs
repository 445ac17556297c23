//! keepalived.conf: text to statements to typed model. Never fails: always a model and a list of
//! diagnostics.
pub mod blocks;
pub mod diagnostic;
pub mod io;
pub mod keyword;
pub mod model;
pub mod rules;
pub mod source;
pub mod tree;
mod validate;
pub mod value;

pub use model::Config;
