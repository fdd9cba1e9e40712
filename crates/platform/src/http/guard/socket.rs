//! A socket that ends by itself when its connection is due.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::connections::ConnectionPlace;
use super::pace::Pace;
use super::watch::{Due, Watch};

/// A connection's socket with its place among the connections.
#[derive(Debug)]
pub struct Guarded {
    inner: TcpStream,
    watch: Arc<Watch>,
    due: Pin<Box<Sleep>>,
    taking: Pace,
    /// Runs while the other side takes nothing; most sockets never need it.
    taken: Option<Pin<Box<Sleep>>>,
    _place: ConnectionPlace,
}

impl Guarded {
    pub(super) fn new(inner: TcpStream, watch: Arc<Watch>, place: ConnectionPlace) -> Self {
        let (due, taking) = (Box::pin(sleep_until(Instant::now())), Pace::new(watch.bounds().taking_wait));
        Self { inner, watch, due, taking, taken: None, _place: place }
    }

    /// Fails when the connection is due, and else sees to it that its task looks again in time.
    fn look(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        self.watch.waker.register(cx.waker());
        loop {
            match self.watch.due(Instant::now()) {
                Due::Never => return Ok(()),
                Due::Now(why) => return Err(io::Error::new(ErrorKind::TimedOut, why)),
                // A timer that fires too early is cheaper than one that is set anew with each request.
                Due::At(at) if self.due.is_elapsed() || self.due.deadline() > at => self.due.as_mut().reset(at),
                Due::At(_) => {}
            }
            if self.due.as_mut().poll(cx).is_pending() {
                return Ok(());
            }
        }
    }

    /// Keeps account of what was written, or of the wait for it.
    fn wrote(&mut self, cx: &mut Context<'_>, wrote: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        let now = Instant::now();
        match wrote {
            Poll::Ready(Ok(bytes)) => {
                self.taking.came(now, bytes);
                self.taken = None;
                Poll::Ready(Ok(bytes))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => {
                let ends = self.taking.waiting(now);
                ready!(self.taken.get_or_insert_with(|| Box::pin(sleep_until(ends))).as_mut().poll(cx));
                Poll::Ready(Err(io::Error::new(ErrorKind::TimedOut, "an answer was not taken")))
            }
        }
    }
}

impl AsyncRead for Guarded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.look(cx)?;
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.wrote(cx, wrote)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wrote = Pin::new(&mut self.inner).poll_write_vectored(cx, pieces);
        self.wrote(cx, wrote)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
