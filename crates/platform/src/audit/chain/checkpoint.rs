//! The head of a chain on its way out: a line of a file that nobody who writes to the database can change.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Bytes of a line that are read; a longer one is no checkpoint.
const LINE_BYTES_MAX: u64 = 4096;

/// The end of a chain, as it goes out: what a later verification holds the chain against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The service whose log it is.
    pub service: String,
    /// When it was taken.
    pub at: DateTime<Utc>,
    /// The place of the last row.
    pub position: i64,
    /// The link of that row, as hex.
    pub link: String,
}

/// A file that grows by one line of JSON for each checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointFile(pub PathBuf);

impl CheckpointFile {
    /// Whether it can be written to; makes it where it is not there.
    pub fn check(&self) -> io::Result<()> {
        self.opened().map(drop)
    }

    fn opened(&self) -> io::Result<File> {
        OpenOptions::new().read(true).append(true).create(true).open(&self.0)
    }

    /// Adds a line, durable when this returns. A line that was cut short before it stays a line of its own.
    pub fn append(&self, checkpoint: &Checkpoint) -> io::Result<()> {
        let mut file = self.opened()?;
        let mut line = Vec::new();
        if file.metadata()?.len() > 0 {
            file.seek(SeekFrom::End(-1))?;
            let mut last = [0];
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                line.push(b'\n');
            }
        }
        serde_json::to_writer(&mut line, checkpoint)?;
        line.push(b'\n');
        // One write: lines of several processes do not mix.
        file.write_all(&line)?;
        file.sync_all()
    }

    /// The checkpoints of a file in its order, and the numbers of the lines that hold none.
    pub fn read(path: &Path) -> io::Result<(Vec<Checkpoint>, Vec<usize>)> {
        let (mut found, mut unreadable) = (Vec::new(), Vec::new());
        let mut reader = BufReader::new(File::open(path)?);
        let mut line = Vec::new();
        for number in 1.. {
            line.clear();
            if reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            match serde_json::from_slice(&line) {
                Ok(checkpoint) => found.push(checkpoint),
                Err(_) => unreadable.push(number),
            }
        }
        Ok((found, unreadable))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn lines_are_added_and_read_and_one_that_was_cut_short_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = CheckpointFile(folder.path().join("checkpoints"));
        file.check().unwrap();
        let at = |position| Checkpoint {
            service: "speaker".to_owned(),
            at: DateTime::UNIX_EPOCH,
            position,
            link: "00".to_owned(),
        };
        file.append(&at(1)).unwrap();
        file.opened().unwrap().write_all(b"{\"service\":\"spea").unwrap();
        file.append(&at(2)).unwrap();
        assert_eq!(CheckpointFile::read(&file.0).unwrap(), (vec![at(1), at(2)], vec![2]));
        assert!(CheckpointFile(folder.path().to_owned()).check().is_err());
    }
}
