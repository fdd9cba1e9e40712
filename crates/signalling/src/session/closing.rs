//! The end of a socket: what is left goes out, within a bound.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use tokio::time::timeout;

use super::link::Link;
use super::wire::SocketReader;
use crate::protocol::CloseCode;

/// How long a closing connection is given to take its last frames and to answer the close.
const CLOSE_WAIT: Duration = Duration::from_secs(1);
/// How long one is given that was too slow: when it reads again, perhaps as a tablet wakes up, the first thing it should
/// learn is that it may resume. It keeps its place among the connections and at most one write's bytes until then.
const SLOW_CLOSE_WAIT: Duration = Duration::from_secs(30);

/// Waits until the last frames are out and the other side has gone too.
pub(super) async fn close_gracefully(mut reader: SocketReader, mut link: Link) {
    let signal = link.signal().clone();
    let wait = if link.closing() == Some(CloseCode::TooSlow) { SLOW_CLOSE_WAIT } else { CLOSE_WAIT };
    let gone = async {
        poll_fn(|cx| {
            signal.register(cx.waker());
            if link.flush() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        // The server ends the connection (RFC 6455 §7.1.1): a browser waits for it before it says `close`.
        poll_fn(|cx| link.poll_shutdown(cx)).await;
        // The other side answers the close; reading until then keeps a reset from eating our last frames.
        poll_fn(|cx| {
            loop {
                match reader.poll_read_once(cx, |bytes| bytes.is_empty()) {
                    Poll::Ready(Ok(false)) => {}
                    Poll::Ready(_) => return Poll::Ready(()),
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await;
    };
    let _ = timeout(wait, gone).await;
}
