//! One connection, one task: it reads, writes and keeps time.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use sanbao_platform::auth::TokenError;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::budget::Budget;
use super::hub::{Cell, NoRoom};
use super::link::{Inbox, Outgoing, link};
use crate::App;
use crate::id::PeerId;
use crate::protocol::{ClientMessage, CloseCode, ErrorCode, Media, Rejected, ServerMessage, VERSION, read};
use crate::room::{Input, Request};
use crate::ticket::{AUDIENCE, TOKEN_TYPE, Ticket, TicketError};

/// How long a closing connection is given to take its last frames.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// A connection before it is one.
pub(super) struct Connection {
    app: App,
    drain: CancellationToken,
}

/// Why a connection ends from this side; `None` when the other side went.
type End = Option<CloseCode>;

/// A connection that has said `hello`.
struct Session {
    app: App,
    drain: CancellationToken,
    socket: WebSocket,
    inbox: Inbox,
    cell: Arc<Cell>,
    peer: PeerId,
    budget: Budget,
    began: Instant,
    heard: Instant,
}

impl From<TokenError> for TicketError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Malformed => Self::Malformed,
            TokenError::Forged => Self::WrongKey,
            TokenError::WrongPurpose => Self::Foreign,
            TokenError::Expired => Self::Expired,
            TokenError::NotYetValid => Self::NotYetValid,
        }
    }
}

fn answer_to(error: TicketError) -> (ErrorCode, CloseCode) {
    match error {
        TicketError::Malformed => (ErrorCode::TicketMalformed, CloseCode::TicketInvalid),
        TicketError::WrongKey => (ErrorCode::TicketWrongKey, CloseCode::TicketInvalid),
        TicketError::Foreign => (ErrorCode::TicketForeign, CloseCode::TicketInvalid),
        TicketError::NotYetValid => (ErrorCode::TicketNotYetValid, CloseCode::TicketNotYetValid),
        TicketError::Expired => (ErrorCode::TicketExpired, CloseCode::TicketExpired),
    }
}

/// An error and the close that follows it.
struct Refusal {
    error: Option<ServerMessage>,
    code: CloseCode,
}

impl Refusal {
    fn new(error: ErrorCode, message: &str, re: Option<String>, code: CloseCode) -> Self {
        Self { error: Some(ServerMessage::error(error, message, re)), code }
    }
}

impl Connection {
    pub(super) fn new(app: App, drain: CancellationToken) -> Self {
        Self { app, drain }
    }

    pub(super) async fn run(self, mut socket: WebSocket) {
        let wait = Duration::from_millis(self.app.config.limits.hello_wait_ms_max);
        let hello = tokio::select! {
            hello = timeout(wait, first_message(&mut socket)) => hello,
            () = self.drain.cancelled() => return close(socket, None, CloseCode::Restarting).await,
        };
        let refusal = match hello {
            Ok(Some(Ok((id, ticket)))) => match self.welcome(socket, id, &ticket).await {
                Ok(session) => return session.run().await,
                Err(refused) => {
                    let (back, refusal) = *refused;
                    socket = back;
                    refusal
                }
            },
            Ok(Some(Err(refusal))) => refusal,
            Ok(None) => return,
            Err(_) => Refusal::new(ErrorCode::HelloExpected, "no `hello` in time", None, CloseCode::HelloTimeout),
        };
        close(socket, refusal.error, refusal.code).await;
    }

    async fn welcome(
        self,
        socket: WebSocket,
        id: Option<String>,
        ticket: &str,
    ) -> Result<Session, Box<(WebSocket, Refusal)>> {
        let now = self.app.deps.clock.now();
        let ticket: Ticket = match self.app.deps.keys.verify(TOKEN_TYPE, AUDIENCE, now, ticket) {
            Ok(ticket) => ticket,
            Err(error) => {
                let error = TicketError::from(error);
                let (code, close) = answer_to(error);
                return Err(Box::new((socket, Refusal::new(code, &error.to_string(), id, close))));
            }
        };
        let limits = &self.app.config.limits;
        let (link, inbox) = link(limits.queue_messages_max, limits.queue_bytes_max);
        let peer = PeerId::new(now);
        let entered = self.app.hub.connect(ticket.consult, peer, ticket.profile(), link, ticket.phone.clone()).await;
        let cell = match entered {
            Ok(cell) => cell,
            Err(NoRoom::Full) => {
                let refusal = Refusal::new(ErrorCode::Busy, "no place for another room", id, CloseCode::Busy);
                return Err(Box::new((socket, refusal)));
            }
            Err(NoRoom::Unknown(error)) => {
                tracing::error!(%error, "a room could not be opened");
                let refusal = Refusal::new(ErrorCode::Internal, "the relay failed", id, CloseCode::Internal);
                return Err(Box::new((socket, refusal)));
            }
        };
        let (budget, began) = (Budget::new(limits.client), Instant::now());
        Ok(Session { app: self.app, drain: self.drain, socket, inbox, cell, peer, budget, began, heard: began })
    }
}

/// The ticket of the first message, or why there is none; `None` when the other side went.
async fn first_message(socket: &mut WebSocket) -> Option<Result<(Option<String>, String), Refusal>> {
    loop {
        let text = match socket.recv().await? {
            Ok(Message::Text(text)) => text,
            Ok(Message::Ping(_) | Message::Pong(_)) => continue,
            Ok(Message::Close(_)) => return None,
            Ok(Message::Binary(_)) => return Some(Err(Refusal { error: None, code: CloseCode::BinaryFrame })),
            Err(_) => return Some(Err(Refusal { error: None, code: CloseCode::Unreadable })),
        };
        return Some(match read(&text) {
            Ok((id, ClientMessage::Hello { v: VERSION, ticket })) => Ok((id, ticket)),
            Ok((id, ClientMessage::Hello { .. })) => Err(Refusal::new(
                ErrorCode::UnsupportedVersion,
                "this relay speaks version 1",
                id,
                CloseCode::ProtocolError,
            )),
            Ok((id, _)) => Err(Refusal::new(
                ErrorCode::HelloExpected,
                "the first message must be `hello`",
                id,
                CloseCode::ProtocolError,
            )),
            Err(Rejected { id, code, message }) => Err(Refusal::new(code, &message, id, CloseCode::ProtocolError)),
        });
    }
}

/// Says the last words and closes, within a bound.
async fn close(mut socket: WebSocket, error: Option<ServerMessage>, code: CloseCode) {
    let farewell = async {
        if let Some(error) = error {
            socket.send(Message::Text(error.to_text().into())).await.ok()?;
        }
        let frame = CloseFrame { code: code.number(), reason: Utf8Bytes::from_static(code.reason()) };
        socket.send(Message::Close(Some(frame))).await.ok()?;
        // The other side answers the close; reading until then keeps a reset from eating our last frames.
        while let Some(Ok(_)) = socket.recv().await {}
        Some(())
    };
    let _ = timeout(CLOSE_WAIT, farewell).await;
}

impl Session {
    async fn run(mut self) {
        let end = self.live().await;
        self.app.hub.input(&self.cell, Input::Lost { peer: self.peer }).await;
        let reason = end.map_or("gone", CloseCode::reason);
        metrics::counter!("signalling_closed_total", "reason" => reason).increment(1);
        tracing::debug!(peer = %self.peer, reason, "connection ended");
        if let Some(code) = end {
            close(self.socket, None, code).await;
        }
    }

    async fn live(&mut self) -> End {
        let heartbeat = self.app.config.limits.heartbeat;
        let (interval, silence) =
            (Duration::from_millis(heartbeat.interval_ms), Duration::from_millis(heartbeat.timeout_ms));
        let mut beats = tokio::time::interval_at(self.began + interval, interval);
        let cut = self.inbox.cut.clone();
        let drain = self.drain.clone();
        loop {
            tokio::select! {
                biased;
                () = cut.cancelled() => return Some(CloseCode::TooSlow),
                () = drain.cancelled() => return Some(CloseCode::Restarting),
                out = self.inbox.next() => match out {
                    Some(Outgoing::Text(text)) => self.write(Message::Text(text)).await?,
                    Some(Outgoing::Close(code)) => return Some(code),
                    None => return Some(CloseCode::Internal),
                },
                frame = self.socket.recv() => match self.frame(frame).await {
                    Ok(()) => {}
                    Err(end) => return end,
                },
                _ = beats.tick() => {
                    if self.heard.elapsed() >= silence {
                        return Some(CloseCode::HeartbeatLost);
                    }
                    self.write(Message::Ping(axum::body::Bytes::new())).await?;
                }
            }
        }
    }

    /// Writes a frame; `None` when the socket is gone. Who takes too long is cut off by the select above.
    async fn write(&mut self, message: Message) -> Option<()> {
        let wait = Duration::from_millis(self.app.config.limits.write_wait_ms_max);
        let cut = self.inbox.cut.clone();
        tokio::select! {
            sent = timeout(wait, self.socket.send(message)) => match sent {
                Ok(Ok(())) => Some(()),
                Ok(Err(_)) => None,
                Err(_) => { cut.cancel(); Some(()) }
            },
            () = cut.cancelled() => Some(()),
        }
    }

    async fn frame(&mut self, frame: Option<Result<Message, axum::Error>>) -> Result<(), End> {
        self.heard = Instant::now();
        match frame {
            Some(Ok(Message::Text(text))) => self.text(&text).await,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => self.budgeted(0).await,
            Some(Ok(Message::Binary(_))) => Err(Some(CloseCode::BinaryFrame)),
            Some(Ok(Message::Close(_))) | None => Err(None),
            // A reset cannot be told apart from a broken frame here; closing a dead socket does no harm.
            Some(Err(_)) => Err(Some(CloseCode::Unreadable)),
        }
    }

    async fn budgeted(&mut self, len: usize) -> Result<(), End> {
        if self.budget.take(self.began.elapsed(), len) {
            return Ok(());
        }
        self.say(ServerMessage::error(ErrorCode::RateLimited, "more than `limits` allows", None)).await?;
        Err(Some(CloseCode::RateLimited))
    }

    async fn say(&mut self, message: ServerMessage) -> Result<(), End> {
        self.write(Message::Text(message.to_text().into())).await.ok_or(None)
    }

    async fn text(&mut self, text: &str) -> Result<(), End> {
        self.budgeted(text.len()).await?;
        if text.len() > self.app.config.limits.client.message_bytes_max {
            self.say(ServerMessage::error(ErrorCode::MessageTooLarge, "longer than `message_bytes_max`", None)).await?;
            return Err(Some(CloseCode::Unreadable));
        }
        let (id, message) = match read(text) {
            Ok(read) => read,
            Err(Rejected { id, code, message }) => return self.say(ServerMessage::error(code, message, id)).await,
        };
        let request = match message {
            ClientMessage::Hello { .. } => {
                let error = ServerMessage::error(ErrorCode::HelloExpected, "`hello` was already said", id);
                return self.say(error).await;
            }
            ClientMessage::Ping => return self.say(ServerMessage::Pong).await,
            ClientMessage::Pong => return Ok(()),
            ClientMessage::Join { audio, video } => Request::Join(Media { audio, video }),
            ClientMessage::State { audio, video } => Request::State(Media { audio, video }),
            ClientMessage::Admit { peer } => Request::Admit(peer),
            ClientMessage::Refuse { peer } => Request::Refuse(peer),
            ClientMessage::Relay { to, signal } => Request::Relay { to, signal },
            ClientMessage::Leave => Request::Leave,
            ClientMessage::Finish => Request::Finish,
        };
        self.app.hub.input(&self.cell, Input::Said { peer: self.peer, id, request }).await;
        Ok(())
    }
}
