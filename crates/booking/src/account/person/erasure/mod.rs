//! Erasing somebody (抹除): everything personal goes out of the network, the id stays without a name, and a proof that names
//! nobody says what was taken out.
//!
//! It is refused while a hold stands, while something is open, and while the time of papers of the person is not over
//! (`sanbao_platform::retention`). The list of the erased is brought along into a backup that is restored, so that nobody comes back by it.

pub(super) mod api;
mod model;
mod retained;
mod store;
mod taken;

pub use model::{Erasure, ErasureCause};
pub use store::{all, apply, strangers};
pub(super) use store::{records, requests};
#[cfg(test)]
pub(crate) use taken::{LEFT, TAKEN};
