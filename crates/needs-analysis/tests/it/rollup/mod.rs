//! The roll-up: its counts beside the requests, and what is read from them.

mod reads;
mod store;
mod tree;
