//! Waiting for what must come: as soon as it is there the test goes on, and on a busy machine it waits long. How long
//! something takes is no test's business, but a benchmark's.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

/// After this what is waited for does not come.
pub const PATIENCE: Duration = Duration::from_mins(3);

/// Asks again and again until `found` gives something.
pub async fn eventually<T>(what: &str, mut found: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = found().await {
            return value;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Asks again and again until something is so.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    eventually(what, async || is_so().await.then_some(())).await;
}

/// Asks again and again until there is no objection; the last one is told when the waiting was in vain.
pub async fn until_agreed(what: &str, mut objection: impl AsyncFnMut() -> Option<String>) {
    let deadline = Instant::now() + PATIENCE;
    while let Some(said) = objection().await {
        assert!(Instant::now() < deadline, "waited in vain: {what}: {said}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The value of a future that ends by itself.
pub async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited in vain: {what}"))
}
