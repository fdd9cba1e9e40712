//! Doors of a round from a file: CSV or XLSX, with a rehearsal. A bad row stops no good one, and the same file again changes nothing.

use std::collections::{HashMap, HashSet};

use axum::extract::{DefaultBodyLimit, Request, State as AppState};
use sanbao_platform::cn::{DiallingCode, ResidentId};
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::http::{Ctx, Json, Query};
use sanbao_platform::lifecycle::{By, Change, save};
use sanbao_platform::problem::Problem;
use sanbao_platform::table::{
    Columns, FILE_BYTES_MAX, Fault, FileNotes, Mask, RowError, TableError, TableFile, TableReport, TableRow, file,
    refused_table, whole_row,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use super::api::{full, makeable};
use super::id::RoundId;
use super::input::{DoorFaults, NewDoor, elder};
use super::model::{Door, DoorElder, Round};
use super::store::{self, DOORS_MAX};
use crate::area::{self, AreaCode};
use crate::request::store as requests;
use crate::{App, local_day};

/// Rows that one transaction writes: others get their turn between them.
const CHUNK_ROWS: usize = 200;

/// The columns of a file of doors.
const COLUMNS: Columns = Columns {
    words: &[
        ("area_code", &["区域编码", "楼道编码", "网格编码", "区域", "楼道", "网格", "区域名称", "area"]),
        ("elder_name", &["姓名", "老人姓名", "name"]),
        ("phone", &["电话", "联系电话", "手机", "手机号", "手机号码", "电话号码", "联系方式"]),
        ("address", &["地址", "住址", "详细地址", "门牌"]),
        ("remark", &["备注", "提醒", "注意事项", "note"]),
        ("national_id", &["身份证", "身份证号", "身份证号码", "公民身份号码"]),
    ],
    spare: &[],
    needed: &["area_code"],
    digits: &["area_code", "phone", "national_id"],
    masks: &[
        ("elder_name", Mask::Name),
        ("phone", Mask::Phone),
        ("address", Mask::Whole),
        ("remark", Mask::Whole),
        ("national_id", Mask::Paper),
    ],
};

/// Which round the file is for, and how.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DoorImportQuery {
    /// The doors are added to this one.
    round: RoundId,
    /// Do all but write. True when absent, so that nothing is written by mistake.
    dry_run: Option<bool>,
}

/// How an import of doors went. `total` is the sum of created, unchanged, skipped and failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
struct DoorReport {
    #[serde(flatten)]
    table: TableReport,
    /// New doors.
    created: u64,
    /// Doors that the round had already.
    unchanged: u64,
}

/// The routes of this part; the import takes larger bodies than others do.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(import).layer(DefaultBodyLimit::max(FILE_BYTES_MAX)))
}

/// Adds doors to a round from a file, CSV or XLSX: the body itself, or the part `file` of a form.
#[utoipa::path(post, path = "/v1/imports/doors", tag = "doors", operation_id = "import_doors", params(DoorImportQuery),
    description = "Permission: dispatchers and administrators of a street or a community who reach the round's area. The same file again changes nothing.",
    request_body(content = String, content_type = "text/csv", description = "CSV in UTF-8, UTF-16 with its mark or GB 18030, or an XLSX file; header in zh or en. An area is a code, or its name where the round's area has one of that name",
        example = "area_code,elder_name,phone,address,remark\n330211001001-C1-G1-B1,Lin,19900000001,Dongyuan 2-1-301,hard of hearing\n"),
    responses((status = 200, body = DoorReport), (status = 400), (status = 401), (status = 403), (status = 404),
    (status = 408), (status = 409), (status = 413), (status = 415), (status = 422)))]
async fn import(
    AppState(app): AppState<App>,
    ctx: Ctx,
    Query(q): Query<DoorImportQuery>,
    request: Request,
) -> Result<Json<DoorReport>, Problem> {
    let round = makeable(&mut app.deps.db.read().await?, &ctx, q.round).await?;
    // Before the body: it is the file that takes room.
    let _only = app.imports.try_begin()?;
    let (_, bytes) = file(request).await?;
    let mut plan = Box::pin(Plan::of(&app, &ctx, round)).await?;
    let bytes = bytes.to_vec();
    let (plan, mut report) = tokio::task::spawn_blocking(move || plan.read(bytes).map(|report| (plan, report)))
        .await
        .map_err(Problem::internal)?
        .map_err(refused_table)?;
    if store::count(&mut app.deps.db.read().await?, plan.round.id).await?
        + i64::try_from(plan.new.len()).unwrap_or(i64::MAX)
        > DOORS_MAX
    {
        return Err(full());
    }
    report.table.dry_run = q.dry_run.unwrap_or(true);
    if !report.table.dry_run {
        Box::pin(plan.write(&app, &ctx)).await?;
    }
    report.table = report.table.in_language(ctx.lang);
    Ok(Json(report))
}

/// A door that a row would make, and the index of the resident id in it.
struct Row {
    area_code: AreaCode,
    elder: DoorElder,
    index: Option<String>,
}

/// The round as it stands, and the doors that a file would add to it.
struct Plan {
    round: Round,
    /// The areas of the round that the caller reaches, by code; and by name, none where two have it.
    codes: HashSet<AreaCode>,
    names: HashMap<String, Option<AreaCode>>,
    /// The doors that are there, by place, name and address.
    known: HashSet<(AreaCode, String, Option<String>)>,
    fields: FieldKeys,
    own: Option<DiallingCode>,
    today: chrono::NaiveDate,
    new: Vec<Row>,
}

impl Plan {
    async fn of(app: &App, ctx: &Ctx, round: Round) -> Result<Self, Problem> {
        let today = local_day(ctx.now());
        let mut conn = app.deps.db.read().await?;
        let within = area::descendants(&mut conn, &round.area_code, today).await?;
        let within: HashSet<AreaCode> = within.into_iter().collect();
        let mut codes = HashSet::new();
        let mut names: HashMap<String, Option<AreaCode>> = HashMap::new();
        for placed in area::search::in_scope(&mut conn, &ctx.actor, today).await? {
            let (code, name) = (placed.area.code, placed.area.name_zh);
            if within.contains(&code) {
                names.entry(name).and_modify(|twice| *twice = None).or_insert_with(|| Some(code.clone()));
                codes.insert(code);
            }
        }
        let doors = store::of_round(&mut conn, round.id).await?;
        let known = doors.into_iter().map(|door| {
            let elder = door.elder.into_unseen();
            (door.area_code, elder.name, elder.address)
        });
        let (fields, own) = (app.deps.fields.clone(), app.deps.dialling_code.clone());
        Ok(Self { known: known.collect(), round, codes, names, fields, own, today, new: Vec::new() })
    }

    fn read(&mut self, bytes: Vec<u8>) -> Result<DoorReport, TableError> {
        let mut table = TableFile::open(bytes, &COLUMNS)?;
        let mut report = DoorReport::default();
        report.table.total = table.total;
        loop {
            let rows = table.rows(CHUNK_ROWS);
            if rows.is_empty() {
                break;
            }
            for row in rows {
                if let Some(sums) = row.skipped() {
                    report.table.skip(RowError::new(row.fault_line(), sums, None, &COLUMNS));
                    continue;
                }
                match self.row(&row) {
                    Ok(Some(new)) => {
                        report.created += 1;
                        self.new.push(new);
                    }
                    Ok(None) => report.unchanged += 1,
                    Err(errors) => report.table.bad(errors),
                }
            }
        }
        report.table.notes = FileNotes { ..table.notes };
        Ok(report)
    }

    /// The door of a row; none where the round has it already.
    fn row(&mut self, row: &TableRow) -> Result<Option<Row>, Vec<RowError>> {
        let cells = match &row.cells {
            Ok(cells) => cells,
            Err(code) => return Err(vec![RowError::new(row.fault_line(), whole_row(code), None, &COLUMNS)]),
        };
        let cell = |field: &str| cells.iter().find(|(name, _)| *name == field).map(|(_, text)| text.clone());
        let mut faults = DoorFaults::default();
        let area_code = self.area(cell("area_code"), &mut faults);
        let body = NewDoor {
            elder_name: cell("elder_name"),
            phone: cell("phone"),
            address: cell("address"),
            remark: cell("remark"),
            ..NewDoor::default()
        };
        let elder = elder(&body, self.own.as_ref(), &mut faults);
        let id = cell("national_id").map(|text| ResidentId::parse(&text, self.today));
        let index = match id {
            Some(Ok(id)) => Some(id.index(&self.fields)),
            Some(Err(wrong)) => {
                let (zh, en) = wrong.advice();
                faults.add("national_id", wrong.code(), zh, en);
                None
            }
            None => None,
        };
        match area_code {
            Some(area_code) if faults.0.is_empty() => {
                let fresh = self.known.insert((area_code.clone(), elder.name.clone(), elder.address.clone()));
                Ok(fresh.then_some(Row { area_code, elder, index }))
            }
            _ => Err(faults
                .0
                .into_iter()
                .map(|fault| {
                    let value = cell(fault.field);
                    RowError::new(row.line, fault, value.as_deref(), &COLUMNS)
                })
                .collect()),
        }
    }

    fn area(&self, text: Option<String>, faults: &mut DoorFaults) -> Option<AreaCode> {
        let Some(text) = text else {
            faults.add("area_code", "required", "请填写楼道或网格", "The stair or the grid is needed");
            return None;
        };
        let code = AreaCode::parse(&text).ok().filter(|code| self.codes.contains(code));
        let found = code.or_else(|| self.names.get(text.trim()).cloned().flatten());
        if found.is_none() {
            let (zh, en) = match self.names.get(text.trim()) {
                Some(_) => ("有几个区域叫这个名称，请写区域编码", "Several areas have this name: write the code"),
                None => {
                    ("不在这次行动的区域内，或没有这个区域", "Not within the round's area, or there is no such area")
                }
            };
            faults.0.push(Fault::new("area_code", "area_unknown", zh, en));
        }
        found
    }

    async fn write(self, app: &App, ctx: &Ctx) -> Result<(), Problem> {
        let Self { round, new, .. } = self;
        for (first, chunk) in (0..).step_by(CHUNK_ROWS).zip(new.chunks(CHUNK_ROWS)) {
            let mut tx = app.deps.db.begin().await?;
            let elders = requests::elders_of(&mut tx, chunk.iter().filter_map(|row| row.index.as_deref())).await?;
            let made = (first..).zip(chunk).map(|(nth, row)| {
                let person_id = row.index.as_ref().and_then(|index| elders.get(index)).copied();
                let door = Door::new(&round, row.area_code.clone(), row.elder.clone(), ctx.now(), nth);
                Change::created(Door { person_id, ..door })
            });
            save(&mut tx, &By::Person(ctx), made.collect()).await?;
            tx.commit().await?;
        }
        Ok(())
    }
}
