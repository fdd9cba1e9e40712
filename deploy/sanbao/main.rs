//! The binary `sanbao`: reads the command line, does what it says, and tells why if it could not.

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser as _;
use sanbao::cli::Cli;

fn main() -> ExitCode {
    let started = Instant::now();
    let cli = Cli::parse();
    let runtime = match sanbao::runtime::runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("sanbao: {error}");
            return ExitCode::FAILURE;
        }
    };
    match sanbao::commands::run_on(runtime, cli.command, started) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("sanbao: {error}");
            ExitCode::FAILURE
        }
    }
}
