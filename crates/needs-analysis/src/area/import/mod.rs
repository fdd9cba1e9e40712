//! Areas from a file: what lies below the communities, or another district's streets with their communities.
//!
//! - [`plan`]: the change that each row would make, out of the tree as it stands; pure
//! - [`run`]: the tree is read, and what was planned is written in chunks
//!
//! Rows stand in any order: larger areas are taken first. A known area is renamed or moved where the file differs, and left
//! alone where it does not, so that a file that comes again changes nothing. A bad row stops no good one. Every line of
//! the file is accounted for. A dry run does all but write.

mod api;
mod plan;
mod run;
mod view;

pub(super) use api::routes;
