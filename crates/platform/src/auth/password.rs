//! Passwords and PINs: argon2id (RFC 9106) in a bounded pool of blocking threads.

use std::sync::Arc;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::Semaphore;

/// Memory of one hash in KiB: OWASP's first choice for argon2id (19 MiB, 2 passes, 1 lane).
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// A block that the GNU allocator never keeps: more than its `DEFAULT_MMAP_THRESHOLD_MAX` of 32 MiB.
const RETURNED_BYTES_MIN: usize = 33 * 1024 * 1024;
/// How many hashes run at once; each takes a core and [`MEMORY_KIB`].
const CONCURRENT_MAX: usize = 2;
/// How many may wait; one more is told to come back.
const WAITING_MAX: usize = 64;
/// A longer password is refused: hashing it would cost the server, not the attacker.
pub const PASSWORD_BYTES_MAX: usize = 256;

/// Why no answer was given.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many are being checked; try again in a second.
    #[error("too many passwords are being checked")]
    Busy,
    /// Longer than [`PASSWORD_BYTES_MAX`].
    #[error("password too long")]
    TooLong,
    /// The library failed.
    #[error("password hashing: {0}")]
    Hash(String),
}

/// The hashing pool. Cheap to clone; clones share their bounds.
#[derive(Clone, Debug)]
pub struct Passwords {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// Verified when there is no such account, so that both answers take equally long.
    decoy: Arc<str>,
}

impl Default for Passwords {
    fn default() -> Self {
        let decoy = hash_now("no account has this password").unwrap_or_default();
        Self {
            running: Arc::new(Semaphore::new(CONCURRENT_MAX)),
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
            decoy: decoy.into(),
        }
    }
}

/// Why the library failed, without what it was given.
fn failed(error: impl std::fmt::Display) -> PasswordError {
    PasswordError::Hash(error.to_string())
}

/// Where one hash is computed.
///
/// The GNU allocator keeps what was freed for its thread, up to blocks of 32 MiB, and each thread that hashes would
/// keep 19 MiB for good. A larger block goes back to the system at once. The part of it that is not touched costs
/// nothing.
fn working_memory(blocks: usize) -> Vec<Block> {
    let mut memory = Vec::with_capacity(blocks.max(RETURNED_BYTES_MIN / Block::SIZE));
    memory.resize(blocks, Block::default());
    memory
}

fn compute(
    algorithm: Algorithm,
    version: Version,
    params: Params,
    text: &str,
    salt: &Salt,
) -> Result<Output, PasswordError> {
    let mut bytes = [0; Output::MAX_LENGTH];
    let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let out = bytes.get_mut(..length).ok_or_else(|| failed("too long an output"))?;
    let memory = working_memory(params.block_count());
    let argon2 = Argon2::new(algorithm, version, params);
    argon2.hash_password_into_with_memory(text.as_bytes(), salt, out, memory).map_err(failed)?;
    Output::new(out).map_err(failed)
}

fn hash_now(password: &str) -> Result<String, PasswordError> {
    let (algorithm, version, salt) = (Algorithm::Argon2id, Version::V0x13, Salt::generate());
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(failed)?;
    let hash = PasswordHash {
        algorithm: algorithm.ident(),
        version: Some(version.into()),
        params: ParamsString::try_from(&params).map_err(failed)?,
        salt: Some(salt),
        hash: Some(compute(algorithm, version, params, password, &salt)?),
    };
    Ok(hash.to_string())
}

/// A hash that cannot be read has no password.
fn verify_now(password: &str, hash: &str) -> Result<bool, PasswordError> {
    let Ok(stored) = PasswordHash::new(hash) else { return Ok(false) };
    let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else { return Ok(false) };
    let Ok(algorithm) = Algorithm::try_from(stored.algorithm.as_str()) else { return Ok(false) };
    let Ok(version) = stored.version.map_or(Ok(Version::V0x13), Version::try_from) else { return Ok(false) };
    let Ok(params) = Params::try_from(&stored) else { return Ok(false) };
    // Outputs compare without telling by time where they differ.
    Ok(compute(algorithm, version, params, password, salt)? == *expected)
}

impl Passwords {
    /// The hash to store, in PHC string format.
    pub async fn hash(&self, password: String) -> Result<String, PasswordError> {
        self.run(password, |p| hash_now(&p)).await
    }

    /// Whether `password` has this hash; without a hash it takes as long and is `false`.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, PasswordError> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.to_string());
        Ok(self.run(password, move |p| verify_now(&p, &hash)).await? && known)
    }

    async fn run<T: Send + 'static>(
        &self,
        password: String,
        work: impl FnOnce(String) -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        if password.len() > PASSWORD_BYTES_MAX {
            return Err(PasswordError::TooLong);
        }
        let _place = self.waiting.try_acquire().map_err(|_| PasswordError::Busy)?;
        let permit = Arc::clone(&self.running).acquire_owned().await.map_err(|_| PasswordError::Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let _running = permit;
            work(password)
        });
        done.await.map_err(|e| PasswordError::Hash(e.to_string()))?
    }
}

impl From<PasswordError> for crate::problem::Problem {
    fn from(error: PasswordError) -> Self {
        use crate::problem::{INTERNAL, Problem, TOO_MANY};
        match error {
            PasswordError::Busy => Problem::new(&TOO_MANY).retry_after(1),
            PasswordError::TooLong => {
                Problem::field("/password", "密码太长（最多 256 字节）", "The password is too long (256 bytes at most)")
            }
            PasswordError::Hash(_) => Problem::new(&INTERNAL).because(error),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};

    use super::*;

    #[tokio::test]
    async fn only_the_right_password_passes() {
        let passwords = Passwords::default();
        let hash = passwords.hash("correct horse".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(passwords.verify("correct horse".into(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("Correct horse".into(), Some(hash)).await.unwrap());
        assert!(!passwords.verify("no account has this password".into(), None).await.unwrap());
        assert!(matches!(passwords.hash("x".repeat(257)).await, Err(PasswordError::TooLong)));
    }

    #[test]
    fn hashes_are_the_librarys() {
        let by_library: PasswordHash = Argon2::default().hash_password(b"correct horse").unwrap();
        assert!(verify_now("correct horse", &by_library.to_string()).unwrap());
        assert!(!verify_now("correct horsf", &by_library.to_string()).unwrap());
        let by_us = hash_now("correct horse").unwrap();
        assert!(Argon2::default().verify_password(b"correct horse", by_us.as_str()).is_ok());
        for broken in ["", "plain", "$argon2id$v=19$m=19456,t=2,p=1", "$scrypt$ln=16,r=8,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"] {
            assert!(!verify_now("correct horse", broken).unwrap(), "{broken}");
        }
    }

    #[test]
    fn working_memory_is_more_than_an_allocator_keeps() {
        let memory = working_memory(MEMORY_KIB as usize);
        assert_eq!((memory.len(), memory.capacity()), (MEMORY_KIB as usize, 33 * 1024));
    }

    #[tokio::test]
    async fn one_more_than_may_wait_is_refused() {
        let passwords = Passwords::default();
        let _all = passwords.waiting.clone().try_acquire_many_owned(u32::try_from(WAITING_MAX).unwrap()).unwrap();
        assert!(matches!(passwords.hash("x".into()).await, Err(PasswordError::Busy)));
    }
}
