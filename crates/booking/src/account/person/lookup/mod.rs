//! Finding somebody while one types: by any part of a telephone, a name, its pinyin or initials, an address, or by a paper.
//!
//! Every text by which a person may be looked for is a row of `person_key`, so that whatever is typed is a prefix of some
//! key and one range of an index answers it. A key is written with the record, and holds the care home (or none) and the
//! area, so that the statement itself stays within what the caller may see.
//!
//! - `key`: the keys of a person, and what is typed as beginnings of keys; pure
//! - `store`: keys in the database
//! - `fill`: the keys of people from before there were any

pub(in crate::account) mod api;
mod fill;
mod key;
mod store;
mod view;

pub(in crate::account) use fill::task;
pub use fill::{fill, write_all};
pub use key::LookupSign;
pub(super) use key::phone_key;
pub(crate) use key::{is_named, name_beginnings};
pub(super) use store::write;
pub use view::{LookedUp, LookupView};
