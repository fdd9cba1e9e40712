//! The effect of each event, and what goes wrong.

use sanbao_signalling::cluster::driver::LogInput;
use sanbao_signalling::log::Position;
use sanbao_signalling::protocol::CloseCode;

use super::checks::Kind;
use super::client::{Phase, Place};
use super::log::Stored;
use super::node::Conn;
use super::script;
use super::world::{Event, World};

impl World {
    pub fn happen(&mut self, event: Event) {
        match event {
            Event::ToNode { conn, text } => self.node_received(conn, &text),
            Event::ToClient { conn, text } => self.client_received(conn, &text),
            Event::Closed { conn, code } => self.closed(conn, code),
            Event::Gone { conn } => self.node_loses(conn),
            Event::Connect { who } => self.connect(who),
            Event::Opened { conn } => {
                let Some(line) = self.lines.get(&conn).filter(|line| line.client_open && !line.broken) else { return };
                let text = self.people[line.who].client.opened();
                self.client_sends(conn, text);
            }
            Event::NoWelcome { conn } => {
                let who = self.lines.get(&conn).map(|line| line.who);
                let waiting =
                    |who: &usize| self.people[*who].conn == Some(conn) && self.people[*who].client.phase != Phase::Up;
                if let Some(who) = who.filter(waiting) {
                    self.client_closes(conn);
                    self.after(300, Event::Connect { who });
                }
            }
            Event::AckDue { conn } => self.ack_due(conn),
            Event::NodeAckDue { conn } => {
                let Some(node) = self.node_of(conn) else { return };
                let wishes = self.nodes[node].acknowledge(conn);
                self.grant(node, wishes);
            }
            Event::Append { node, life, expected, entry, heard } => self.append(node, life, expected, entry, heard),
            Event::Read { node, life, after } => self.read(node, life, after),
            Event::FromLog { node, life, input } => self.log_answers(node, life, input),
            Event::NodeTick { node } => self.node_tick(node),
            Event::Act { who } => self.act(who),
            Event::Fault => self.fault(),
            Event::Start { node } => self.start(node),
            Event::Heal { node } => self.heal(node),
            Event::LogBack => {
                self.log_down = false;
                (0..self.nodes.len()).for_each(|node| self.heal(node));
            }
        }
    }

    /// The node that a connection still reaches.
    fn node_of(&self, conn: Conn) -> Option<usize> {
        let line = self.lines.get(&conn)?;
        let node = &self.nodes[line.node];
        (node.up && node.id == line.node_id).then_some(line.node)
    }

    fn node_received(&mut self, conn: Conn, text: &str) {
        // A `hello` that its client has given up is not said: nobody could tell it from a newer one.
        let given_up = |client_open: bool| !client_open && text.contains(r#""type":"hello""#);
        let passes = |line: &super::world::Line| line.node_open && !line.broken && !given_up(line.client_open);
        let passes = self.lines.get(&conn).is_some_and(passes);
        let Some(node) = self.node_of(conn).filter(|_| passes) else { return };
        let now = self.now();
        let wishes = self.nodes[node].frame(now, conn, text, &mut self.checks);
        self.grant(node, wishes);
    }

    fn node_loses(&mut self, conn: Conn) {
        let Some(node) = self.node_of(conn) else { return };
        let now = self.now();
        let wishes = self.nodes[node].gone(now, conn, &mut self.checks);
        self.grant(node, wishes);
    }

    /// The client learns that its connection is closed.
    fn closed(&mut self, conn: Conn, code: Option<u16>) {
        let Some(line) = self.lines.get(&conn).filter(|line| line.client_open) else { return };
        let who = line.who;
        // Messages on their way when the line broke did not arrive, nor did the close: the client only sees silence.
        let code = code.filter(|_| !line.broken);
        let was_current = self.people[who].conn == Some(conn);
        self.client_closes(conn);
        if !was_current {
            return;
        }
        // Somebody who entered twice has two sessions, one of which may take over from the other.
        let only_resumes = self.people[who].client.entered == 1 && !self.has_another_device(who);
        if code == Some(CloseCode::Replaced.number()) && only_resumes {
            self.checks.violate(Kind::ThrownOut, format!("client {who} lost its session to nobody"));
        }
        let final_code = code.is_some_and(|code| code == 1000 || code >= 4100);
        if final_code {
            self.people[who].stopped = true;
            if self.trouble {
                // A person who was sent away, left or gave way tries again after a while, as a new visitor.
                let wait = self.chance.between(1_500, 3_000);
                self.people[who].client.forget();
                self.people[who].stopped = false;
                return self.after(wait, Event::Connect { who });
            }
            return;
        }
        let wait = self.chance.between(20, 600);
        self.after(wait, Event::Connect { who });
    }

    /// Whether the same person plays with another device too, which may take over.
    fn has_another_device(&self, who: usize) -> bool {
        self.people.iter().filter(|person| person.id == self.people[who].id).count() > 1
    }

    fn append(&mut self, node: usize, life: u64, expected: Position, entry: Stored, heard: bool) {
        let batch = entry.batch;
        let unreachable = self.log_down || self.nodes[node].cut;
        if unreachable && heard {
            let input = LogInput::Unknown(batch);
            return self.after(300, Event::FromLog { node, life, input });
        }
        let kind = if self.trouble {
            self.log.append(&mut self.chance, expected, entry)
        } else {
            self.log.append_strictly(&mut self.chance, expected, entry)
        };
        if heard {
            let input = match &kind {
                Some(stored) => LogInput::Appended(batch, stored.position),
                None => LogInput::Behind(batch),
            };
            let wait = self.delay();
            self.after(wait, Event::FromLog { node, life, input });
        }
        let Some(stored) = kind else { return };
        for to in 0..self.nodes.len() {
            let lost = self.nodes[to].cut || (self.trouble && self.chance.per_mille(80));
            let copies = if lost { 0 } else { 1 + u64::from(self.trouble && self.chance.per_mille(50)) };
            for _ in 0..copies {
                let (wait, life) = (self.delay(), self.lives[to]);
                let input = LogInput::Announced(stored.logged(self.nodes[to].id));
                self.after(wait, Event::FromLog { node: to, life, input });
            }
        }
    }

    fn read(&mut self, node: usize, life: u64, after: Position) {
        let failed = self.log_down || self.nodes[node].cut || (self.trouble && self.chance.per_mille(30));
        let input = if failed {
            LogInput::ReadFailed
        } else {
            let id = self.nodes[node].id;
            let lags = self.trouble;
            LogInput::Read(self.log.read(&mut self.chance, after, lags).iter().map(|entry| entry.logged(id)).collect())
        };
        let wait = self.delay();
        self.after(wait, Event::FromLog { node, life, input });
    }

    fn log_answers(&mut self, node: usize, life: u64, input: LogInput<super::node::Bytes>) {
        // An announcement on its way to a node that is cut off by now does not arrive.
        let heard = !(self.nodes[node].cut && matches!(input, LogInput::Announced(_)));
        if self.lives[node] == life && heard {
            let now = self.now();
            let wishes = self.nodes[node].input(now, input, &mut self.checks);
            self.grant(node, wishes);
        }
    }

    fn node_tick(&mut self, node: usize) {
        self.after(100, Event::NodeTick { node });
        if !self.nodes[node].up {
            return;
        }
        let now = self.now();
        if self.nodes[node].cell.is_none() {
            self.lives[node] += 1;
            let wishes = self.nodes[node].follow(now, &mut self.checks);
            return self.grant(node, wishes);
        }
        let due = self.nodes[node].cell.as_ref().is_some_and(|cell| cell.driver.next_deadline_ms() <= self.now);
        if due {
            let wishes = self.nodes[node].input(now, LogInput::Tick, &mut self.checks);
            self.grant(node, wishes);
        }
        if self.now % 500 < 100 && !self.nodes[node].cut {
            let gone: Vec<_> = self.silent.keys().copied().filter(|id| self.is_gone(*id)).collect();
            let wishes = self.nodes[node].look_after(now, &|id| gone.contains(&id), &mut self.checks);
            self.grant(node, wishes);
        }
    }

    fn act(&mut self, who: usize) {
        if !self.trouble {
            return;
        }
        let wait = self.chance.between(30, 350);
        self.after(wait, Event::Act { who });
        let person = &mut self.people[who];
        // Also while the connection is down: people do not wait for it.
        if person.client.session.is_none() || (person.client.phase != Phase::Up && person.client.place != Place::Inside)
        {
            return;
        }
        let Some(message) = script::next(person, &mut self.chance) else { return };
        if message["type"] == "admit"
            && let Some(guest) = message["peer"].as_str().and_then(|peer| self.sessions.get(peer))
        {
            self.checks.admitted.insert(guest.clone());
        }
        person.said += 1;
        let id = format!("{who}-{}", person.said);
        let message = script::with_token(message, &id);
        let (frame, conn) = (person.client.say(message, id), person.conn);
        if let (Some(frame), Some(conn)) = (frame, conn) {
            self.client_sends(conn, frame);
        }
    }

    fn fault(&mut self) {
        if !self.trouble {
            return;
        }
        let wait = self.chance.between(200, 1_200);
        self.after(wait, Event::Fault);
        let who = usize::try_from(self.chance.below(self.people.len() as u64)).unwrap_or(0);
        let node = usize::try_from(self.chance.below(self.nodes.len() as u64)).unwrap_or(0);
        match self.chance.below(10) {
            0..=2 => self.break_line(who),
            3 | 4 => self.reload(who),
            5 | 6 => self.kill(node),
            7 => self.cut(node),
            8 => {
                let limit = self.chance.below(8_000);
                self.nodes[node].skew_ms = i64::try_from(limit).unwrap_or(0) - 4_000;
                let wishes = self.nodes[node].say_move();
                self.grant(node, wishes);
            }
            _ => {
                self.log_down = true;
                let wait = self.chance.between(100, 2_500);
                self.after(wait, Event::LogBack);
            }
        }
    }

    /// A line breaks; the two sides learn of it sooner or later.
    fn break_line(&mut self, who: usize) {
        let Some(conn) = self.people[who].conn else { return };
        if let Some(line) = self.lines.get_mut(&conn) {
            line.broken = true;
        }
        let (soon, late) = (self.chance.between(1, 300), self.chance.between(1, 4_000));
        self.after(soon, Event::Closed { conn, code: None });
        self.after(late, Event::Gone { conn });
    }

    fn reload(&mut self, who: usize) {
        let forgets = self.chance.per_mille(250);
        if let Some(conn) = self.people[who].conn {
            self.client_closes(conn);
        }
        if forgets {
            self.people[who].client.forget();
        } else {
            self.people[who].client.reload();
        }
        let wait = self.chance.between(20, 800);
        self.after(wait, Event::Connect { who });
    }

    fn kill(&mut self, node: usize) {
        if !self.nodes[node].up {
            return;
        }
        self.checks.counts.crashes += 1;
        self.lives[node] += 1;
        let id = self.nodes[node].id;
        self.nodes[node].kill();
        self.silent.entry(id).or_insert(self.now);
        let theirs: Vec<Conn> =
            self.lines.iter().filter(|(_, line)| line.node_id == id).map(|(conn, _)| *conn).collect();
        for conn in theirs {
            if let Some(line) = self.lines.get_mut(&conn) {
                (line.broken, line.node_open) = (true, false);
            }
            let wait = if self.chance.per_mille(200) { self.chance.between(500, 3_000) } else { self.delay() };
            self.after(wait, Event::Closed { conn, code: None });
        }
        let wait = self.chance.between(100, 3_000);
        self.after(wait, Event::Start { node });
    }

    fn start(&mut self, node: usize) {
        if self.nodes[node].up {
            return;
        }
        self.nodes[node].start();
        self.after(0, Event::NodeTick { node });
    }

    fn cut(&mut self, node: usize) {
        if !self.nodes[node].up || self.nodes[node].cut {
            return;
        }
        self.nodes[node].cut = true;
        let id = self.nodes[node].id;
        self.silent.insert(id, self.now);
        let wait = self.chance.between(100, 8_000);
        self.after(wait, Event::Heal { node });
    }

    fn heal(&mut self, node: usize) {
        let id = self.nodes[node].id;
        if self.nodes[node].up {
            self.nodes[node].cut = false;
            self.silent.remove(&id);
            let life = self.lives[node];
            self.log_answers(node, life, LogInput::Missed);
        }
    }

    /// The trouble ends.
    pub fn calm(&mut self) {
        (self.trouble, self.log_down) = (false, false);
        for node in 0..self.nodes.len() {
            self.nodes[node].skew_ms = 0;
            self.start(node);
            self.heal(node);
        }
    }
}
