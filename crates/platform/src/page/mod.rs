//! The page kit: what every page does, once. A list with its filters, its paging and how many there are; a form whose
//! errors stand at their fields and in a summary; what is sent and how; badge, notice, dialog, empty state, live part;
//! times as people say them. The look is `sanbao.css`, the behaviour `send.js`, `form.js`, `live.js`, `ages.js`.

mod address;
mod form;
mod import;
mod list;
mod parts;
mod words;

pub use address::{address, encode};
pub use form::{Choice, Errors, Field, Select, Send, area, form, pick, press};
pub use import::{IMPORT_SCRIPTS, Import};
pub use list::{Pager, count, count_of_page, filters, head, pager};
pub use parts::{Live, Tone, badge, dialog, empty, fill, live, notice};
pub(crate) use words::OWN;
pub use words::{Age, Words};
