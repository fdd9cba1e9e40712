//! Secrets on the command line: given as they are, or as the file that holds them, which others cannot read in a list of
//! processes.

use std::fs;
use std::io::Read as _;

use sanbao_platform::config::Secret;

/// The largest file of a secret that is read, in bytes.
const FILE_BYTES_MAX: u64 = 16 * 1024;

/// A secret: `text` itself, or for `@FILE` the file's text without the white space at its ends.
pub(crate) fn secret_of(text: &str) -> Result<Secret<String>, String> {
    let Some(path) = text.strip_prefix('@') else { return Ok(Secret(text.to_owned())) };
    let mut secret = String::new();
    let read = fs::File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut secret));
    read.map_err(|e| format!("the file {path}: {e}"))?;
    match secret.trim() {
        "" => Err(format!("the file {path} is empty")),
        secret => Ok(Secret(secret.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_secret_is_given_as_it_is_or_by_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let given = format!("@{}", path.display());
        assert_eq!(secret_of("p@ss").unwrap().0, "p@ss");
        assert!(secret_of(&given).unwrap_err().contains("secret: "), "no such file");
        fs::write(&path, "\n").unwrap();
        assert!(secret_of(&given).unwrap_err().contains("is empty"));
        fs::write(&path, "northwind\n").unwrap();
        assert_eq!(secret_of(&given).unwrap().0, "northwind");
    }
}
