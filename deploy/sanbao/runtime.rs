//! The threads on which requests are answered and sockets served.

use std::io;
use std::thread::available_parallelism;

use tokio::runtime::{Builder, Runtime};

/// The variable by which the operator says how many there are; tokio's own.
const WORKERS: &str = "TOKIO_WORKER_THREADS";

/// The runtime of the binary: a worker for every two cores, unless `TOKIO_WORKER_THREADS` says otherwise.
///
/// Not one for each: `SQLite`, TURN and password hashing have threads of their own, and a relay's work comes in small
/// pieces, for each of which an idle worker would be woken. Measured on two cores (`tests/bench`): a relayed message
/// costs a fifth more CPU with two workers than with one.
pub fn runtime() -> io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    if std::env::var_os(WORKERS).is_none() {
        builder.worker_threads(available_parallelism().map_or(1, |cores| cores.get().div_ceil(2)));
    }
    builder.enable_all().build()
}
