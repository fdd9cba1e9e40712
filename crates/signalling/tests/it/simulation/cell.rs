//! The room on one node, and its connections.

use sanbao_signalling::cluster::driver::LogDriver;
use sanbao_signalling::id::PeerId;
use sanbao_signalling::protocol;
use sanbao_signalling::replica::{Replica, SessionOutbox};
use sanbao_signalling::room::{Command, Greeting};
use serde_json::json;

use super::node::{Conn, Mutation, Wish};

/// The room on this node.
pub struct Cell {
    pub replica: Replica,
    pub driver: LogDriver<Command>,
    pub cursor: usize,
    pub links: Vec<Link>,
}

/// A connection, as the room here sees it.
pub struct Link {
    pub conn: Conn,
    pub socket: u64,
    pub peer: Option<PeerId>,
    pub secret: String,
    /// The client's last number that was read here.
    pub heard: u64,
    /// The relay's last number that was written here.
    pub written: u64,
    pub told: u64,
    ack_listed: bool,
}

impl Cell {
    pub fn new(replica: Replica, driver: LogDriver<Command>) -> Self {
        Self { replica, driver, cursor: 0, links: Vec::new() }
    }

    pub fn take_link(&mut self, which: impl Fn(&Link) -> bool) -> Option<Link> {
        let at = self.links.iter().position(which)?;
        Some(self.links.remove(at))
    }

    /// Whether the socket is still there to be welcomed.
    pub fn welcome(&mut self, greeting: &Greeting, seq: u64, wishes: &mut Vec<Wish>) -> bool {
        let Some(link) = self.links.iter_mut().find(|link| link.socket == greeting.socket.number) else { return false };
        let (resumed, because) = greeting.resumed.in_welcome();
        let mut welcome = json!({"type": "welcome", "v": 1, "peer": greeting.peer, "epoch": greeting.epoch,
            "consult": self.replica.room().consult(), "resumed": resumed, "because": because, "ack": greeting.ack,
            "seq": seq, "you": greeting.you, "place": greeting.place, "lobby": greeting.lobby});
        if let Some(room) = &greeting.room {
            welcome["room"] = serde_json::to_value(room).unwrap();
        }
        if matches!(resumed, protocol::ResumedAs::New) {
            welcome["secret"] = link.secret.clone().into();
        }
        (link.peer, link.heard, link.told, link.written) = (Some(greeting.peer), greeting.ack, greeting.ack, seq);
        wishes.push(Wish::Send { conn: link.conn, text: welcome.to_string() });
        true
    }

    /// Writes what is not written, and notes what is to be acknowledged.
    pub fn pump(&mut self, mutation: Option<Mutation>, wishes: &mut Vec<Wish>) {
        for link in &mut self.links {
            let Some(peer) = link.peer else { continue };
            let taken = self.replica.room().received(peer).unwrap_or(0);
            let received = if mutation == Some(Mutation::AckEarly) { link.heard } else { taken };
            if let Some(outbox) = self.replica.outbox(peer) {
                link.write(outbox, received, mutation, wishes);
            }
            if received > link.told && !link.ack_listed {
                link.ack_listed = true;
                wishes.push(Wish::AckLater(link.conn));
            }
            if mutation == Some(Mutation::AckEarly) && received > link.told {
                link.told = received;
                wishes.push(Wish::Send { conn: link.conn, text: format!(r#"{{"type":"ack","ack":{received}}}"#) });
            }
        }
    }

    pub fn acknowledge(&mut self, conn: Conn, wishes: &mut Vec<Wish>) {
        let Some(link) = self.links.iter_mut().find(|link| link.conn == conn) else { return };
        link.ack_listed = false;
        let received = link.peer.and_then(|peer| self.replica.room().received(peer)).unwrap_or(0);
        if received > link.told {
            link.told = received;
            wishes.push(Wish::Send { conn, text: format!(r#"{{"type":"ack","ack":{received}}}"#) });
        }
    }
}

impl Link {
    pub fn new(conn: Conn, socket: u64, secret: String) -> Self {
        Self { conn, socket, peer: None, secret, heard: 0, written: 0, told: 0, ack_listed: false }
    }

    pub fn write(&mut self, outbox: &SessionOutbox, received: u64, mutation: Option<Mutation>, wishes: &mut Vec<Wish>) {
        let unsent = outbox.after(self.written);
        let behind = outbox.last().saturating_sub(self.written) > 2;
        for (number, body) in unsent.skip(usize::from(mutation == Some(Mutation::SkipOne) && behind)) {
            let ack = if received > self.told { format!(r#""ack":{received},"#) } else { String::new() };
            self.told = self.told.max(received);
            self.written = number;
            let text = format!(r#"{{"seq":{number},{ack}{}"#, &body.as_str()[1..]);
            wishes.push(Wish::Send { conn: self.conn, text });
        }
    }
}
