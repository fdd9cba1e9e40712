//! Secrets on disk, and a wrapper that never shows one.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize, Serializer};

use crate::auth::{Keys, TokenError};
use crate::crypto::{FieldKeys, derive};

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

/// The network's root secret; every key is derived from it, each for one purpose.
#[derive(Clone)]
pub struct RootSecret([u8; 32]);

impl std::fmt::Debug for RootSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RootSecret(***)")
    }
}

#[derive(Deserialize, Serialize)]
struct File {
    root: String,
}

impl RootSecret {
    /// A secret from given bytes: for tests.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads `dir/secret.json`, or makes it with fresh random bytes, readable by its owner only.
    pub fn load_or_create(dir: &Path) -> io::Result<Self> {
        Self::load_or_create_at(&dir.join("secret.json"))
    }

    /// The same for a file of any name, such as one that an operator mounts.
    pub fn load_or_create_at(path: &Path) -> io::Result<Self> {
        match fs::read_to_string(path) {
            Ok(text) => {
                let broken =
                    || io::Error::new(io::ErrorKind::InvalidData, format!("{} is not a secret file", path.display()));
                let file: File = serde_json::from_str(&text).map_err(|_| broken())?;
                let bytes = URL_SAFE_NO_PAD.decode(file.root).map_err(|_| broken())?;
                Ok(Self(bytes.try_into().map_err(|_| broken())?))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                if let Some(dir) = path.parent() {
                    fs::create_dir_all(dir)?;
                }
                let root: [u8; 32] = rand::random();
                let mut options = fs::OpenOptions::new();
                options.write(true).create_new(true);
                #[cfg(unix)]
                std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
                let mut file = options.open(path)?;
                file.write_all(&serde_json::to_vec(&File { root: URL_SAFE_NO_PAD.encode(root) })?)?;
                file.sync_all()?;
                Ok(Self(root))
            }
            Err(e) => Err(e),
        }
    }

    /// The signing keys.
    pub fn keys(&self) -> Result<Keys, TokenError> {
        Keys::from_seed(&derive(&self.0, b"sanbao token signing v1"))
    }

    /// The keys of fields at rest.
    pub fn fields(&self) -> FieldKeys {
        FieldKeys::new(&derive(&self.0, b"sanbao fields v1"))
    }

    /// A shared secret for another purpose, such as TURN credentials, as text.
    pub fn text(&self, purpose: &str) -> String {
        URL_SAFE_NO_PAD.encode(derive(&self.0, purpose.as_bytes()))
    }
}
