//! The limits that this process sets itself before anything else: files for its own user only, no core dumps, many sockets.

/// Files that may be open although they are no connections: databases, TURN, NATS, pages being read.
const FILES_BESIDE: u64 = 1024;

/// Makes new files readable by this user alone, turns core dumps off (memory holds keys and what people said), and takes
/// as many open files as the system allows this user.
pub fn begin() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, umask};
        umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
        let none = Rlimit { current: Some(0), maximum: Some(0) };
        let _ = setrlimit(Resource::Core, none);
        let files = getrlimit(Resource::Nofile);
        // Where that is refused there are only fewer connections.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files });
    }
}

/// With fewer files than this a process would come up and then answer nobody.
pub const FILES_MIN: u64 = 256;

/// How many connections of `wanted` there may be, by how many files this process may open.
///
/// # Errors
/// That number, where it is less than [`FILES_MIN`].
pub fn connections(wanted: usize) -> Result<usize, u64> {
    let files = open_files_max();
    if files < FILES_MIN {
        return Err(files);
    }
    let fit = usize::try_from(files.saturating_sub(FILES_BESIDE).max(files / 2)).unwrap_or(usize::MAX);
    if fit < wanted {
        tracing::warn!(wanted, fit, "fewer connections than wanted: the limit of open files is low (ulimit -n)");
    }
    Ok(wanted.min(fit))
}

#[cfg(unix)]
fn open_files_max() -> u64 {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

#[cfg(not(unix))]
fn open_files_max() -> u64 {
    u64::MAX
}
