//! Directors that are to work together: whether their files agree, and who would hold what when
//! something fails.
pub mod host;
pub mod lan;
