//! A backup of services apart carries what stands in NATS alone: what was said in a room, and not written down when everything went.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use sanbao::role::Role;
use sanbao_platform::testing::{eventually, forget_settings, patiently};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use crate::common::apart::Apart;
use crate::common::flow;
use crate::roles::{Socket, demo_apart, enter};

const PASSPHRASE: &str = "three boats on the river";
/// While it stands, no relay writes down what happens in rooms.
const NOBODY_WRITES: &str = "begin; lock table signalling.consult_fact in exclusive mode";
const SAID: &str = "select jsonb_path_query_first(data, '$.**.text') #>> '{}' from signalling.consult_fact
    where kind = 'chat' order by position";

/// A command on the databases of a network, and on a NATS.
pub fn command(name: &str, file: &Path, apart: &Apart, nats: Option<&str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sanbao"));
    forget_settings(&mut command);
    command.args(name.split(' ')).arg(file).args(["--database-url", &apart.url, "--secret-file"]).arg(apart.secret());
    if let Some(nats) = nats {
        command.args(["--nats", nats]);
    }
    command.env("SANBAO_PASSPHRASE", PASSPHRASE);
    command
}

fn told(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|said| String::from_utf8_lossy(said)).concat()
}

/// The words of a command that does as it is asked.
pub fn succeeded(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", told(&output));
    told(&output)
}

/// How many entries of rooms' logs it tells of, with these words behind the number.
pub fn entries(said: &str, words: &str) -> u64 {
    let line = said.lines().find_map(|line| line.strip_suffix(words));
    line.and_then(|number| number.trim().parse().ok()).unwrap_or_else(|| panic!("{words}: {said}"))
}

fn refused(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(!output.status.success(), "{}", told(&output));
    told(&output)
}

/// Says something in the room, and waits until the room has it.
async fn say(socket: &mut Socket, seq: u64, text: &str) {
    let message = json!({ "type": "chat", "seq": seq, "text": text });
    socket.send(message.to_string().into()).await.unwrap();
    patiently("it is said", async {
        loop {
            let message = socket.next().await.unwrap().unwrap();
            if message.to_text().is_ok_and(|heard| heard.contains("\"chat\"") && heard.contains(text)) {
                return;
            }
        }
    })
    .await;
}

/// The words of a room, as they are written down.
async fn written(sql: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar(SAID).fetch_all(sql).await.unwrap()
}

/// A room in which something was said that is written down nowhere, in a backup with NATS and in one without it.
struct Spoken {
    apart: Apart,
    consult: Uuid,
    folder: tempfile::TempDir,
    /// Entries in the backup.
    entries: u64,
}

impl Spoken {
    async fn new() -> Option<Self> {
        let (mut apart, nobody) = demo_apart().await?;
        let (nurse, doctor) = (nobody.demo("nurse").await, nobody.demo("doctor").await);
        let consult = flow::scheduled_consult(&nobody, &nurse, &doctor).await;
        apart.time_has_come(consult).await;
        let mut nobody_writes = PgConnection::connect(&apart.url).await.unwrap();
        sqlx::raw_sql(NOBODY_WRITES).execute(&mut nobody_writes).await.unwrap();
        let mut host = enter(&apart.base(Role::Signalling), consult, "host").await;
        let clinician = enter(&apart.base(Role::Signalling), consult, "clinician").await;
        say(&mut host, 2, "血压一百三十").await;
        let folder = tempfile::tempdir().unwrap();
        let said = succeeded(command("backup", &folder.path().join("whole"), &apart, Some(&apart.nats.url())));
        let entries = entries(&said, " entries of rooms' logs are in it, too");
        assert!(entries > 0, "{said}");
        let other = Apart::new().await?;
        let said = succeeded(command("backup", &folder.path().join("elsewhere"), &apart, Some(&other.nats.url())));
        assert!(said.contains("this NATS has no stream SANBAO_ROOMS"), "{said}");
        succeeded(command("erasures export", &folder.path().join("list"), &apart, None));
        let said = succeeded(command("backup", &folder.path().join("without"), &apart, None));
        assert!(said.contains("Logs of rooms in NATS are not in it: give --nats"), "{said}");
        for role in Role::ALL {
            apart.kill(*role);
        }
        drop((host, clinician));
        sqlx::raw_sql("rollback").execute(&mut nobody_writes).await.unwrap();
        assert_eq!(written(&mut nobody_writes).await, [""; 0], "it stands in NATS alone");
        Some(Self { apart, consult, folder, entries })
    }
}

/// Restores without the erased of a list until it is done, killed again and again on the way.
async fn restored_at_last(file: &Path, list: &Path, new: &Apart, in_backup: u64) {
    let (mut killed, mut wait) = (0, Duration::from_millis(20));
    loop {
        let mut restore = command("restore", file, new, Some(&new.nats.url()));
        restore.arg("--erasures").arg(list).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut restore = restore.spawn().unwrap();
        tokio::time::sleep(wait).await;
        if restore.try_wait().unwrap().is_some() {
            let output = restore.wait_with_output().unwrap();
            let said = told(&output);
            if output.status.success() {
                assert_eq!(entries(&said, " entries of rooms' logs are in NATS again"), in_backup);
            } else {
                // One that was killed behind its commit has left a network, which the next does not touch.
                assert!(said.contains("holds something"), "{said}");
            }
            // It ends such a restore, and changes nothing of one that has ended.
            let said = succeeded(command("erasures apply", list, new, Some(&new.nats.url())));
            assert_eq!(entries(&said, " entries of rooms' logs were taken out of NATS"), 0);
            break;
        }
        restore.kill().unwrap();
        restore.wait().unwrap();
        (killed, wait) = (killed + 1, wait * 2);
    }
    assert!(killed > 1, "it was killed on the way");
    let said = refused(command("restore", file, new, Some(&new.nats.url())));
    assert!(said.contains("holds something"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_in_a_room_and_not_written_down_is_there_after_a_restore_that_was_killed_on_the_way() {
    let Some(Spoken { apart, consult, folder, entries }) = Spoken::new().await else { return };
    let (Some(mut new), file) = (Apart::new().await, folder.path().join("whole")) else { return };
    let said = refused(command("restore", &file, &new, Some(&apart.nats.url())));
    assert!(said.contains("SANBAO_ROOMS holds something"), "{said}");
    restored_at_last(&file, &folder.path().join("list"), &new, entries).await;
    new.nats.kill();
    new.nats.restart().await;
    for role in Role::ALL {
        new.start(*role).await;
    }
    let mut sql = new.sql().await;
    eventually("what was said is written down", async || (written(&mut sql).await.len() == 1).then_some(())).await;
    // The room goes on behind it, and booking knows of it.
    let mut host = enter(&new.base(Role::Signalling), consult, "host").await;
    let _clinician = enter(&new.base(Role::Signalling), consult, "clinician").await;
    say(&mut host, 2, "再量一次").await;
    eventually("the rest, too", async || (written(&mut sql).await == ["血压一百三十", "再量一次"]).then_some(())).await;
    let nurse = new.site().await.demo("nurse").await;
    eventually("the consult is in session", async || {
        let view = nurse.get(&format!("/v1/consults/{consult}")).await.expect(200);
        (view["state"] == "in_session").then_some(())
    })
    .await;
    not_carried(&folder, &apart).await;
}

/// Where the logs of rooms are not carried, it is said.
async fn not_carried(folder: &tempfile::TempDir, old: &Apart) {
    let (Some(first), Some(second)) = (Apart::new().await, Apart::new().await) else { return };
    let (whole, without) = (folder.path().join("whole"), folder.path().join("without"));
    let said = succeeded(command("restore", &whole, &first, None));
    assert!(said.contains("entries of rooms' logs are in the backup and are not restored: give --nats"), "{said}");
    let rooms = async_nats::connect(old.nats.url()).await.unwrap();
    async_nats::jetstream::new(rooms).delete_stream("SANBAO_ROOMS").await.unwrap();
    let said = refused(command("restore", &without, &second, Some(&old.nats.url())));
    assert!(said.contains("the NATS stream sanbao-events-booking holds something"), "{said}");
    let said = succeeded(command("restore", &without, &second, Some(&second.nats.url())));
    assert!(said.contains("Logs of rooms in NATS are not in this backup"), "{said}");
}
