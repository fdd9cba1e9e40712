//! The transaction of a booking by `pgbench`: the service's own statements, as they are heard while it books once, with values of
//! the same kinds.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Mutex};

use sanbao_booking::{Config, build};
use sanbao_platform::clock::Clock;
use sanbao_platform::testing::{Site, StatementListener, TestEngine, postgres};
use serde_json::json;

use crate::town::{DOCTORS, Town, id};

/// The statements of one booking through the service's router, on a server's database of its own.
fn heard() -> Vec<String> {
    let said = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&said);
    let listening = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let told = Arc::clone(&heard);
        let listener = StatementListener(move |sql: String| told.lock().unwrap().push(sql));
        tracing::subscriber::set_global_default(listener).unwrap();
        runtime.block_on(async {
            let engine = postgres().await.unwrap();
            let mut town = Town::open(engine.clone()).await;
            let (first, _) = town.waiting(1).await;
            let deps = engine.deps("booking", &sanbao_booking::MIGRATIONS, Clock::system()).await;
            let site = Site::of(build(Config::default(), deps.clone()), &deps);
            let (starts_at, room) = town.wish(first);
            let body = json!({ "starts_at": starts_at, "room_id": room });
            let path = format!("/v1/consults/{}/schedule", id(5, first));
            heard.lock().unwrap().clear();
            let key = [("idempotency-key", "heard")];
            site.call(Some(&Town::nurse()), "POST", &path, Some(body), &key).await.expect(200);
        });
    });
    listening.join().unwrap();
    let said = said.lock().unwrap();
    // A fresh connection asks the server for types besides.
    let is_its_own = |sql: &&String| !sql.eq_ignore_ascii_case("commit") && !sql.contains("pg_type");
    said.iter().filter(is_its_own).cloned().collect()
}

/// Expressions of the things of a booking: the consult is number `:n`, of doctor `:d` and of resident and room `:k`.
struct Values {
    consult: String,
    doctor: String,
    resident: String,
    room: String,
    home: String,
    hospital: String,
    nurse: String,
    from: String,
    to: String,
}

impl Values {
    fn of(town: &Town) -> Self {
        let made =
            |kind: u8, n: &str| format!("('0000000{kind}-0000-7000-8000-' || lpad((:{n})::text, 12, '0'))::uuid");
        let fixed = |kind, n| format!("'{}'::uuid", id(kind, n));
        let from = format!("to_timestamp({} + 1800 * (:t)::bigint)", town.from.timestamp());
        Self {
            consult: made(5, "n"),
            doctor: made(2, "d"),
            resident: made(3, "k"),
            room: made(4, "k"),
            home: fixed(1, 1),
            hospital: fixed(1, 2),
            nurse: fixed(6, 1),
            to: format!("({from} + interval '30 minutes')"),
            from,
        }
    }

    /// The text in the place of the parameters of a statement, which is known by its beginning.
    fn for_statement(&self, sql: &str) -> Vec<String> {
        let Self { consult, doctor, resident, room, home, hospital, nurse, from, to } = self;
        let key = "('p' || (:n)::text)";
        let no = |kind: &str| format!("null::{kind}");
        let texts = |all: &[&str]| all.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        match sql.split_whitespace().take(4).collect::<Vec<_>>().join(" ").as_str() {
            "select c.id, c.inviting_id, h.name_zh" => texts(&[consult]),
            "insert into idempotency (actor," => texts(&[nurse, key, "repeat('0', 64)", "'null'::jsonb", "now()"]),
            "with held as materialized" => texts(&[consult, doctor]),
            "select p.account_id, p.organisation_id, a.display_name" => {
                let days = ["current_date - 2", "current_date + 2", "now()"];
                let around = [format!("({from} - interval '24 hours')"), format!("({from} + interval '24 hours')")];
                let beyond = texts(&["1", &around[0], &around[1], from]);
                [texts(&[doctor, hospital, room, home, resident, consult]), texts(&days), beyond].concat()
            }
            "select occupancy_take($1, $2, $3," => {
                let all = format!("array[{doctor}, {resident}, {room}]");
                let rows = "array[gen_random_uuid(), gen_random_uuid(), gen_random_uuid()]";
                let [none, nobody] = [no("timestamptz"), "'{}'::uuid[]".to_owned()];
                texts(&[&all, rows, "null::integer", from, to, "'consult'", consult, &none, "now()", &nobody])
            }
            "update consult set state" => self.update(),
            "with lines as (insert" => self.facts(),
            "select version, at, actor," => texts(&["'consult'", consult, "200"]),
            "with members as (insert" => {
                let member = |kind: &str, id: &str| format!("jsonb_build_object('kind', '{kind}', 'id', ({id})::text)");
                let (one, other) = (member("consult", consult), member("person", resident));
                let shown = format!("jsonb_build_array({one}, {other})");
                let operation = "'POST /v1/consults/id/schedule'";
                let (own, request) = ("gen_random_uuid()", "gen_random_uuid()::text");
                texts(&[
                    own,
                    "now()",
                    nurse,
                    home,
                    operation,
                    "'consult'",
                    consult,
                    request,
                    consult,
                    "'127.0.0.1'",
                    &shown,
                ])
            }
            "update idempotency set status" => {
                let answer = "jsonb_build_object('answer', repeat('x', 1800))";
                texts(&[nurse, key, "200", "2", answer, consult])
            }
            other => panic!("a statement that this benchmark has no values for: {other}"),
        }
    }

    fn update(&self) -> Vec<String> {
        let Self { consult, doctor, resident, room, hospital, from, to, .. } = self;
        let (no, none) = ("null::timestamptz", "null::text");
        let row = [
            consult,
            "1",
            "'scheduled'",
            none,
            "now()",
            doctor,
            room,
            from,
            to,
            "0",
            no,
            no,
            "2",
            hospital,
            resident,
            "'气促'",
            "'用药'",
            "now()",
            "now() + interval '390 days'",
            "'86 岁，高血压 20 年'",
            "'cardiology'",
            none,
            "'routine'",
            "null::uuid",
            "null::uuid",
            no,
            no,
            no,
            "false",
        ];
        row.into_iter().map(str::to_owned).collect()
    }

    fn facts(&self) -> Vec<String> {
        let Self { consult, home, nurse, .. } = self;
        let (own, at) = ("gen_random_uuid()", "now()");
        let line = format!(
            "jsonb_build_object('aggregate', 'consult', 'id', {consult}, 'version', 2, 'at', {at}, 'actor', {nurse}, \
             'actor_name', '王护士', 'organisation', {home}, 'step', 'schedule', 'from_state', 'accepted', 'to_state', 'scheduled')"
        );
        let event = format!(
            "jsonb_build_object('event_id', {own}, 'kind', 'booking.consult.scheduled', 'subject', {consult}, \
             'occurred_at', {at}, 'data', jsonb_build_object('consult_id', {consult}, 'at', {at}))"
        );
        let done = format!(
            "jsonb_build_object('id', {own}, 'occurred_at', {at}, 'actor', {nurse}, 'organisation', {home}, \
             'action', 'consult.schedule', 'resource_kind', 'consult', 'resource_id', {consult}, 'request_id', {own}, \
             'address', '127.0.0.1')"
        );
        [line, event, done].map(|row| format!("jsonb_build_array({row})")).to_vec()
    }
}

/// The statement with its parameters filled in.
fn filled(sql: &str, values: &[String]) -> String {
    let mut parts = sql.split('$');
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        let n: usize = digits.parse().unwrap();
        whole.push_str(values.get(n - 1).map_or_else(|| panic!("no value for ${n} of {sql}"), String::as_str));
        whole.push_str(&part[digits.len()..]);
    }
    whole
}

/// A script of the service's transaction.
#[derive(Debug)]
pub(crate) struct Script {
    file: PathBuf,
    /// Statements without the beginning of the transaction.
    pub(crate) statements: usize,
}

impl Script {
    /// Listens to the service.
    pub(crate) async fn of_the_service(town: &Town) -> Self {
        let statements = tokio::task::spawn_blocking(heard).await.unwrap();
        let values = Values::of(town);
        let mut script = format!(
            "\\set n :first + :client_id * :per + :i\n\\set i :i + 1\n\
             \\set d case when :n % 10 = 9 then (:n - 1) % {DOCTORS} else :n % {DOCTORS} end\n\
             \\set k :n % {DOCTORS}\n\
             \\set t case when :n % 10 = 9 then (:n - 1) / {DOCTORS} else :n / {DOCTORS} end\nbegin;\n"
        );
        for sql in &statements {
            let whole = filled(sql, &values.for_statement(sql));
            if sql.starts_with("select occupancy_take") {
                // A booking whose time is taken ends here.
                script.extend([whole.as_str(), " as took \\gset\n\\if :took\n"]);
            } else {
                script.extend([whole.as_str(), ";\n"]);
            }
        }
        script.push_str("commit;\n\\else\nrollback;\n\\endif\n");
        let file = town.folder.path().join("booking.sql");
        std::fs::write(&file, script).unwrap();
        Self { file, statements: statements.len() + 1 }
    }

    /// Runs it by so many clients, each a stretch of consults: bookings in a second, without those that were refused.
    pub(crate) fn run(&self, town: &Town, clients: u64, (first, _): (u64, u64), per: u64) -> f64 {
        let TestEngine::Postgres(url) = &town.engine else { unreachable!("a server was asked for") };
        let program = std::env::var("PG_BIN").map_or_else(|_| "pgbench".to_owned(), |dir| format!("{dir}/pgbench"));
        let mut command = Command::new(program);
        command.args(["-n", "-M", "prepared", "-j", "2", "-D", "i=0"]);
        command.args(["-c", &clients.to_string(), "-t", &per.to_string()]);
        command.args(["-D", &format!("first={first}"), "-D", &format!("per={per}")]).arg("-f").arg(&self.file).arg(url);
        command.env("PGOPTIONS", "-c search_path=booking,public -c jit=off -c timezone=UTC");
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        let tps = said.lines().find_map(|line| line.strip_prefix("tps = ")).unwrap();
        let tps: f64 = tps.split_whitespace().next().unwrap().parse().unwrap();
        tps * 0.9
    }
}
