//! The data folder: one process at a time, and a demo's folder is never taken for a real network's.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The file that says: these accounts have passwords that everybody knows.
const DEMO_MARK: &str = "this-is-a-demo";
/// The file that says: all of the demo's people are there.
const FILLED_MARK: &str = "filled";
const LOCK: &str = "lock";

/// The content of a data folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Nothing yet, or it is not there.
    Nothing,
    /// A demo network.
    Demo,
    /// Anything else.
    Other,
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// `serve` on a demo's folder.
    #[error(
        "{0} holds a demo network, whose log-ins everybody knows: `sanbao serve` does not open it. Give another --data-dir"
    )]
    IsDemo(PathBuf),
    /// `demo` on another folder.
    #[error("{0} is not empty and holds no demo: `sanbao demo` does not touch it. Give another --data-dir")]
    IsNoDemo(PathBuf),
    /// A second process.
    #[error("another sanbao runs on {0}: stop it first, or give another --data-dir")]
    Taken(PathBuf),
    /// Others could put files there.
    #[error(
        "others can write to {0}, so nothing is kept there: give --data-dir a folder of its own, or close it (chmod 700)"
    )]
    OpenToWriting(PathBuf),
    /// Others can read it, and it is somebody else's.
    #[error("others can read {0}, and it cannot be closed ({1}): give --data-dir a folder of this user's own")]
    OpenToReading(PathBuf, io::Error),
    /// It cannot be read or made.
    #[error("the data folder {0}: {1}")]
    Io(PathBuf, io::Error),
}

/// Looks at a folder.
pub fn holds(dir: &Path) -> io::Result<Holds> {
    let mut entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Holds::Nothing),
        Err(e) => return Err(e),
    };
    if dir.join(DEMO_MARK).exists() {
        return Ok(Holds::Demo);
    }
    Ok(if entries.next().is_none() { Holds::Nothing } else { Holds::Other })
}

/// Makes `dir` if it is not there, and sees to it that nobody but its owner reads it or the data in it.
pub fn make_private(dir: &Path) -> Result<(), FolderError> {
    fs::create_dir_all(dir).map_err(|e| FolderError::Io(dir.to_owned(), e))?;
    #[cfg(unix)]
    close(dir)?;
    Ok(())
}

/// The files of a data folder that say something about people, or open what does.
#[cfg(unix)]
fn is_data(name: &str) -> bool {
    name.contains(".db") || name == "secret.json" || name == LOCK
}

#[cfg(unix)]
fn close(dir: &Path) -> Result<(), FolderError> {
    use std::os::unix::fs::PermissionsExt as _;
    let failed = |e| FolderError::Io(dir.to_owned(), e);
    let mode = |path: &Path| fs::symlink_metadata(path).map(|m| m.permissions().mode());
    let found = fs::metadata(dir).map_err(failed)?.permissions().mode();
    if found & 0o022 != 0 {
        return Err(FolderError::OpenToWriting(dir.to_owned()));
    }
    let mut opened = found & 0o077 != 0;
    if opened {
        let closed = fs::set_permissions(dir, fs::Permissions::from_mode(0o700));
        closed.map_err(|e| FolderError::OpenToReading(dir.to_owned(), e))?;
    }
    for entry in fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let data = path.file_name().is_some_and(|name| is_data(&name.to_string_lossy()));
        // A journal of SQLite may be gone by now.
        let Some(mode) = mode(&path).ok().filter(|mode| data && mode & 0o170_000 == 0o100_000) else { continue };
        if mode & 0o077 != 0 {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).map_err(failed)?;
            opened = true;
        }
    }
    if opened {
        tracing::warn!("others could read the data folder or files in it; now only its owner can");
    }
    Ok(())
}

/// A folder that this process works on; others are kept away until it is dropped.
#[derive(Debug)]
pub struct Claim {
    _lock: File,
}

fn claim(dir: &Path) -> Result<Claim, FolderError> {
    make_private(dir)?;
    let failed = |e| FolderError::Io(dir.to_owned(), e);
    let lock = File::options().create(true).append(true).open(dir.join(LOCK)).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(Claim { _lock: lock }),
        Err(TryLockError::WouldBlock) => Err(FolderError::Taken(dir.to_owned())),
        Err(TryLockError::Error(e)) => Err(failed(e)),
    }
}

/// Takes a folder that is there, a demo's or a network's, for work while nothing runs on it.
pub fn claim_stopped(dir: &Path) -> Result<Claim, FolderError> {
    claim(dir)
}

/// Takes `dir` for a demo; a fresh one is marked before anything else is written.
pub fn claim_demo(dir: &Path) -> Result<Claim, FolderError> {
    let failed = |e| FolderError::Io(dir.to_owned(), e);
    match holds(dir).map_err(failed)? {
        Holds::Other => return Err(FolderError::IsNoDemo(dir.to_owned())),
        Holds::Demo => {}
        Holds::Nothing => {
            make_private(dir)?;
            fs::write(dir.join(DEMO_MARK), "Delete this whole folder to start anew. 删除整个文件夹即可重新开始。\n")
                .map_err(failed)?;
        }
    }
    claim(dir)
}

/// Readies a demo's folder for filling; `false` when it was filled before. A fill that was cut short leaves no
/// mark, and what it left is thrown away: it was invented and can be invented again.
pub fn needs_filling(dir: &Path) -> Result<bool, FolderError> {
    if dir.join(FILLED_MARK).exists() {
        return Ok(false);
    }
    let failed = |e| FolderError::Io(dir.to_owned(), e);
    for entry in fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name().to_string_lossy().contains(".db") {
            fs::remove_file(entry.path()).map_err(failed)?;
        }
    }
    Ok(true)
}

/// Marks a demo's folder as filled.
pub fn filled(dir: &Path) -> Result<(), FolderError> {
    fs::write(dir.join(FILLED_MARK), "").map_err(|e| FolderError::Io(dir.to_owned(), e))
}

/// Takes `dir` for a real network.
pub fn claim_real(dir: &Path) -> Result<Claim, FolderError> {
    refuse_demo(dir)?;
    claim(dir)
}

/// Refuses a demo's folder.
pub fn refuse_demo(dir: &Path) -> Result<(), FolderError> {
    match holds(dir).map_err(|e| FolderError::Io(dir.to_owned(), e))? {
        Holds::Demo => Err(FolderError::IsDemo(dir.to_owned())),
        Holds::Nothing | Holds::Other => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_demo_and_a_network_never_share_a_folder() {
        let base = tempfile::tempdir().unwrap();
        let (demo, real) = (base.path().join("demo"), base.path().join("real"));
        drop(claim_demo(&demo).unwrap());
        drop(claim_demo(&demo).unwrap());
        assert!(matches!(claim_real(&demo), Err(FolderError::IsDemo(_))));
        drop(claim_real(&real).unwrap());
        assert!(matches!(claim_demo(&real), Err(FolderError::IsNoDemo(_))));
    }

    #[test]
    fn a_fill_that_was_cut_short_is_begun_anew() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("booking.db"), "half").unwrap();
        fs::write(dir.path().join("booking.db-wal"), "half").unwrap();
        assert!(needs_filling(dir.path()).unwrap());
        assert!(!dir.path().join("booking.db").exists() && !dir.path().join("booking.db-wal").exists());
        fs::write(dir.path().join("booking.db"), "whole").unwrap();
        filled(dir.path()).unwrap();
        assert!(!needs_filling(dir.path()).unwrap());
        assert!(dir.path().join("booking.db").exists());
    }

    #[test]
    fn one_process_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let first = claim_real(dir.path()).unwrap();
        assert!(matches!(claim_real(dir.path()), Err(FolderError::Taken(_))));
        drop(first);
        drop(claim_real(dir.path()).unwrap());
    }
}
