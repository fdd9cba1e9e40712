//! Debian's `nextcloud-spreed-signaling`, by version 1.0 of its protocol, with internal clients, which need no
//! Nextcloud to vouch for them.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sanbao_platform::testing::port;
use sha2::Sha256;

use super::{Contestant, tools};
use crate::dialect::{Dialect, Heard, Kind, between};
use crate::server::Server;
use crate::{Failure, machine};

const BINARY: &str = "/usr/bin/nextcloud-spreed-signaling-server";
const SECRET: &str = "a secret of the benchmark for internal clients";

/// The server.
pub struct Spreed;

struct Side {
    room: u64,
    token: String,
    random: String,
    own: String,
    resume: Option<String>,
    other: String,
}

impl Contestant for Spreed {
    fn name(&self) -> &'static str {
        "spreed"
    }

    fn missing(&self) -> Option<String> {
        (!Path::new(BINARY).exists()).then(|| "apt-get install nextcloud-spreed-signaling".to_owned())
    }

    fn about(&self) -> String {
        let version = machine::first_line(BINARY, &["-version"]).unwrap_or_default();
        format!("{version}; nothing raised; any backend is allowed, as its own benchmark does")
    }

    fn start(&self) -> Result<Server, Failure> {
        let port = port();
        let config = format!(
            "[http]\nlisten = 127.0.0.1:{port}\n[sessions]\nhashkey = 0123456789abcdef0123456789abcdef\n\
             blockkey = 0123456789abcdef0123456789abcdef\n[clients]\ninternalsecret = {SECRET}\n\
             [backend]\nallowall = true\nsecret = a secret\n[nats]\nurl = :loopback:\n[mcu]\n"
        );
        std::fs::create_dir_all(tools(""))?;
        let file = tools(&format!("spreed-{port}.conf"));
        std::fs::write(&file, config)?;
        let mut command = Command::new(BINARY);
        command.arg("-config").arg(&file);
        let server = Server::foreign(command, port);
        std::fs::remove_file(&file)?;
        server
    }

    fn side(&self, room: u64, side: usize) -> Result<Box<dyn Dialect>, Failure> {
        let random = format!("{:064}", room * 2 + side as u64);
        let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?.chain_update(&random).finalize().into_bytes();
        let token = mac.iter().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        });
        let (own, other) = (String::new(), String::new());
        Ok(Box::new(Side { room, token, random, own, resume: None, other }))
    }
}

impl Dialect for Side {
    fn path(&self) -> String {
        "/spreed".to_owned()
    }

    fn opened(&mut self, out: &mut Vec<String>) {
        let (token, random) = (&self.token, &self.random);
        out.push(match &self.resume {
            Some(id) => format!(r#"{{"id":"1","type":"hello","hello":{{"version":"1.0","resumeid":"{id}"}}}}"#),
            None => format!(
                r#"{{"id":"1","type":"hello","hello":{{"version":"1.0","auth":{{"type":"internal","params":{{"random":"{random}","token":"{token}","backend":"http://127.0.0.1/"}}}}}}}}"#
            ),
        });
    }

    fn heard<'a>(&mut self, text: &'a str, out: &mut Vec<String>) -> Heard<'a> {
        if let Some(body) = between(text, r#""body":""#) {
            return Heard::Message(body);
        }
        match between(text, r#""type":""#) {
            Some("hello") => {
                between(text, r#""sessionid":""#).unwrap_or_default().clone_into(&mut self.own);
                if self.resume.is_none() {
                    let room = self.room;
                    out.push(format!(r#"{{"id":"2","type":"room","room":{{"roomid":"room{room}"}}}}"#));
                }
                self.resume = between(text, r#""resumeid":""#).map(str::to_owned);
                Heard::Nothing
            }
            Some("event") if text.contains(r#""join":"#) => self.joined(text),
            Some("error") => Heard::Refused(text),
            _ => Heard::Nothing,
        }
    }

    fn say(&mut self, _kind: Kind, body: &str) -> String {
        let to = &self.other;
        format!(
            r#"{{"type":"message","message":{{"recipient":{{"type":"session","sessionid":"{to}"}},"data":{{"body":"{body}"}}}}}}"#
        )
    }

    fn envelope_bytes(&self) -> usize {
        self.other.len() + 96
    }

    fn leave(&mut self) -> Option<String> {
        Some(r#"{"id":"3","type":"bye","bye":{}}"#.to_owned())
    }
}

impl Side {
    /// The peers who came in, if it was not this side.
    fn joined<'a>(&mut self, mut text: &str) -> Heard<'a> {
        while let Some(session) = between(text, r#""sessionid":""#) {
            if session != self.own {
                session.clone_into(&mut self.other);
                return Heard::Ready;
            }
            text = &text[text.find(session).unwrap_or_default() + session.len()..];
        }
        Heard::Nothing
    }
}
