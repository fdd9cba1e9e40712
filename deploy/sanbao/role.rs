//! The services as roles of one binary: what each is called, where its data lies, which paths are its own.

use clap::ValueEnum;
use sanbao_platform::db::Migrations;

/// A service that a process can run, alone or with the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// Accounts, people, consults, visits; also the pages that belong to no service, such as `/`.
    Booking,
    /// The room of a consult, STUN and TURN.
    Signalling,
    /// Requests, areas and what is counted of them.
    NeedsAnalysis,
}

impl Role {
    /// All of them, in the order in which they are opened and built.
    pub const ALL: &'static [Self] = &[Self::Booking, Self::Signalling, Self::NeedsAnalysis];

    /// The service's name, as on the command line, in events and in logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Booking => sanbao_booking::NAME,
            Self::Signalling => sanbao_signalling::NAME,
            Self::NeedsAnalysis => sanbao_needs_analysis::NAME,
        }
    }

    /// Its schema on a server.
    pub fn schema(self) -> &'static str {
        match self {
            Self::Booking => "booking",
            Self::Signalling => "signalling",
            Self::NeedsAnalysis => sanbao_needs_analysis::SCHEMA,
        }
    }

    /// Its tables.
    pub fn migrations(self) -> &'static Migrations {
        match self {
            Self::Booking => &sanbao_booking::MIGRATIONS,
            Self::Signalling => &sanbao_signalling::MIGRATIONS,
            Self::NeedsAnalysis => &sanbao_needs_analysis::MIGRATIONS,
        }
    }
}
