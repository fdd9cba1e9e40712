//! The cost of an import beside a bare connection: `tests/run --release -p sanbao-needs-analysis --bench import`
//!
//! A million requests in parts of 200,000 (`-- --small`: 100,000 in one), each a file with names, telephones, papers and notes,
//! validated, with history, audit and roll-ups. Beside it a bare connection writes rows of the same shape into the same tables of
//! another database, 500 a transaction, 50 a statement. Both engines. The bar is 5 × its time, and 200 MB resident.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints, and ends where it cannot go on")]

mod bare;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use bare::{AREAS, bare, opened};
use chrono::NaiveDate;
use sanbao_needs_analysis::area::AreaCode;
use sanbao_needs_analysis::import::{self, ImportOptions, Importer};
use sanbao_platform::cn::ResidentId;
use sanbao_platform::id::OrganisationId;
use sanbao_platform::lang::Lang;
use sanbao_platform::service::Deps;
use sanbao_platform::testing::{self, TestEngine};
use uuid::Uuid;

const ROWS: usize = 1_000_000;
const SMALL_ROWS: usize = 100_000;
const PART_ROWS: usize = 200_000;
const HEADER: &str = "编号,受理时间,区域编码,类别,紧急程度,姓名,电话,身份证号,地址,备注\n";
const WORDS: [&str; 4] = ["助餐", "助浴", "助洁", "遛狗"];
const BAR: f64 = 5.0;
const BAR_MB: u64 = 200;

/// A part of the rows as a file.
fn file(from: usize, until: usize) -> Vec<u8> {
    let mut text = HEADER.to_owned();
    for n in from..until {
        let born = NaiveDate::from_ymd_opt(1940, 1, 1 + u32::try_from(n % 28).unwrap()).unwrap();
        let paper = ResidentId::compose("339999", born, u16::try_from(n % 999).unwrap()).unwrap();
        let (area, word, day) = (AREAS[n % 3], WORDS[n % 4], 1 + n / 1_000 % 22);
        let (hour, minute, paper) = (8 + n / 60 % 9, n % 60, paper.as_str());
        let _ = writeln!(
            text,
            "r{n},2026-11-{day:02} {hour:02}:{minute:02},{area},{word},普通,林某{n},199{:08},{paper},\"某路{n}号,东\",送午饭，软些",
            n % 100_000_000
        );
    }
    text.into_bytes()
}

async fn imported(deps: &Deps, rows: usize) -> Duration {
    let options = ImportOptions {
        source: "bench".into(),
        file_name: None,
        dry_run: false,
        importer: Importer::Operator {
            office: OrganisationId(Uuid::from_u128(100)),
            area: AreaCode::parse("330211001").unwrap(),
        },
        request_id: "bench".into(),
        dialling_code: None,
        lang: Lang::Zh,
    };
    let mut took = Duration::ZERO;
    for from in (0..rows).step_by(PART_ROWS) {
        let until = rows.min(from + PART_ROWS);
        let bytes = file(from, until);
        let begun = Instant::now();
        let run = import::run(&deps.db, &deps.clock, &deps.fields, bytes.as_slice(), &options, |_, _| {}).await;
        took += begun.elapsed();
        assert_eq!(run.unwrap().created, i64::try_from(until - from).unwrap());
    }
    took
}

/// The most that this process has had resident, in MB.
fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap_or(0) / 1024
}

async fn measure(engine: TestEngine, other: TestEngine, rows: usize) {
    let deps = opened(&engine).await;
    let took = imported(&deps, rows).await;
    let most = resident_mb();
    let beside = bare(&opened(&other).await.db, rows).await;
    let ratio = took.as_secs_f64() / beside.as_secs_f64();
    println!(
        "{}: {rows} rows in {:.1} s, {:.1} s bare: {ratio:.1} × (bar {BAR}), at most {most} MB resident (bar {BAR_MB})",
        engine.name(),
        took.as_secs_f64(),
        beside.as_secs_f64()
    );
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let has = |word: &str| args.iter().any(|arg| arg == word);
    let rows = if has("--small") { SMALL_ROWS } else { ROWS };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        if !has("postgres") {
            measure(testing::sqlite(), testing::sqlite(), rows).await;
        }
        if !has("sqlite")
            && let Some(engine) = testing::postgres().await
        {
            measure(engine, testing::postgres().await.unwrap(), rows).await;
        }
    });
}
