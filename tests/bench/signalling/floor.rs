//! The floor: a bare WebSocket forwarder, the least that a relay can cost on this machine.
//!
//! It does the handshake (RFC 6455 §4.2), joins the two sockets that asked for the same path, and forwards
//! frames unread: read, unmask, write. It keeps no buffer for a connection that is idle, knows no rooms,
//! people, rights, limits or heartbeats, loses what a broken socket held, and a reader that stops stops its
//! partner. One task for each connection, on the same runtime as the server that is compared with it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead as _, ReadBuf};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};

use crate::wire;

/// The bytes that one read may take; the buffer belongs to the thread, not to a connection.
const READ_BYTES_MAX: usize = 64 * 1024;

thread_local! {
    static BUFFERS: RefCell<(Vec<u8>, Vec<u8>)> = RefCell::new((vec![0; READ_BYTES_MAX], Vec::new()));
}

/// The two ends of a path.
#[derive(Default)]
struct Pair([OnceLock<OwnedWriteHalf>; 2]);

type Pairs = Arc<Mutex<HashMap<String, Arc<Pair>>>>;

/// Forwards until the process ends.
pub async fn serve(listener: TcpListener) -> io::Result<()> {
    let pairs = Pairs::default();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(open(stream, Arc::clone(&pairs)));
    }
}

/// The handshake; what comes after it is a task of its own, so that an idle connection keeps nothing of it.
async fn open(stream: TcpStream, pairs: Pairs) -> io::Result<()> {
    let (path, answer) = handshake(&stream).await?;
    let (pair, side) = {
        let mut pairs = pairs.lock().unwrap_or_else(PoisonError::into_inner);
        match pairs.remove(&path) {
            Some(pair) => (pair, 1),
            None => (Arc::clone(pairs.entry(path).or_default()), 0),
        }
    };
    let (from, to) = stream.into_split();
    // A third socket of the same path begins a new pair, so the side is free.
    let to = pair.0[side].get_or_init(|| to);
    // Answered when the place is taken: a client that has both answers can send.
    write_all(to, answer.as_bytes()).await?;
    tokio::spawn(forward(pair, side, from));
    Ok(())
}

async fn handshake(stream: &TcpStream) -> io::Result<(String, String)> {
    let mut head = Vec::new();
    let end = loop {
        stream.readable().await?;
        match stream.try_read_buf(&mut head) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        }
        if let Some(end) = wire::head_end(&head) {
            break end;
        }
        if head.len() > wire::HEAD_BYTES_MAX {
            return Err(ErrorKind::InvalidData.into());
        }
    };
    let head = String::from_utf8_lossy(&head[..end]);
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let key = wire::header(&head, "sec-websocket-key").ok_or(ErrorKind::InvalidData)?;
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
        wire::accept(key)
    );
    Ok((path, answer))
}

/// The outcome of one read.
enum Step {
    /// All was written.
    Forwarded,
    /// The other side takes no more now: this much waits.
    Waiting(Vec<u8>),
    /// The connection ended.
    Over,
}

async fn forward(pair: Arc<Pair>, side: usize, mut from: OwnedReadHalf) -> io::Result<()> {
    // The start of a frame whose rest has not come; empty and without memory nearly always.
    let mut part = Vec::new();
    loop {
        let to = || pair.0[1 - side].get();
        match poll_fn(|cx| step(cx, &mut from, to(), &mut part)).await? {
            Step::Forwarded => {}
            Step::Over => return Ok(()),
            Step::Waiting(rest) => {
                if let Some(to) = to() {
                    write_all(to, &rest).await?;
                }
            }
        }
    }
}

async fn write_all(to: &OwnedWriteHalf, mut rest: &[u8]) -> io::Result<()> {
    while !rest.is_empty() {
        match to.try_write(rest) {
            Ok(written) => rest = &rest[written..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => to.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads once, when there is something, and writes the whole frames of it. (`poll_read` knows that a short read
/// empties the socket; `try_read` would ask the kernel once more for each message.)
fn step(
    cx: &mut Context<'_>,
    from: &mut OwnedReadHalf,
    to: Option<&OwnedWriteHalf>,
    part: &mut Vec<u8>,
) -> Poll<io::Result<Step>> {
    BUFFERS.with_borrow_mut(|(input, output)| {
        let held = part.len();
        if input.len() < held + READ_BYTES_MAX {
            input.resize(held + READ_BYTES_MAX, 0);
        }
        input[..held].copy_from_slice(part);
        let mut space = ReadBuf::new(&mut input[held..held + READ_BYTES_MAX]);
        ready!(Pin::new(from).poll_read(cx, &mut space))?;
        let read = space.filled().len();
        if read == 0 {
            return Poll::Ready(Ok(Step::Over));
        }
        *part = Vec::new();
        output.clear();
        let over = unmasked(&mut input[..held + read], output, part);
        let Some(to) = to.filter(|_| !output.is_empty()) else {
            return Poll::Ready(Ok(if over { Step::Over } else { Step::Forwarded }));
        };
        let written = match to.try_write(output) {
            Ok(written) => written,
            Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
            // The other end has gone: frames to it go nowhere, as they do in any bare forwarder.
            Err(_) => output.len(),
        };
        Poll::Ready(Ok(match (over, written == output.len()) {
            (true, _) => Step::Over,
            (false, true) => Step::Forwarded,
            (false, false) => Step::Waiting(output[written..].to_vec()),
        }))
    })
}

/// Puts the whole frames of `rest` into `output` as a server writes them, and what is left into `part`; whether
/// there was a close.
fn unmasked(mut rest: &mut [u8], output: &mut Vec<u8>, part: &mut Vec<u8>) -> bool {
    let mut over = false;
    while let Some(frame) = wire::frame(rest) {
        let (this, next) = rest.split_at_mut(frame.end);
        let payload = &mut this[frame.start..];
        wire::toggle(payload, frame.mask.unwrap_or_default());
        wire::put_server(output, frame.opcode, payload);
        over |= frame.opcode == wire::CLOSE;
        rest = next;
    }
    if !rest.is_empty() {
        *part = rest.to_vec();
    }
    over
}
