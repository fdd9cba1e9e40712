//! The two halves of an upgraded connection: TCP as it is where there is no TLS, anything else behind a box.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto::upgrade::downcast;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// The bytes that one read takes at most. It lies on the stack of the task that reads, so a quiet connection has none.
const READ_BYTES_MAX: usize = 16 * 1024;

/// The half that its own task reads.
#[derive(Debug)]
pub(super) enum SocketReader {
    /// Plain TCP.
    Tcp(OwnedReadHalf),
    /// TLS, or what a test brings.
    Other(ReadHalf<TokioIo<Upgraded>>),
}

/// The half to which any task writes that has a message for the client.
#[derive(Debug)]
pub(super) enum SocketWriter {
    /// Plain TCP.
    Tcp(OwnedWriteHalf),
    /// TLS, or what a test brings.
    Other(WriteHalf<TokioIo<Upgraded>>),
}

/// Takes an upgraded connection apart; the bytes are what had been read beyond the request.
pub(super) fn halves(upgraded: Upgraded) -> (SocketReader, SocketWriter, Bytes) {
    match downcast::<TokioIo<TcpStream>>(upgraded) {
        Ok(parts) => {
            let (reader, writer) = parts.io.into_inner().into_split();
            (SocketReader::Tcp(reader), SocketWriter::Tcp(writer), parts.read_buf)
        }
        Err(upgraded) => {
            let (reader, writer) = tokio::io::split(TokioIo::new(upgraded));
            (SocketReader::Other(reader), SocketWriter::Other(writer), Bytes::new())
        }
    }
}

impl SocketReader {
    /// Reads once and hands over what came: nothing at the end of the stream.
    pub(super) fn poll_read_once<T>(
        &mut self,
        cx: &mut Context<'_>,
        take: impl FnOnce(&mut [u8]) -> T,
    ) -> Poll<io::Result<T>> {
        let mut space = [const { MaybeUninit::uninit() }; READ_BYTES_MAX];
        let mut buf = ReadBuf::uninit(&mut space);
        ready!(match self {
            Self::Tcp(half) => Pin::new(half).poll_read(cx, &mut buf),
            Self::Other(half) => Pin::new(half).poll_read(cx, &mut buf),
        })?;
        Poll::Ready(Ok(take(buf.filled_mut())))
    }
}

impl SocketWriter {
    /// Writes what the socket takes now.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Tcp(half) => Pin::new(half).poll_write(cx, bytes),
            Self::Other(half) => Pin::new(half).poll_write(cx, bytes),
        }
    }

    /// Pushes out what a layer between here and the socket may hold; TCP holds nothing.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(_) => Poll::Ready(Ok(())),
            Self::Other(half) => Pin::new(half).poll_flush(cx),
        }
    }

    /// Says that no more will come.
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Tcp(half) => Pin::new(half).poll_shutdown(cx),
            Self::Other(half) => Pin::new(half).poll_shutdown(cx),
        }
    }
}
