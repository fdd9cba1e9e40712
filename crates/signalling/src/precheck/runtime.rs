//! Tokio for the server's peer, with timers that let relayed packets out.
//!
//! The driver of webrtc 0.21.1 hands what goes through TURN to its relay client after it has sent what the
//! relay client had: such a packet waits for the next turn of the loop, which is the next packet that
//! comes or the next timer, the 200 ms of SCTP's acknowledgement as a rule. So after every turn that
//! something else than a timer ended, the next timer fires at once, and the loop turns once more.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime, TokioRuntime,
};

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The runtime of one peer connection.
#[derive(Debug, Default)]
pub(super) struct Impatient {
    /// The last timer was given up because something else happened.
    interrupted: Arc<AtomicBool>,
}

/// Notes when a timer is dropped before its time.
struct Watch {
    interrupted: Arc<AtomicBool>,
    fired: bool,
}

impl Watch {
    /// The timer ends in its time. A method, so that the future holds all of it and not only the flag.
    fn fire(&mut self) {
        self.fired = true;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.fired {
            self.interrupted.store(true, Ordering::Relaxed);
        }
    }
}

impl Runtime for Impatient {
    fn spawn(&self, future: Boxed<'static, ()>) -> Box<dyn JoinHandle> {
        TokioRuntime.spawn(future)
    }

    fn wrap_udp_socket(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        TokioRuntime.wrap_udp_socket(socket)
    }

    fn wrap_tcp_listener(&self, listener: TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        TokioRuntime.wrap_tcp_listener(listener)
    }

    fn connect_tcp(&self, to: SocketAddr) -> Boxed<'_, io::Result<Arc<dyn AsyncTcpStream>>> {
        TokioRuntime.connect_tcp(to)
    }

    fn resolve_host<'a>(&'a self, host: &'a str) -> Boxed<'a, io::Result<Vec<SocketAddr>>> {
        TokioRuntime.resolve_host(host)
    }

    fn sleep(&self, duration: Duration) -> Boxed<'static, ()> {
        if self.interrupted.swap(false, Ordering::Relaxed) {
            return Box::pin(std::future::ready(()));
        }
        let watch = Watch { interrupted: Arc::clone(&self.interrupted), fired: false };
        Box::pin(async move {
            let mut watch = watch; // the whole of it, or it would be dropped before the time is over
            tokio::time::sleep(duration).await;
            watch.fire();
        })
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        TokioRuntime.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        TokioRuntime.block_on(future);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a timer would wait.
    async fn waits(timer: &mut Boxed<'static, ()>) -> bool {
        std::future::poll_fn(|cx| std::task::Poll::Ready(timer.as_mut().poll(cx).is_pending())).await
    }

    #[tokio::test]
    async fn after_an_interrupted_timer_one_fires_at_once_and_the_next_keeps_its_time() {
        let (runtime, long) = (Impatient::default(), Duration::from_hours(1));
        let mut first = runtime.sleep(long);
        assert!(waits(&mut first).await);
        drop(first);
        runtime.sleep(long).await;
        assert!(waits(&mut runtime.sleep(long)).await, "once");
    }

    #[tokio::test]
    async fn a_timer_that_fires_in_its_time_hurries_nothing() {
        let runtime = Impatient::default();
        for _ in 0..3 {
            runtime.sleep(Duration::from_millis(1)).await;
            assert!(!runtime.interrupted.load(Ordering::Relaxed));
        }
    }
}
