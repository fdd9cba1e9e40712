//! Files and memory of the process are its own user's alone: the folder, the files in it, and its memory.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use sanbao_platform::testing::{forget_settings, port};

use crate::common::process::Process;

/// Everything at and below `path`, with its permissions, that others than its owner have a right to.
fn open_to_others(path: &Path) -> Vec<String> {
    let mode = fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
    let own = (mode & 0o077 != 0).then(|| format!("{mode:o} {}", path.display()));
    let below = fs::read_dir(path).into_iter().flatten().flat_map(|entry| open_to_others(&entry.unwrap().path()));
    own.into_iter().chain(below).collect()
}

/// `sanbao serve` on `data` with the umask that most systems give.
fn serve(data: &Path) -> (Command, String) {
    let (site, turn) = (port(), port());
    let mut command = Command::new("sh");
    command.args(["-c", "umask 022; ulimit -c unlimited 2>/dev/null; exec \"$@\"", "sh"]);
    command.arg(env!("CARGO_BIN_EXE_sanbao")).arg("serve").arg("--data-dir").arg(data);
    command.args(["--listen", &format!("127.0.0.1:{site}"), "--turn-listen", &format!("127.0.0.1:{turn}")]);
    (command, format!("http://127.0.0.1:{site}"))
}

#[tokio::test]
async fn a_new_folder_and_all_in_it_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("new/data");
    let (command, base) = serve(&data);
    let process = Process::ready(command, base).await;
    assert!(data.join("booking.db").exists() && data.join("secret.json").exists());
    assert_eq!(open_to_others(&data), Vec::<String>::new());
    let limits = fs::read_to_string(format!("/proc/{}/limits", process.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "{core}");
    assert!(process.terminate().await.success());
}

#[tokio::test]
async fn a_folder_that_others_could_read_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (command, base) = serve(&data);
    assert!(Process::ready(command, base).await.terminate().await.success());
    fs::set_permissions(&data, Permissions::from_mode(0o755)).unwrap();
    for entry in fs::read_dir(&data).unwrap() {
        fs::set_permissions(entry.unwrap().path(), Permissions::from_mode(0o644)).unwrap();
    }
    let (command, base) = serve(&data);
    let process = Process::ready(command, base).await;
    assert_eq!(open_to_others(&data), Vec::<String>::new());
    assert!(process.terminate().await.success());
}

#[test]
fn a_folder_that_others_can_write_to_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for mode in [0o770, 0o777, 0o1777] {
        fs::set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
        let (mut command, _) = serve(folder.path());
        forget_settings(&mut command);
        let refused = command.stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(!refused.status.success() && said.contains("chmod 700"), "{mode:o}: {said}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is kept there");
    }
}
