//! The conversation with the supervisor that started this process: systemd's notifications (`sd_notify(3)`) where it has a
//! socket for them, and signals. Without one, saying something costs nothing and reaches nobody.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sanbao_platform::telemetry::Logs;
use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

/// Whether everything has answered once: before that a supervisor must not be told so.
static IS_READY: AtomicBool = AtomicBool::new(false);

fn say(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the supervisor cannot be told");
    }
}

/// Everything answers.
pub fn ready(status: &str) {
    IS_READY.store(true, Ordering::Relaxed);
    say(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// The process was asked to end and is draining.
pub fn stopping() {
    say(&[NotifyState::Stopping]);
}

/// A sign of life, twice in the time that the supervisor waits for one, from a task beside those that answer: it is missing
/// when no task runs any more. What a restart does not mend, such as a full disk, is told by `/readyz`.
pub async fn signs_of_life(stop: CancellationToken) {
    let Some(wait) = sd_notify::watchdog_enabled().filter(|wait| *wait > Duration::ZERO) else { return };
    while stop.run_until_cancelled(tokio::time::sleep(wait / 2)).await.is_some() {
        say(&[NotifyState::Watchdog]);
    }
}

/// From now on SIGHUP ends nothing: a closed terminal, a rotated log and `systemctl reload` have files read again. The
/// log's filter is read at once; certificates and their keys are looked at every two seconds anyway.
pub fn read_again_on_hang_up(logs: Logs) {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::hangup()) {
            Ok(mut hang_ups) => drop(tokio::spawn(async move {
                while hang_ups.recv().await.is_some() {
                    let is_ready = IS_READY.load(Ordering::Relaxed);
                    if let Ok(now) = NotifyState::monotonic_usec_now()
                        && is_ready
                    {
                        say(&[NotifyState::Reloading, now]);
                    }
                    tracing::info!("asked to read files again: the log's filter now, certificates within two seconds");
                    logs.read_again();
                    if is_ready {
                        say(&[NotifyState::Ready]);
                    }
                }
            })),
            Err(error) => tracing::warn!(%error, "SIGHUP cannot be heard and would end this process"),
        }
    }
    #[cfg(not(unix))]
    drop(logs);
}
