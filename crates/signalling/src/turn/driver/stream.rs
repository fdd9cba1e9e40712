//! One TCP or TLS connection: bytes in until there is a frame, bytes out as fast as the client reads.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use rustls::{ServerConfig, ServerConnection};

use crate::turn::engine::Client;
use crate::turn::framing::{self, FRAME_BYTES_MAX, StreamFrame};

/// Plain bytes that one read or one record takes.
const CHUNK_BYTES: usize = 16 * 1024;
/// Memory that an emptied buffer keeps.
const KEPT_BYTES: usize = 4 * 1024;

/// A connection.
#[derive(Debug)]
pub(super) struct Stream {
    socket: TcpStream,
    tls: Option<Box<ServerConnection>>,
    pub(super) client: Client,
    /// The beginning of a frame.
    pub(super) input: Vec<u8>,
    output: Vec<u8>,
    /// How much of `output` is sent.
    sent: usize,
    /// Whether it is among those to be flushed at the end of the turn.
    pub(super) dirty: bool,
}

impl Stream {
    /// Takes an accepted connection.
    pub(super) fn new(
        mut socket: TcpStream,
        remote: SocketAddr,
        id: u64,
        tls: Option<Arc<ServerConfig>>,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Self> {
        // Media: a frame that waits for others is late.
        socket.set_nodelay(true)?;
        registry.register(&mut socket, token, Interest::READABLE | Interest::WRITABLE)?;
        let tls = tls.map(ServerConnection::new).transpose().map_err(io::Error::other)?;
        let client = Client::Stream { remote, id };
        let (input, output) = (Vec::new(), Vec::new());
        Ok(Self { socket, tls: tls.map(Box::new), client, input, output, sent: 0, dirty: false })
    }

    /// Reads once, into `into`, and says how much; `WouldBlock` when there is no more. The end of the connection is
    /// an error too.
    pub(super) fn read(&mut self, into: &mut [u8; CHUNK_BYTES]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return ended(self.socket.read(into)?) };
        loop {
            match tls.reader().read(into) {
                Ok(len) => return ended(len),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => return Err(e),
            }
            ended(tls.read_tls(&mut self.socket)?)?;
            let processed = tls.process_new_packets().map_err(io::Error::other);
            // A handshake's answer, or the alert that says why not.
            while tls.wants_write() {
                match tls.write_tls(&mut self.socket) {
                    Ok(_) => {}
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                    Err(e) => return Err(e),
                }
            }
            processed?;
        }
    }

    /// A buffer for [`Stream::read`].
    pub(super) fn scratch() -> Box<[u8; CHUNK_BYTES]> {
        Box::new([0; CHUNK_BYTES])
    }

    /// Adds a frame made of `parts` to what is to be sent, unless that would be more than `bytes_max`: a client that
    /// reads slowly loses media, as it would over UDP, and the server does not grow.
    pub(super) fn push(&mut self, parts: [&[u8]; 3], bytes_max: usize) -> bool {
        let len: usize = parts.iter().map(|p| p.len()).sum();
        if self.output.len() - self.sent + len > bytes_max || len > FRAME_BYTES_MAX {
            return false;
        }
        if self.sent > 0 && self.output.len() + len > self.output.capacity() {
            self.output.drain(..self.sent);
            self.sent = 0;
        }
        for part in parts {
            self.output.extend_from_slice(part);
        }
        true
    }

    /// Gives back what a burst took and nothing needs now.
    pub(super) fn shrink(&mut self) {
        for buffer in [&mut self.input, &mut self.output] {
            if buffer.is_empty() {
                buffer.shrink_to(KEPT_BYTES);
            }
        }
    }

    /// Sends what the system takes.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match self.write() {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(()),
            other => other,
        }
    }

    fn write(&mut self) -> io::Result<()> {
        loop {
            if let Some(tls) = &mut self.tls {
                while tls.wants_write() {
                    ended(tls.write_tls(&mut self.socket)?)?;
                }
                if tls.is_handshaking() {
                    return Ok(());
                }
            }
            let rest = &self.output[self.sent..];
            if rest.is_empty() {
                self.sent = 0;
                // Its memory is kept for what comes next; a sweep takes it.
                self.output.clear();
                return Ok(());
            }
            self.sent += match &mut self.tls {
                Some(tls) => write_records(tls, rest)?,
                None => ended(self.socket.write(rest)?)?,
            };
        }
    }
}

/// Encrypts whole frames, each as a record of its own: coturn's client takes a record for a message. Not more than
/// a chunk at a time, so that what waits is counted in `output` and not in the library.
fn write_records(tls: &mut ServerConnection, frames: &[u8]) -> io::Result<usize> {
    let mut written = 0;
    while written < frames.len().min(CHUNK_BYTES) {
        let rest = &frames[written..];
        let len = match framing::first(rest) {
            StreamFrame::Whole(len) => len,
            // Only whole frames are pushed.
            StreamFrame::Part | StreamFrame::Bad => rest.len(),
        };
        tls.writer().write_all(&rest[..len])?;
        written += len;
    }
    Ok(written)
}

/// Nothing read or written is the end.
fn ended(len: usize) -> io::Result<usize> {
    if len == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(len) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_memory_of_a_burst_is_kept_for_the_next_one_until_the_sweep() {
        let poll = mio::Poll::new().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut far = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (near, remote) = listener.accept().unwrap();
        near.set_nonblocking(true).unwrap();
        let near = TcpStream::from_std(near);
        let mut stream = Stream::new(near, remote, 0, None, poll.registry(), Token(0)).unwrap();
        for _ in 0..8 {
            assert!(stream.push([&[7; 1000], &[], &[]], 1 << 20));
        }
        stream.flush().unwrap();
        far.read_exact(&mut [0; 8000]).unwrap();
        assert!(stream.output.is_empty() && stream.output.capacity() >= 8000);
        stream.shrink();
        assert!(stream.output.capacity() < 8000);
    }
}
