//! Secrets on disk, and a wrapper that never shows one.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize, Serializer};

use crate::audit::chain::PruningKey;
use crate::auth::{Keys, TokenError};
use crate::crypto::{FieldKeyId, FieldKeys, derive, hex};
use crate::db::KeyMarks;

/// Bytes of a key's mark: enough to tell keys apart.
const MARK_BYTES: usize = 8;

/// A value that prints and serialises as `***`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret<T>(pub T);

impl<T> std::fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

impl<T> Serialize for Secret<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

impl<T: std::str::FromStr> std::str::FromStr for Secret<T> {
    type Err = T::Err;
    fn from_str(text: &str) -> Result<Self, T::Err> {
        text.parse().map(Self)
    }
}

/// The network's root secret; every key is derived from it, each for one purpose. Only fields at rest may have later
/// keys of their own beside it, so that what lies in a database can be sealed anew.
#[derive(Clone)]
pub struct RootSecret {
    root: [u8; 32],
    /// In the order in which they were made; the last is current.
    field_keys: Vec<(FieldKeyId, [u8; 32])>,
    resealing: bool,
}

impl std::fmt::Debug for RootSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RootSecret(***)")
    }
}

#[derive(Deserialize, Serialize)]
struct File {
    root: String,
    /// Those of fields at rest, if there were any after the one that `root` gives.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    field_keys: Vec<FieldKeyText>,
    /// Whether a sealing anew has begun and not come to its end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    resealing: bool,
}

#[derive(Deserialize, Serialize)]
struct FieldKeyText {
    id: FieldKeyId,
    key: String,
}

fn bytes_of(text: &str) -> Option<[u8; 32]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// A new file that only its owner reads, durable when this returns.
fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

impl RootSecret {
    /// A secret from given bytes: for tests.
    pub fn from_bytes(root: [u8; 32]) -> Self {
        Self { root, field_keys: Vec::new(), resealing: false }
    }

    /// Reads `dir/secret.json`, or makes it with fresh random bytes, readable by its owner only.
    pub fn load_or_create(dir: &Path) -> io::Result<Self> {
        Self::load_or_create_at(&dir.join("secret.json"))
    }

    /// The same for a file of any name, such as one that an operator mounts.
    pub fn load_or_create_at(path: &Path) -> io::Result<Self> {
        match Self::load_at(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let made = Self::from_bytes(rand::random());
                made.save_new(path)?;
                Ok(made)
            }
            read => read,
        }
    }

    /// Reads a secret that must be there.
    pub fn load_at(path: &Path) -> io::Result<Self> {
        let broken = |_| io::Error::new(io::ErrorKind::InvalidData, format!("{} is not a secret file", path.display()));
        Self::of_file_text(&fs::read_to_string(path)?).map_err(broken)
    }

    /// Saves it as a new file, which only its owner reads.
    pub fn save_new(&self, path: &Path) -> io::Result<()> {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        write_new(path, &self.text_of_file()?)
    }

    /// The text of its file, for a backup.
    pub fn to_file_text(&self) -> io::Result<String> {
        String::from_utf8(self.text_of_file()?).map_err(io::Error::other)
    }

    /// A secret out of the text of its file.
    pub fn of_file_text(text: &str) -> io::Result<Self> {
        let broken = || io::Error::new(io::ErrorKind::InvalidData, "not the text of a secret file");
        let file: File = serde_json::from_str(text).map_err(|_| broken())?;
        let root = bytes_of(&file.root).ok_or_else(broken)?;
        let key = |text: &FieldKeyText| Some((text.id, bytes_of(&text.key).filter(|_| text.id > 0)?));
        let field_keys = file.field_keys.iter().map(key).collect::<Option<Vec<_>>>().ok_or_else(broken)?;
        Ok(Self { root, field_keys, resealing: file.resealing })
    }

    fn text_of_file(&self) -> io::Result<Vec<u8>> {
        let text = |bytes: &[u8; 32]| URL_SAFE_NO_PAD.encode(bytes);
        let field_keys = self.field_keys.iter().map(|(id, key)| FieldKeyText { id: *id, key: text(key) }).collect();
        Ok(serde_json::to_vec(&File { root: text(&self.root), field_keys, resealing: self.resealing })?)
    }

    /// Puts the file in the other's place at once: there is never none and never half a one.
    fn replace(&self, path: &Path) -> io::Result<()> {
        let beside = path.with_extension("new");
        match fs::remove_file(&beside) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => write_new(&beside, &self.text_of_file()?)?,
        }
        fs::rename(&beside, path)?;
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        fs::File::open(folder)?.sync_all()
    }

    /// Gives the network's fields a new key and says in the file that they are being sealed anew; where that was said
    /// before, it goes on with the key of then.
    pub fn begin_reseal(path: &Path) -> io::Result<Self> {
        let mut secret = Self::load_at(path)?;
        if !secret.resealing {
            let last = secret.field_keys.iter().map(|(id, _)| *id).max().unwrap_or(0);
            secret.field_keys.push((last + 1, rand::random()));
            secret.resealing = true;
            secret.replace(path)?;
        }
        Ok(secret)
    }

    /// Says in the file that all fields are under the current key. Former keys stay: a backup may need them.
    pub fn finish_reseal(mut self, path: &Path) -> io::Result<()> {
        self.resealing = false;
        self.replace(path)
    }

    /// Whether fields are being sealed anew: until that has come to its end, nobody is found by a blind index.
    pub fn is_resealing(&self) -> bool {
        self.resealing
    }

    /// The marks by which a database knows these keys again.
    pub fn marks(&self) -> KeyMarks {
        let mark = |key: &[u8; 32], purpose: &[u8]| hex(&derive(key, purpose)[..MARK_BYTES]);
        let fields = self.field_keys.iter().map(|(id, key)| (*id, mark(key, b"sanbao field key mark v1"))).collect();
        KeyMarks { root: mark(&self.root, b"sanbao root mark v1"), fields }
    }

    /// The signing keys.
    pub fn keys(&self) -> Result<Keys, TokenError> {
        Keys::from_seed(&derive(&self.root, b"sanbao token signing v1"))
    }

    /// The keys of fields at rest.
    pub fn fields(&self) -> FieldKeys {
        FieldKeys::with(&derive(&self.root, b"sanbao fields v1"), &self.field_keys)
    }

    /// The key that signs where the audit log was pruned.
    pub fn pruning_key(&self) -> PruningKey {
        PruningKey::from_seed(&derive(&self.root, b"sanbao audit pruning v1"))
    }

    /// A shared secret for another purpose, such as TURN credentials, as text.
    pub fn text(&self, purpose: &str) -> String {
        URL_SAFE_NO_PAD.encode(derive(&self.root, purpose.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_network_takes_a_new_key_and_keeps_what_it_had() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.json");
        assert_eq!(RootSecret::begin_reseal(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        let first = RootSecret::load_or_create_at(&path).unwrap();
        let sealed = first.fields().seal("t.c:1", "text");
        let begun = RootSecret::begin_reseal(&path).unwrap();
        assert!(begun.is_resealing() && RootSecret::load_at(&path).unwrap().is_resealing());
        let again = RootSecret::begin_reseal(&path).unwrap();
        assert_eq!(begun.fields().blind_index("d", "v"), again.fields().blind_index("d", "v"), "goes on with its key");
        again.finish_reseal(&path).unwrap();
        let after = RootSecret::load_or_create_at(&path).unwrap();
        assert!(!after.is_resealing());
        assert_eq!(after.fields().open("t.c:1", &sealed).unwrap(), "text");
        assert_ne!(after.fields().blind_index("d", "v"), first.fields().blind_index("d", "v"));
        assert_eq!(after.text("other purposes"), first.text("other purposes"));
        let third = RootSecret::begin_reseal(&path).unwrap();
        assert_eq!(third.field_keys.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [1, 2]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret.json");
        let good = URL_SAFE_NO_PAD.encode([7; 32]);
        for text in [
            "{}".to_owned(),
            "{\"root\":\"x\"}".to_owned(),
            format!("{{\"root\":\"{good}\",\"field_keys\":[{{\"id\":1,\"key\":\"short\"}}]}}"),
            format!("{{\"root\":\"{good}\",\"field_keys\":[{{\"id\":0,\"key\":\"{good}\"}}]}}"),
        ] {
            fs::write(&path, &text).unwrap();
            assert_eq!(RootSecret::load_at(&path).unwrap_err().kind(), io::ErrorKind::InvalidData, "{text}");
        }
        fs::write(&path, format!("{{\"root\":\"{good}\"}}")).unwrap();
        assert!(RootSecret::load_at(&path).is_ok(), "the file of a network that never had a second key");
    }
}
