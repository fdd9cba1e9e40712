//! Ping-pong: one message at a time there and back, each way timed.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Instant;

use super::{Measured, Run, Scenario, body};
use crate::client::PATIENCE;
use crate::contestants::{EMBEDDED, NATS_1, NATS_1_APART, NATS_3, NATS_3_APART};
use crate::dialect::{Dialect, Heard, Kind};
use crate::report::{Bar, Column};
use crate::{Failure, wire};

/// Messages each way that are timed, after as many of the second number that are not.
const ROUNDS: u32 = 5_000;
const WARM_UP: u32 = 500;
const MESSAGE_BYTES: usize = 200;
/// A floor slower than this says that something else had the machine.
const FLOOR_P99_MS_MAX: f64 = 1.0;

pub const SCENARIO: Scenario = Scenario {
    name: "pingpong",
    title: "pingpong: one-way latency, one message of 200 bytes and its envelope at a time, rounds with a floor's p99 \
            over 1 ms discarded",
    columns: &[
        Column::barred("p50 ms", &[(&[EMBEDDED], Bar::TimesFloor(2.0))]),
        Column::barred("p99 ms", &[(&[EMBEDDED], Bar::TimesFloor(3.0))]),
        Column {
            name: "p50 ms over the embedded log's in the same round",
            over_embedded: Some(0),
            bars: &[(&[NATS_1, NATS_1_APART], Bar::AtMost(1.0)), (&[NATS_3, NATS_3_APART], Bar::AtMost(2.0))],
        },
    ],
    runs: 7,
    run: |run| Box::pin(async move { measure(run) }),
    too_noisy: |floor| floor[1] > FLOOR_P99_MS_MAX,
};

/// A client that blocks, so that its own part of the time is as short as can be.
struct Side {
    stream: TcpStream,
    dialect: Box<dyn Dialect>,
    ready: bool,
    input: Vec<u8>,
}

fn measure(Run { contestant, server, percent }: Run<'_>) -> Measured {
    let [rounds, warm_up] = [ROUNDS, WARM_UP].map(|whole| whole * percent / 100);
    let mut one = Side::open(server.address(0), contestant.side(0, 0)?)?;
    one.settle()?;
    let mut two = Side::open(server.address(1), contestant.side(0, 1)?)?;
    // Both by turns: some servers tell the second of the first, some leave that to the first.
    let began = Instant::now();
    while !(one.ready && two.ready) {
        two.settle()?;
        one.settle()?;
        if began.elapsed() > PATIENCE {
            return Err("the two sides do not find each other".into());
        }
    }
    let mut times = Vec::with_capacity(2 * rounds as usize);
    let body = body(0, MESSAGE_BYTES);
    for round in 0..warm_up + rounds.max(1) {
        for swap in [false, true] {
            let (from, to) = if swap { (&mut two, &mut one) } else { (&mut one, &mut two) };
            let text = from.dialect.say(Kind::Offer, &body);
            let started = Instant::now();
            from.text(&text)?;
            while !to.take()? {}
            if round >= warm_up {
                times.push(started.elapsed().as_secs_f64() * 1000.0);
            }
        }
    }
    times.sort_by(f64::total_cmp);
    Ok((vec![times[times.len() / 2], times[times.len() * 99 / 100]], Vec::new()))
}

impl Side {
    fn open(address: SocketAddr, mut dialect: Box<dyn Dialect>) -> Result<Self, Failure> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let request = wire::request(&address.to_string(), &dialect.path(), dialect.subprotocol());
        stream.write_all(request.as_bytes())?;
        let (mut said, ready) = (Vec::new(), dialect.ready_when_open());
        dialect.opened(&mut said);
        let mut side = Self { stream, dialect, ready, input: Vec::new() };
        let end = loop {
            side.fill()?;
            if let Some(end) = wire::head_end(&side.input) {
                break end;
            }
        };
        side.input.drain(..end);
        said.iter().try_for_each(|text| side.text(text))?;
        Ok(side)
    }

    /// Takes messages until it is quiet: the side that came first is inside first, and each hears of the other.
    fn settle(&mut self) -> Result<(), Failure> {
        self.stream.set_read_timeout(Some(std::time::Duration::from_millis(200)))?;
        while self.take().is_ok() {}
        Ok(self.stream.set_read_timeout(Some(PATIENCE))?)
    }

    fn fill(&mut self) -> Result<(), Failure> {
        let mut chunk = [0; 4096];
        match self.stream.read(&mut chunk)? {
            0 => Err("closed".into()),
            read => {
                self.input.extend_from_slice(&chunk[..read]);
                Ok(())
            }
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Failure> {
        let mut frame = Vec::new();
        wire::put_client(&mut frame, wire::TEXT, text.as_bytes());
        Ok(self.stream.write_all(&frame)?)
    }

    /// Takes one frame; whether it was the other side's message.
    fn take(&mut self) -> Result<bool, Failure> {
        let frame = loop {
            match wire::frame(&self.input) {
                Some(frame) => break frame,
                None => self.fill()?,
            }
        };
        let (mut said, mut message) = (Vec::new(), false);
        let payload = &self.input[frame.start..frame.end];
        match frame.opcode {
            wire::TEXT => match self.dialect.heard(std::str::from_utf8(payload)?, &mut said) {
                Heard::Message(_) => message = true,
                Heard::Ready => self.ready = true,
                Heard::Refused(error) => return Err(error.into()),
                Heard::Nothing | Heard::Loss => {}
            },
            wire::CLOSE => return Err("closed".into()),
            _ => {}
        }
        self.input.drain(..frame.end);
        said.iter().try_for_each(|text| self.text(text))?;
        Ok(message)
    }
}
