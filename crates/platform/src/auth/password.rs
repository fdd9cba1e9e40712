//! Passwords and PINs: argon2id (RFC 9106) on threads of its own, with a bound on how many wait.

use std::sync::Arc;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::{Semaphore, oneshot};

use super::hashing::{Hashing, Memory};

/// The cost of one hash. The stored hash says it too, and is verified at its own cost.
#[derive(Clone, Copy, Debug)]
struct Cost {
    memory_kib: u32,
    passes: u32,
}

/// OWASP's first choice for argon2id (19 MiB, 2 passes, 1 lane).
const COST: Cost = Cost { memory_kib: 19 * 1024, passes: 2 };
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
    hashing: Hashing,
    waiting: Arc<Semaphore>,
    cost: Cost,
    /// Verified when there is no such account, so that both answers take equally long.
    decoy: Arc<str>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self::at(COST)
    }
}

/// Why the library failed, without what it was given.
fn failed(error: impl std::fmt::Display) -> PasswordError {
    PasswordError::Hash(error.to_string())
}

fn compute(
    algorithm: Algorithm,
    version: Version,
    params: Params,
    text: &str,
    salt: &Salt,
    memory: &mut Memory,
) -> Result<Output, PasswordError> {
    let mut bytes = [0; Output::MAX_LENGTH];
    let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let out = bytes.get_mut(..length).ok_or_else(|| failed("too long an output"))?;
    let memory = memory.blocks(params.block_count());
    let argon2 = Argon2::new(algorithm, version, params);
    argon2.hash_password_into_with_memory(text.as_bytes(), salt, out, memory).map_err(failed)?;
    Output::new(out).map_err(failed)
}

fn hash_now(cost: Cost, password: &str, memory: &mut Memory) -> Result<String, PasswordError> {
    let (algorithm, version, salt) = (Algorithm::Argon2id, Version::V0x13, Salt::generate());
    let params = Params::new(cost.memory_kib, cost.passes, 1, None).map_err(failed)?;
    let hash = PasswordHash {
        algorithm: algorithm.ident(),
        version: Some(version.into()),
        params: ParamsString::try_from(&params).map_err(failed)?,
        salt: Some(salt),
        hash: Some(compute(algorithm, version, params, password, &salt, memory)?),
    };
    Ok(hash.to_string())
}

/// A hash that cannot be read has no password.
fn verify_now(password: &str, hash: &str, memory: &mut Memory) -> Result<bool, PasswordError> {
    let Ok(stored) = PasswordHash::new(hash) else { return Ok(false) };
    let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else { return Ok(false) };
    let Ok(algorithm) = Algorithm::try_from(stored.algorithm.as_str()) else { return Ok(false) };
    let Ok(version) = stored.version.map_or(Ok(Version::V0x13), Version::try_from) else { return Ok(false) };
    let Ok(params) = Params::try_from(&stored) else { return Ok(false) };
    // Outputs compare without telling by time where they differ.
    Ok(compute(algorithm, version, params, password, salt, memory)? == *expected)
}

impl Passwords {
    fn at(cost: Cost) -> Self {
        let decoy = hash_now(cost, "no account has this password", &mut Memory::default()).unwrap_or_default();
        let waiting = Arc::new(Semaphore::new(WAITING_MAX));
        Self { hashing: Hashing::default(), waiting, cost, decoy: decoy.into() }
    }

    /// Hashes that protect nothing and take no time, for tests that are about something else.
    #[cfg(feature = "testing")]
    pub fn quick() -> Self {
        Self::at(Cost { memory_kib: 8, passes: 1 })
    }

    /// The hash to store, in PHC string format.
    pub async fn hash(&self, password: String) -> Result<String, PasswordError> {
        let cost = self.cost;
        self.run(password, move |p, memory| hash_now(cost, &p, memory)).await
    }

    /// Whether `password` has this hash; without a hash it takes as long and is `false`.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, PasswordError> {
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.decoy.to_string());
        Ok(self.run(password, move |p, memory| verify_now(&p, &hash, memory)).await? && known)
    }

    async fn run<T: Send + 'static>(
        &self,
        password: String,
        work: impl FnOnce(String, &mut Memory) -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        if password.len() > PASSWORD_BYTES_MAX {
            return Err(PasswordError::TooLong);
        }
        // The place goes with the work, which a caller who has left does not take back.
        let place = Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| PasswordError::Busy)?;
        let (done, answer) = oneshot::channel();
        let job = move |memory: &mut Memory| {
            let _place = place;
            if !done.is_closed() {
                let _ = done.send(work(password, memory));
            }
        };
        self.hashing.submit(Box::new(job)).map_err(failed)?;
        answer.await.map_err(failed)?
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
        let memory = &mut Memory::default();
        let by_library: PasswordHash = Argon2::default().hash_password(b"correct horse").unwrap();
        assert!(verify_now("correct horse", &by_library.to_string(), memory).unwrap());
        assert!(!verify_now("correct horsf", &by_library.to_string(), memory).unwrap());
        let by_us = hash_now(COST, "correct horse", memory).unwrap();
        assert!(Argon2::default().verify_password(b"correct horse", by_us.as_str()).is_ok());
        for broken in ["", "plain", "$argon2id$v=19$m=19456,t=2,p=1", "$scrypt$ln=16,r=8,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"] {
            assert!(!verify_now("correct horse", broken, memory).unwrap(), "{broken}");
        }
    }

    #[tokio::test]
    async fn one_more_than_may_wait_is_refused() {
        let passwords = Passwords::default();
        let _all = passwords.waiting.clone().try_acquire_many_owned(u32::try_from(WAITING_MAX).unwrap()).unwrap();
        assert!(matches!(passwords.hash("x".into()).await, Err(PasswordError::Busy)));
    }
}
