//! The composition root: the one place that knows all three services, what they are configured by and where
//! they run. A library, so that the tests in `tests/` put together what the binary `sanbao` does.

pub mod around;
pub mod audit;
pub mod cli;
pub mod cli_accounts;
pub mod cli_audit;
pub mod cli_connections;
pub mod cli_keeping;
pub mod cli_media;
pub mod cli_needs;
pub mod cli_network;
mod cli_secret;
pub mod cli_turn;
pub mod command_error;
pub mod commands;
pub mod compose;
pub mod demo;
pub mod environment;
pub mod folder;
pub mod health;
pub mod keeping;
pub mod lan;
pub mod lan_page;
pub mod needs;
pub mod openapi;
pub mod process;
pub mod proxy;
pub mod recover;
pub mod reseal;
pub mod role;
pub mod run;
pub mod runtime;
pub mod settings;
pub mod stores;
pub mod supervisor;
mod texts;
