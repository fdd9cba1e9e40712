//! Bodies with their deadlines: what is sent to this process, and what it gives.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use http_body::{Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep_until};

use super::connections::Connections;
use super::pace::Pace;
use super::watch::Exchange;

/// A body that did not come in time.
#[derive(Debug, thiserror::Error)]
#[error("the body did not come in time")]
pub struct SlowBody;

/// Whether `error` goes back to a [`SlowBody`].
pub fn is_slow(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(<dyn std::error::Error>::is::<SlowBody>)
}

/// A request's body, of which each part must come in time.
struct Sent {
    inner: Body,
    pace: Pace,
    /// Runs while the body is waited for.
    late: Option<Pin<Box<Sleep>>>,
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        let now = Instant::now();
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) {
            let bytes = frame.as_ref().and_then(|f| f.as_ref().ok()?.data_ref()).map_or(0, Bytes::len);
            this.pace.came(now, bytes);
            this.late = None;
            return Poll::Ready(frame);
        }
        let ends = this.pace.waiting(now);
        ready!(this.late.get_or_insert_with(|| Box::pin(sleep_until(ends))).as_mut().poll(cx));
        Poll::Ready(Some(Err(axum::Error::new(SlowBody))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// An answer's body; the exchange lasts as long as this does.
struct Given {
    inner: Body,
    exchange: Exchange,
}

impl HttpBody for Given {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        // A connection that asks for more has written what it was given.
        self.exchange.given(None);
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        self.exchange.given(Some(Instant::now()));
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Puts the deadlines around a request and its answer.
pub(in crate::http) async fn watched(
    State(connections): State<Connections>,
    axum::extract::ConnectInfo(peer): axum::extract::ConnectInfo<std::net::SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let Some(watch) = connections.watch(peer) else { return next.run(request).await };
    let exchange = Exchange::begin(std::sync::Arc::clone(&watch));
    let pace = Pace::new(watch.bounds().body_wait);
    let request =
        request.map(|inner| if inner.is_end_stream() { inner } else { Body::new(Sent { inner, pace, late: None }) });
    let response = next.run(request).await;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        watch.upgrade();
    }
    response.map(|inner| Body::new(Given { inner, exchange }))
}
