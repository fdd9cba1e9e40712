//! Devices that the consults of an organisation share, and that can be booked with them.

pub(super) mod api;
mod input;
mod model;
mod state;
mod steps;
mod store;

pub(super) use input::{NAME_CHARS_MAX, QUANTITY_MAX};
pub use model::{DeviceName, SharedDevice};
pub use state::{DeviceStepName, SharedDeviceState};
pub use store::{all_open, find, insert, list, needed, open_of};
