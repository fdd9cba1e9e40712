//! The floor all three services stand on. It knows no business noun: roles are opaque names, areas
//! opaque codes.
//!
//! - [`db`]: one handle over `SQLite` and `PostgreSQL`, group commit, migrations, [`on!`](crate::on)
//! - [`bus`]: outbox, cursor, inbox
//! - [`nats`]: the connection to JetStream, where services run apart
//! - [`auth`], [`crypto`], [`reseal`], [`config`]: tokens, passwords, throttles; sealed fields; secrets
//! - [`http`], [`problem`], [`policy`], [`web`], [`i18n`], [`lang`]: requests, errors, pages, words
//! - [`lifecycle`], [`history`], [`mod@text_enum`]: the one way of every step of every aggregate, and what is kept of it
//! - [`audit`], [`telemetry`]: what is kept of what happened
//! - [`retention`]: how long classes of records are kept, and what takes them away then
//! - [`certificate`]: what HTTPS and TURN over TLS show, read again when it is renewed
//! - [`clock`], [`id`]: time and ids as parameters
//! - [`cn`]: resident identity numbers, telephone numbers and their masks; [`invisible`]: what no name should hold
//! - [`table`]: files of rows, CSV and XLSX, of which each line is accounted for
//! - [`service`], `testing`: what a service is; with the feature of that name, the harness of all tests

pub mod archive;
pub mod audit;
pub mod auth;
pub mod bus;
pub mod certificate;
pub mod clock;
pub mod cn;
pub mod config;
pub mod crypto;
pub mod db;
pub mod history;
pub mod http;
pub mod i18n;
pub mod id;
pub mod invisible;
pub mod lang;
pub mod lifecycle;
pub mod moment;
pub mod nats;
pub mod page;
pub mod policy;
pub mod problem;
pub mod reseal;
pub mod retention;
pub mod service;
pub mod table;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
pub mod text_enum;
pub mod verify;
pub mod web;
pub mod workdays;
