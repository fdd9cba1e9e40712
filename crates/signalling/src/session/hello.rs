//! From the first bytes to the welcome: what is said first, whether it opens a room, and what the room says.

use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use sanbao_platform::auth::TokenError;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::arrivals::Arriving;
use super::budget::Budget;
use super::closing::close_gracefully;
use super::frame::{Decoder, Opcode, WsFrame};
use super::hub::Hub;
use super::link::{Link, PendingHello};
use super::live::{Entered, Live};
use super::sequencer::NoRoom;
use super::wire::{SocketReader, SocketWriter};
use crate::App;
use crate::id::{ConsultId, Digest, PeerId, Socket};
use crate::protocol::{ClientMessage, CloseCode, ErrorCode, Hello, Rejected, VERSION, read};
use crate::room::Command;
use crate::ticket::{AUDIENCE, TOKEN_TYPE, Ticket, TicketError};

/// The bytes of a session's secret.
const SECRET_BYTES: usize = 32;
/// Beyond a message's own bound, so that one just over it gets its typed error.
const FRAME_SLACK_BYTES: usize = 4096;

/// A connection before it has said `hello`.
pub(super) struct Arrival {
    pub(super) app: App,
    pub(super) address: IpAddr,
    pub(super) drain: CancellationToken,
    pub(super) place: OwnedSemaphorePermit,
    /// Counted against its address until it is welcome, or gone.
    pub(super) arriving: Arriving,
    pub(super) reader: SocketReader,
    pub(super) writer: SocketWriter,
    /// The bytes that were read beyond the request.
    pub(super) early: Bytes,
}

/// The first message, and what came with it.
struct First {
    id: Option<Box<str>>,
    hello: Box<Hello>,
    decoder: Decoder,
    /// Messages behind it in the same bytes.
    more: Vec<Box<str>>,
}

/// Why there is no welcome: an error, if there is one to say, and the close.
struct HelloRefusal {
    error: Option<(ErrorCode, Box<str>, Option<Box<str>>)>,
    code: CloseCode,
}

impl HelloRefusal {
    fn new(error: ErrorCode, words: impl Into<Box<str>>, id: Option<Box<str>>, code: CloseCode) -> Self {
        Self { error: Some((error, words.into(), id)), code }
    }
}

/// How a hello ends without a welcome.
enum NoWelcome {
    /// The other side is gone.
    Gone,
    /// This is to be said.
    Refused(HelloRefusal),
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

impl Arrival {
    /// Hears the first message, answers it, and hands the connection on to the task that lives with it.
    pub(super) async fn run(mut self) {
        let wait = Duration::from_millis(self.app.config.limits.hello_wait_ms_max);
        let drain = self.drain.clone();
        let first = tokio::select! {
            first = timeout(wait, self.first()) => first.unwrap_or_else(|_| {
                let refusal =
                    HelloRefusal::new(ErrorCode::HelloExpected, "no `hello` in time", None, CloseCode::HelloTimeout);
                Err(NoWelcome::Refused(refusal))
            }),
            () = drain.cancelled() => Err(NoWelcome::Refused(HelloRefusal { error: None, code: CloseCode::Restarting })),
        };
        let first = match first {
            Ok(first) => first,
            Err(NoWelcome::Gone) => return,
            Err(NoWelcome::Refused(refusal)) => return self.refuse(refusal).await,
        };
        let id = first.id.clone();
        match self.command(&first.hello) {
            Ok((command, consult, phone, secret)) => {
                // The first clients after a start are as quick as the TURN server: they would be told of none.
                let _ = timeout(wait, self.app.hub.node.ice.ports.known()).await;
                self.enter(first, command, consult, phone, secret).await;
            }
            Err((error, words, code)) => {
                // A ticket that was good once is no guess.
                let guessed = code == CloseCode::TicketInvalid;
                let throttled = guessed && self.app.hub.bad_hellos.count(self.address);
                let refusal = if throttled {
                    let words = "too many bad tickets from your address";
                    HelloRefusal::new(ErrorCode::Throttled, words, id, CloseCode::Throttled)
                } else {
                    HelloRefusal::new(error, words, id, code)
                };
                self.refuse(refusal).await;
            }
        }
    }

    async fn refuse(self, refusal: HelloRefusal) {
        let mut link = Link::new(0, self.writer, None);
        match refusal.error {
            Some((error, words, id)) => link.refuse(error, &words, id.as_deref(), refusal.code),
            None => link.close(refusal.code),
        }
        close_gracefully(self.reader, link).await;
    }

    /// Reads up to the first message.
    async fn first(&mut self) -> Result<First, NoWelcome> {
        let message_bytes_max = self.app.config.limits.client.message_bytes_max;
        let mut decoder = Decoder::new(message_bytes_max + FRAME_SLACK_BYTES);
        let hub = Arc::clone(&self.app.hub);
        // Of what is no message yet, or none at all; a connection that is welcome has a budget of its own.
        let mut budget = Budget::new(hub.node.limits.client, hub.node.elapsed());
        let (mut first, mut more) = (None, Vec::new());
        let mut early = std::mem::take(&mut self.early).to_vec();
        loop {
            let mut pings = Vec::new();
            let mut each = |frame: WsFrame<'_>| match (frame, &first) {
                (WsFrame::Text(text), None) => first = Some(hello_of(text, message_bytes_max)),
                (WsFrame::Text(text), Some(_)) => more.push(Box::from(text)),
                (frame, _) if !budget.take_frame(hub.node.elapsed(), frame) => first = Some(Err(too_much())),
                (WsFrame::Ping(payload), _) => pings.push(Box::<[u8]>::from(payload)),
                (WsFrame::Pong | WsFrame::Part(_), _) => {}
                (WsFrame::Binary, _) => first = Some(Err(HelloRefusal { error: None, code: CloseCode::BinaryFrame })),
                (WsFrame::Close, _) => first = Some(Err(HelloRefusal { error: None, code: CloseCode::Normal })),
            };
            let fed = if early.is_empty() {
                let reader = &mut self.reader;
                let read = poll_fn(|cx| {
                    reader.poll_read_once(cx, |bytes| {
                        if bytes.is_empty() { None } else { Some(decoder.feed(bytes, &mut each)) }
                    })
                });
                let Ok(Some(fed)) = read.await else { return Err(NoWelcome::Gone) };
                fed
            } else {
                decoder.feed(&mut std::mem::take(&mut early), &mut each)
            };
            fed.map_err(|broken| NoWelcome::Refused(HelloRefusal { error: None, code: broken.close_code() }))?;
            self.pong(&pings);
            if let Some(first) = first.take() {
                let (id, hello) = first.map_err(NoWelcome::Refused)?;
                return Ok(First { id, hello, decoder, more });
            }
        }
    }

    fn pong(&mut self, pings: &[Box<[u8]>]) {
        for payload in pings {
            let mut out = Vec::new();
            super::frame::head(&mut out, Opcode::Pong, payload.len());
            out.extend_from_slice(payload);
            // Before `hello` nothing else is written, so a socket that takes nothing is not worth a wait.
            let _ = self.writer.poll_write(&mut std::task::Context::from_waker(std::task::Waker::noop()), &out);
        }
    }

    /// The command for a room, or why nothing is.
    #[expect(clippy::type_complexity, reason = "taken apart at once by the one caller")]
    fn command(
        &self,
        hello: &Hello,
    ) -> Result<(Command, ConsultId, Option<String>, Box<str>), (ErrorCode, String, CloseCode)> {
        let now = self.app.deps.clock.now();
        let (socket, device) = (self.app.hub.socket(), Digest::of(hello.device.as_bytes()));
        let secret = new_secret();
        let ticket = hello.ticket.as_deref().map(|ticket| self.ticket(ticket, now)).transpose();
        // A session goes on although its ticket has run out meanwhile.
        let ticket = match (ticket, &hello.resume) {
            (Err(_), Some(_)) => None,
            (Ok(ticket), _) => ticket,
            (Err(error), None) => {
                let (code, close) = answer_to(error);
                return Err((code, error.to_string(), close));
            }
        };
        let phone = ticket.as_ref().and_then(|ticket| ticket.phone.clone());
        let entrant = ticket.map(|ticket| {
            let entrant = ticket.entrant(PeerId::new(now), Digest::of(secret.as_bytes()), device);
            (ticket.consult, Box::new(entrant))
        });
        match (&hello.resume, entrant) {
            (Some(resume), entrant) => {
                let fallback = entrant.filter(|(consult, _)| *consult == resume.consult).map(|(_, entrant)| entrant);
                let command = Command::resume(resume, socket, device, fallback);
                Ok((command, resume.consult, phone, secret))
            }
            (None, Some((consult, entrant))) => Ok((Command::Enter { socket, entrant }, consult, phone, secret)),
            (None, None) => {
                let words = "`hello` needs a `ticket` or a `resume`".to_owned();
                Err((ErrorCode::BadMessage, words, CloseCode::ProtocolError))
            }
        }
    }

    fn ticket(&self, ticket: &str, now: DateTime<Utc>) -> Result<Ticket, TicketError> {
        Ok(self.app.deps.keys.verify(TOKEN_TYPE, AUDIENCE, now, ticket)?)
    }

    async fn enter(self, first: First, command: Command, consult: ConsultId, phone: Option<String>, secret: Box<str>) {
        let First { id, decoder, more, .. } = first;
        let hub = Arc::clone(&self.app.hub);
        // Without a ticket no room is made: somebody may be guessing.
        let make = matches!(&command, Command::Enter { .. } | Command::Resume { fallback: Some(_), .. });
        let wait = Duration::from_millis(hub.node.limits.welcome_wait_ms_max);
        let Some(Socket { number: socket, .. }) = socket_of(&command) else { return };
        let (answer, answered) = oneshot::channel();
        let hello = PendingHello { id: id.clone(), secret, phone, answer };
        let mut waiting = (Link::new(socket, self.writer, Some(Box::new(hello))), command);
        let signal = Arc::clone(waiting.0.signal());
        let cell = loop {
            let opened = if hub.node.sequencer.is_leaving() {
                Err(NoRoom::Leaving)
            } else {
                timeout(wait, hub.open(consult, make)).await.unwrap_or(Err(NoRoom::Unavailable))
            };
            let cell = match opened {
                Ok(cell) => cell,
                Err(error) => {
                    if matches!(error, NoRoom::None) {
                        hub.bad_hellos.count(self.address);
                    }
                    return no_room(self.reader, waiting.0, id.as_deref(), &error).await;
                }
            };
            match cell.enter(waiting.0, waiting.1) {
                Ok(()) => break cell,
                Err(back) => waiting = *back, // forgotten meanwhile, or this node goes: look again
            }
        };
        let entered = Entered { cell, socket, signal };
        match timeout(wait, answered).await {
            Ok(Ok(welcomed)) => {
                drop(self.arriving);
                let live = Live::new(entered, welcomed, self.reader, decoder, self.place, &more);
                // The long life in a small task of its own; this one, which was large, ends here.
                tokio::spawn(live.run());
            }
            Ok(Err(_)) => {
                // Turned away: the room has said so.
                if let Some(link) = entered.part() {
                    count_refusal(&hub, self.address, link.closing());
                    close_gracefully(self.reader, link).await;
                }
            }
            Err(_) => {
                if let Some(link) = entered.part() {
                    no_room(self.reader, link, id.as_deref(), &NoRoom::Unavailable).await;
                }
            }
        }
    }
}

/// A secret that was wrong counts as a bad ticket does.
fn count_refusal(hub: &Hub, address: IpAddr, code: Option<CloseCode>) {
    if code == Some(CloseCode::ResumeImpossible) {
        hub.bad_hellos.count(address);
    }
}

async fn no_room(reader: SocketReader, mut link: Link, id: Option<&str>, error: &NoRoom) {
    let (code, words, close) = match error {
        NoRoom::Full => (ErrorCode::Busy, "no place for another room", CloseCode::Busy),
        NoRoom::None => {
            (ErrorCode::ResumeImpossible, "there is no such session; use a ticket", CloseCode::ResumeImpossible)
        }
        NoRoom::Leaving => (ErrorCode::Unavailable, "this relay goes; try again", CloseCode::Restarting),
        NoRoom::Unavailable => {
            (ErrorCode::Unavailable, "the room's log cannot be reached; try again", CloseCode::Unavailable)
        }
        NoRoom::Unknown(error) => {
            tracing::error!(%error, "a room could not be opened");
            (ErrorCode::Internal, "the relay failed", CloseCode::Internal)
        }
    };
    link.refuse(code, words, id, close);
    close_gracefully(reader, link).await;
}

fn too_much() -> HelloRefusal {
    HelloRefusal::new(ErrorCode::RateLimited, "more than `limits` allows", None, CloseCode::RateLimited)
}

fn hello_of(text: &str, message_bytes_max: usize) -> Result<(Option<Box<str>>, Box<Hello>), HelloRefusal> {
    if text.len() > message_bytes_max {
        let words = "longer than `message_bytes_max`";
        return Err(HelloRefusal::new(ErrorCode::MessageTooLarge, words, None, CloseCode::Unreadable));
    }
    // Before there is a session, any id does: nothing is passed on.
    let frame = read(PeerId(uuid::Uuid::nil()), text).map_err(|rejected| {
        let Rejected { id, code, message, .. } = rejected;
        HelloRefusal::new(code, message, id, CloseCode::ProtocolError)
    })?;
    match frame.message {
        ClientMessage::Hello(hello) if hello.v == VERSION => Ok((frame.id, hello)),
        ClientMessage::Hello(_) => {
            let words = "this relay speaks version 1";
            Err(HelloRefusal::new(ErrorCode::UnsupportedVersion, words, frame.id, CloseCode::ProtocolError))
        }
        _ => {
            let words = "the first message must be `hello`";
            Err(HelloRefusal::new(ErrorCode::HelloExpected, words, frame.id, CloseCode::ProtocolError))
        }
    }
}

fn new_secret() -> Box<str> {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; SECRET_BYTES]>()).into()
}

fn socket_of(command: &Command) -> Option<Socket> {
    match command {
        Command::Enter { socket, .. } | Command::Resume { socket, .. } => Some(*socket),
        _ => None,
    }
}
