//! Clients that take their time: the server ends what is waited for too long, keeps what is in use, and goes on answering
//! everybody else. How fast it answers meanwhile is a benchmark's business.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::stream;
use sanbao_platform::clock::Clock;
use sanbao_platform::http::{Bounds, Json, Listener, Tls, finish, serve};
use sanbao_platform::testing::{patiently, until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Deadlines that a test can wait for several times over.
const WAIT: Duration = Duration::from_secs(1);
const CONNECTIONS_MAX: usize = 48;
const PER_ADDRESS_MAX: usize = 16;

fn bounds() -> Bounds {
    Bounds {
        connections_max: CONNECTIONS_MAX,
        connections_per_address_max: Some(PER_ADDRESS_MAX),
        first_head_wait: WAIT,
        next_head_wait: WAIT,
        body_wait: WAIT,
        taking_wait: WAIT,
        ping_every: WAIT / 4,
        pong_wait: WAIT / 2,
    }
}

/// A server with its deadlines, and how many endless answers and upgraded connections it has.
struct Server {
    address: SocketAddr,
    open: Arc<AtomicUsize>,
    drain: CancellationToken,
    task: JoinHandle<std::io::Result<()>>,
}

/// Counts one as long as it is there.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn one(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(open))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// An answer without end: one piece after the other, or one and then nothing more.
fn endless(open: &Arc<AtomicUsize>, many: bool) -> Body {
    let piece = Bytes::from(vec![b'x'; if many { 64 * 1024 } else { 16 }]);
    Body::from_stream(stream::unfold((Counted::one(open), 0_u64), move |(counted, given)| {
        let piece = piece.clone();
        async move {
            if given > 0 && !many {
                std::future::pending::<()>().await;
            }
            Some((Ok::<_, std::io::Error>(piece), (counted, given + 1)))
        }
    }))
}

/// Takes a connection over, as a WebSocket does, and keeps it.
fn take_over(mut request: Request, open: &Arc<AtomicUsize>) -> Response {
    let (upgrade, counted) = (hyper::upgrade::on(&mut request), Counted::one(open));
    tokio::spawn(async move {
        let _upgraded = upgrade.await.unwrap();
        std::future::pending::<()>().await;
        drop(counted);
    });
    let switch = [(header::CONNECTION, "upgrade"), (header::UPGRADE, "test")];
    (StatusCode::SWITCHING_PROTOCOLS, switch).into_response()
}

impl Server {
    fn with(tls: Option<Tls>) -> Self {
        let open = Arc::new(AtomicUsize::new(0));
        let (quiet, long, over) = (Arc::clone(&open), Arc::clone(&open), Arc::clone(&open));
        let routes = Router::new()
            .route("/", get(async || "here"))
            .route("/quiet", get(async move || endless(&quiet, false)))
            .route("/long", get(async move || endless(&long, true)))
            .route("/over", get(async move |request: Request| take_over(request, &over)))
            .route("/body", post(async |Json(body): Json<String>| body));
        let drain = CancellationToken::new();
        let router = finish(routes, Clock::system(), drain.clone(), false);
        let listener = Listener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap().bounded(bounds());
        let address = listener.address;
        Self { address, open, task: tokio::spawn(serve(listener, router, tls, drain.clone())), drain }
    }

    fn start() -> Self {
        Self::with(None)
    }

    async fn connect_from(&self, ip: IpAddr) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(ip, 0)).unwrap();
        patiently("it connects", socket.connect(self.address)).await.unwrap()
    }

    async fn connect(&self) -> TcpStream {
        self.connect_from(Ipv4Addr::LOCALHOST.into()).await
    }

    async fn asked(&self, path: &str) -> TcpStream {
        let mut stream = self.connect().await;
        stream.write_all(head(path).as_bytes()).await.unwrap();
        stream
    }

    /// Whether somebody at `ip` is answered now.
    async fn answers(&self, ip: IpAddr) -> bool {
        let mut stream = self.connect_from(ip).await;
        let asked = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        let mut answer = String::new();
        let written = stream.write_all(asked.as_bytes()).await.is_ok();
        written && stream.read_to_string(&mut answer).await.is_ok() && answer.ends_with("here")
    }

    async fn goes_on(&self) {
        until("others are answered", async || self.answers([127, 0, 9, 9].into()).await).await;
    }

    async fn nothing_is_open(&self) {
        until("nothing is left open", async || self.open.load(Ordering::SeqCst) == 0).await;
    }

    async fn stop(self) {
        self.drain.cancel();
        patiently("it stops", self.task).await.unwrap().unwrap();
    }
}

fn head(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: x\r\nupgrade: test\r\nconnection: upgrade\r\n\r\n")
}

/// Reads what comes until the server has closed the connection.
async fn closed(stream: &mut TcpStream) -> String {
    let mut said = Vec::new();
    let _ = patiently("the server closes it", stream.read_to_end(&mut said)).await;
    String::from_utf8_lossy(&said).into_owned()
}

/// Sends `bytes` one by one, slowly, until they are all sent or the server has had enough.
async fn drip(stream: &mut TcpStream, bytes: &[u8]) {
    for byte in bytes {
        if stream.write_all(&[*byte]).await.is_err() {
            return;
        }
        tokio::time::sleep(WAIT / 10).await;
    }
}

#[tokio::test]
async fn a_client_that_says_nothing_is_not_waited_for() {
    let server = Server::start();
    let mut silent = Vec::new();
    for _ in 0..8 {
        silent.push(server.connect().await);
    }
    server.goes_on().await;
    for stream in &mut silent {
        assert_eq!(closed(stream).await, "");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_handshake_that_does_not_come_ends() {
    let folder = tempfile::tempdir().unwrap();
    let tls = Tls { certificate: folder.path().join("c.pem"), key: folder.path().join("k.pem") };
    let key = rcgen::KeyPair::generate().unwrap();
    let chain = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(&tls.certificate, chain.pem()).unwrap();
    std::fs::write(&tls.key, key.serialize_pem()).unwrap();
    let server = Server::with(Some(tls));
    let (mut silent, mut slow) = (server.connect().await, server.connect().await);
    drip(&mut slow, &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01]).await;
    assert_eq!((closed(&mut silent).await, closed(&mut slow).await), (String::new(), String::new()));
    server.stop().await;
}

#[tokio::test]
async fn a_head_that_drips_ends_also_as_the_second_of_its_connection() {
    let server = Server::start();
    let long = format!("GET / HTTP/1.1\r\nhost: x\r\nx-long: {}", "x".repeat(200));
    let mut first = server.connect().await;
    drip(&mut first, long.as_bytes()).await;
    closed(&mut first).await;
    let mut second = server.asked("/").await;
    drip(&mut second, long.as_bytes()).await;
    assert!(closed(&mut second).await.starts_with("HTTP/1.1 200"), "the first was answered");
    server.goes_on().await;
    server.stop().await;
}

#[tokio::test]
async fn a_body_that_drips_or_stays_away_is_refused() {
    let server = Server::start();
    let head = "POST /body HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 400\r\n\r\n\"";
    let mut slow = server.connect().await;
    slow.write_all(head.as_bytes()).await.unwrap();
    drip(&mut slow, &[b'x'; 398]).await;
    let mut silent = server.connect().await;
    silent.write_all(head.as_bytes()).await.unwrap();
    let told = closed(&mut silent).await;
    assert!(told.starts_with("HTTP/1.1 408") && told.contains("/problems/request-timeout"), "{told}");
    closed(&mut slow).await;
    server.goes_on().await;
    server.stop().await;
}

#[tokio::test]
async fn an_answer_that_nobody_takes_ends() {
    let server = Server::start();
    let reader = server.asked("/long").await;
    until("it is asked for", async || server.open.load(Ordering::SeqCst) == 1).await;
    server.goes_on().await;
    server.nothing_is_open().await;
    drop(reader);
    server.stop().await;
}

#[tokio::test]
async fn a_half_closed_connection_ends() {
    let server = Server::start();
    let mut half = server.asked("/quiet").await;
    until("it is asked for", async || server.open.load(Ordering::SeqCst) == 1).await;
    half.shutdown().await.unwrap();
    server.nothing_is_open().await;
    closed(&mut half).await;
    server.stop().await;
}

/// Frames of HTTP/2 (RFC 9113 §6), as far as they are needed here.
mod h2 {
    pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    pub const SETTINGS: u8 = 4;
    pub const PING: u8 = 6;
    pub const GOAWAY: u8 = 7;

    pub fn frame(kind: u8, flags: u8, stream: u32, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, flags], &stream.to_be_bytes(), body].concat()
    }

    /// `GET path`: indexed fields of the static table (RFC 7541 appendix A), and the path as a literal.
    pub fn get(stream: u32, path: &str) -> Vec<u8> {
        let length = u8::try_from(path.len()).unwrap();
        let fields = [&[0x82, 0x86, 0x41, 1, b'x', 0x04, length], path.as_bytes()].concat();
        frame(1, 5, stream, &fields)
    }

    /// Room for more: of a stream, or of the connection.
    pub fn window(stream: u32, bytes: u32) -> Vec<u8> {
        frame(8, 0, stream, &bytes.to_be_bytes())
    }
}

/// A client of HTTP/2 that answers pings and takes what it is given, until the server has closed; the kinds of frames that came.
async fn http2(mut stream: TcpStream, takes: bool) -> Vec<u8> {
    let mut kinds = Vec::new();
    loop {
        let mut head = [0; 9];
        if stream.read_exact(&mut head).await.is_err() {
            return kinds;
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut body = vec![0; usize::try_from(length).unwrap()];
        if stream.read_exact(&mut body).await.is_err() {
            return kinds;
        }
        let (kind, flags) = (head[3], head[4]);
        kinds.push(kind);
        let acknowledged = match kind {
            h2::SETTINGS | h2::PING if flags & 1 == 0 => {
                let body = if kind == h2::PING { &body[..] } else { &[] };
                stream.write_all(&h2::frame(kind, 1, 0, body)).await
            }
            0 if takes && length > 0 => {
                let more = [h2::window(0, length), h2::window(1, length)].concat();
                stream.write_all(&more).await
            }
            _ => Ok(()),
        };
        if acknowledged.is_err() {
            return kinds;
        }
    }
}

async fn http2_asked(server: &Server, path: Option<&str>) -> TcpStream {
    let mut stream = server.connect().await;
    let request = path.map(|path| h2::get(1, path)).unwrap_or_default();
    stream.write_all(&[h2::PREFACE, &h2::frame(h2::SETTINGS, 0, 0, &[]), &request].concat()).await.unwrap();
    stream
}

#[tokio::test]
async fn http2_that_asks_nothing_ends_although_it_answers_pings() {
    let server = Server::start();
    let never = tokio::spawn(http2(http2_asked(&server, None).await, true));
    let once = tokio::spawn(http2(http2_asked(&server, Some("/")).await, true));
    patiently("the one that never asked ends", never).await.unwrap();
    let kinds = patiently("the one that asked once ends", once).await.unwrap();
    assert!(kinds.contains(&0), "it was answered: {kinds:?}");
    server.goes_on().await;
    server.stop().await;
}

#[tokio::test]
async fn http2_that_is_gone_without_a_word_ends() {
    let server = Server::start();
    let gone = http2_asked(&server, Some("/quiet")).await;
    until("it is asked for", async || server.open.load(Ordering::SeqCst) == 1).await;
    server.nothing_is_open().await;
    drop(gone);
    server.stop().await;
}

#[tokio::test]
async fn http2_that_takes_nothing_of_its_answer_ends_although_it_answers_pings() {
    let server = Server::start();
    let stalled = tokio::spawn(http2(http2_asked(&server, Some("/long")).await, false));
    let kinds = patiently("it ends", stalled).await.unwrap();
    assert!(kinds.contains(&h2::PING) && !kinds.contains(&h2::GOAWAY), "{kinds:?}");
    server.nothing_is_open().await;
    server.stop().await;
}

#[tokio::test]
async fn what_is_in_use_is_left_alone() {
    let server = Server::start();
    let mut events = server.asked("/quiet").await;
    let mut taken_over = server.asked("/over").await;
    let over_http2 = tokio::spawn(http2(http2_asked(&server, Some("/quiet")).await, true));
    until("all are there", async || server.open.load(Ordering::SeqCst) == 3).await;
    let mut passing = server.connect().await;
    closed(&mut passing).await;
    // Several times the longest deadline.
    tokio::time::sleep(WAIT * 4).await;
    assert_eq!(server.open.load(Ordering::SeqCst), 3, "an event stream, a socket that was taken over, HTTP/2");
    for stream in [&mut events, &mut taken_over] {
        stream.read_exact(&mut [0]).await.unwrap();
    }
    over_http2.abort();
    drop((events, taken_over));
    server.stop().await;
}

#[tokio::test]
async fn one_address_with_many_connections_keeps_nobody_out() {
    let server = Server::start();
    let greedy: IpAddr = [127, 0, 0, 2].into();
    let mut silent = Vec::new();
    for _ in 0..4 * PER_ADDRESS_MAX {
        silent.push(server.connect_from(greedy).await);
    }
    server.goes_on().await;
    until("its own house is answered too", async || server.answers(greedy).await).await;
    for stream in &mut silent {
        closed(stream).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn many_addresses_with_many_connections_keep_nobody_out() {
    let server = Server::start();
    let mut silent = Vec::new();
    for n in 0..3 * u8::try_from(CONNECTIONS_MAX).unwrap() {
        silent.push(server.connect_from([127, 0, 1, n].into()).await);
    }
    server.goes_on().await;
    for stream in &mut silent {
        closed(stream).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn connections_in_use_keep_their_places_and_others_are_refused_until_one_ends() {
    let server = Server::start();
    let greedy: IpAddr = [127, 0, 0, 2].into();
    let mut busy = Vec::new();
    for n in 1..=PER_ADDRESS_MAX {
        let mut stream = server.connect_from(greedy).await;
        stream.write_all(head("/quiet").as_bytes()).await.unwrap();
        until("it is asked for", async || server.open.load(Ordering::SeqCst) == n).await;
        busy.push(stream);
    }
    let mut refused = server.connect_from(greedy).await;
    assert_eq!(closed(&mut refused).await, "");
    server.goes_on().await;
    assert_eq!(server.open.load(Ordering::SeqCst), PER_ADDRESS_MAX);
    busy.pop();
    until("a place is free", async || server.answers(greedy).await).await;
    drop(busy);
    server.stop().await;
}
