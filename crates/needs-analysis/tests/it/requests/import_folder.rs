//! The folder of files as people have them: each with the outcome that is right for it beside it, and all its rows accounted for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sanbao_platform::testing::sqlite;
use serde::Deserialize;
use serde_json::Value;

use crate::requests::house::{House, street};
use crate::requests::import::{id_of, read, send};

/// A row of the file, its field and the code.
type Told = (u64, String, String);

/// The right outcome of a file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Outcome {
    /// Words of the refusal of the whole file.
    refused: Option<String>,
    created: Option<i64>,
    failed: i64,
    skipped: i64,
    other: Option<i64>,
    /// All faults, in their order.
    errors: Option<Vec<Told>>,
    /// Some of the doubts.
    warnings: Vec<Told>,
    unused: Option<Vec<String>>,
    unknown_areas: Option<Vec<String>>,
    unknown_categories: Option<Vec<String>>,
    sheet: Option<String>,
    sheets_left: Option<u64>,
    hidden_rows: Option<u64>,
    above: Option<u64>,
    blank: Option<u64>,
    /// Whether the file of rows to mend must hold no formula.
    neutral: bool,
    names: BTreeMap<String, String>,
    phones: BTreeMap<String, Option<String>>,
    notes: BTreeMap<String, String>,
    received: BTreeMap<String, String>,
    states: BTreeMap<String, String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/files/as-they-come")
}

/// The files in their order, without the outcomes beside them.
pub(super) fn files() -> Vec<PathBuf> {
    let all = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = all.filter(|path| path.extension().is_none_or(|ext| ext != "json")).collect();
    files.sort();
    files
}

fn told(list: &Value) -> Vec<Told> {
    let text = |error: &Value, key: &str| error[key].as_str().unwrap().to_owned();
    let errors = list.as_array().unwrap().iter();
    errors.map(|e| (e["row"].as_u64().unwrap(), text(e, "column"), text(e, "code"))).collect()
}

fn words(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|word| word["said"].as_str().unwrap_or_default().to_owned()).collect()
}

/// All that is not right about the report of a file.
fn wrong(outcome: &Outcome, report: &Value) -> Vec<String> {
    let number = |value: &Value| value.as_i64().unwrap_or(-1);
    let notes = &report["notes"];
    let mut wrong = Vec::new();
    let mut hold = |what: &str, right: bool, seen: &Value| {
        if !right {
            wrong.push(format!("{what}: {seen}"));
        }
    };
    let rows = ["created", "updated", "unchanged", "ended", "failed", "skipped"].map(|name| number(&report[name]));
    hold("rows and outcomes", rows.iter().sum::<i64>() == number(&report["total"]), report);
    let records = ["above", "heading", "blank"].map(|name| number(&notes[name])).iter().sum::<i64>();
    hold("records", records + number(&report["total"]) == number(&notes["records"]), notes);
    hold("created", outcome.created == Some(number(&report["created"])), &report["created"]);
    hold("failed", outcome.failed == number(&report["failed"]), &report["failed"]);
    hold("skipped", outcome.skipped == number(&report["skipped"]), &report["skipped"]);
    hold("other", outcome.other.is_none_or(|n| n == number(&report["other"])), &report["other"]);
    hold("errors", outcome.errors.as_ref().is_none_or(|e| *e == told(&report["errors"])), &report["errors"]);
    let doubts = told(&report["warnings"]);
    hold("warnings", outcome.warnings.iter().all(|one| doubts.contains(one)), &report["warnings"]);
    let unused = serde_json::to_value(&outcome.unused).unwrap();
    hold("unused", outcome.unused.is_none() || unused == notes["unused"], &notes["unused"]);
    for (name, right) in [("areas", &outcome.unknown_areas), ("categories", &outcome.unknown_categories)] {
        let seen = &report["unknown"][name];
        hold(name, right.as_ref().is_none_or(|right| *right == words(seen)), seen);
    }
    hold("sheet", outcome.sheet.is_none() || outcome.sheet.as_deref() == notes["sheet"].as_str(), notes);
    for (name, right) in [
        ("sheets_left", outcome.sheets_left),
        ("hidden_rows", outcome.hidden_rows),
        ("above", outcome.above),
        ("blank", outcome.blank),
    ] {
        hold(name, right.is_none_or(|right| notes[name].as_u64() == Some(right)), notes);
    }
    let mend = report["mend"].as_str().unwrap_or_default();
    let formula = mend.split([',', '\n']).any(|cell| cell.trim_start_matches('"').starts_with(['=', '+', '@']));
    hold("a formula", !outcome.neutral || !formula, &report["mend"]);
    wrong
}

/// All that is not right about the requests that came of a file.
async fn wrong_requests(house: &House, outcome: &Outcome) -> Vec<String> {
    let mut wrong = Vec::new();
    let texts = |map: &BTreeMap<String, String>| -> Vec<(String, Option<String>)> {
        map.iter().map(|(id, text)| (id.clone(), Some(text.clone()))).collect()
    };
    for (field, right) in [
        ("elder_name", texts(&outcome.names)),
        ("note", texts(&outcome.notes)),
        ("received_at", texts(&outcome.received)),
        ("state", texts(&outcome.states)),
        ("phone", outcome.phones.clone().into_iter().collect()),
    ] {
        for (external, text) in right {
            let shown = read(house, &id_of(house, &format!("{external}&open=false")).await).await;
            if shown[field].as_str() != text.as_deref() {
                wrong.push(format!("{field} of {external}: {} and not {text:?}", shown[field]));
            }
        }
    }
    wrong
}

async fn findings(path: &Path) -> Vec<String> {
    let beside = format!("{}.outcome.json", path.display());
    let outcome: Outcome = serde_json::from_str(&std::fs::read_to_string(beside).unwrap()).unwrap();
    let engine = sqlite();
    let house = House::open(&engine).await;
    let bytes = std::fs::read(path).unwrap();
    let kind = "application/octet-stream";
    let answer = send(&house, &street(), "/v1/imports?dry_run=false", kind, bytes).await;
    if let Some(words) = &outcome.refused {
        let refused = answer.status == 422 && answer.text.contains(words);
        return if refused { vec![] } else { vec![format!("{} {}", answer.status, answer.text)] };
    }
    if answer.status != 200 {
        return vec![format!("{} {}", answer.status, answer.text)];
    }
    let mut wrong = wrong(&outcome, &answer.body);
    let counted = house.counted().await;
    if counted.0 != counted.1 || Some(counted.0) != outcome.created {
        wrong.push(format!("{counted:?} are there"));
    }
    wrong.extend(wrong_requests(&house, &outcome).await);
    wrong
}

#[tokio::test]
async fn every_file_of_the_folder_has_its_right_outcome() {
    let (files, mut wrong) = (files(), Vec::new());
    assert!(files.len() >= 60, "{} files", files.len());
    for path in &files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        wrong.extend(findings(path).await.into_iter().map(|finding| format!("{name}: {finding}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
