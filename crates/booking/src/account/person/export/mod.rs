//! All that is kept of a person, in one file, with whom it was shown to and told to: what PIPL art. 45 gives them a right to.
//!
//! The organisation that gives it answers for what it holds itself. Each part is as its caller may open it: whole numbers of
//! papers where the caller may see them, care facts by their own policy.

pub(super) mod api;
mod sections;
mod statements;
mod store;
mod view;

#[cfg(test)]
mod complete;

pub(in crate::account) use api::{exported, require};
pub(in crate::account) use view::{ExportedSection, PersonExportView};

/// The columns of the sections, by which a page finds out that it has words for all of them.
#[cfg(test)]
pub(in crate::account) use sections::{columns_told, section_names};
