//! The import itself: some rows in a transaction each. A rehearsal does the same, and undoes it.

use std::collections::HashSet;

use sanbao_platform::audit;
use sanbao_platform::db::Tx;
use sanbao_platform::http::Ctx;
use sanbao_platform::problem::Problem;
use sanbao_platform::table::{Fault, Mend, RowError, TableFile, TableReport, TableRow, refused_table};

use super::input::{COLUMNS, ImportedAccount, ImportedDoctor, account};
use super::view::{AccountReport, ImportedLink};
use crate::App;
use crate::account::id::AccountId;
use crate::account::member::dual::{self, is_administrator};
use crate::account::member::input::areas;
use crate::account::member::model::{Account, Membership};
use crate::account::member::start::{Newcomer, begin, unknown_password};
use crate::account::member::store;
use crate::account::organisation::Organisation;
use crate::consult::practitioner::store::{NewPractitioner, register};

/// Rows of a file of accounts at most.
pub const ACCOUNT_ROWS_MAX: u64 = 2_000;

/// A row that can be taken: the account, its membership, and the account of this log-in that is there already.
type Checked = (ImportedAccount, Membership, Option<(Account, Membership)>);

struct Run<'a> {
    ctx: &'a Ctx,
    own: &'a Organisation,
    /// Whether one administrator alone makes none.
    controlled: bool,
    /// The hash of a password that nobody knows: each owner chooses another by the link.
    hash: &'a str,
    logins: HashSet<String>,
    report: AccountReport,
    mend: Mend,
}

/// Imports a file for an organisation, or says what it would do.
pub(super) async fn run(
    app: &App,
    ctx: &Ctx,
    own: &Organisation,
    bytes: Vec<u8>,
    dry_run: bool,
) -> Result<AccountReport, Problem> {
    let opened = tokio::task::spawn_blocking(move || {
        let mut table = TableFile::open(bytes, &COLUMNS)?;
        let fits = table.total <= ACCOUNT_ROWS_MAX;
        let rows = if fits { table.rows(usize::try_from(table.total).unwrap_or(0)) } else { Vec::new() };
        Ok((table.headings().to_vec(), table.notes.clone(), table.total, rows))
    });
    let (headings, notes, total, rows) = opened.await.map_err(Problem::internal)?.map_err(refused_table)?;
    if total > ACCOUNT_ROWS_MAX {
        let zh = format!("超过 {ACCOUNT_ROWS_MAX} 行，请分成几个文件");
        return Err(Problem::field("/file", zh, format!("More than {ACCOUNT_ROWS_MAX} rows: divide the file")));
    }
    let hash = unknown_password(app).await?;
    let table = TableReport { dry_run, total, notes, ..TableReport::default() };
    let report = AccountReport { table, ..AccountReport::default() };
    // All or none: the links are told once, at the end, and those of an import that broke off would be lost.
    let mut tx = app.deps.db.begin().await?;
    let controlled = dual::guards(&mut tx, own.id).await?;
    let mut run = Run { ctx, own, controlled, hash: &hash, logins: HashSet::new(), report, mend: Mend::default() };
    for row in &rows {
        run.row(&mut tx, row).await?;
    }
    if dry_run {
        // Undone: the next to write finds nothing of it.
        drop(tx);
    } else {
        tx.commit().await?;
    }
    if dry_run {
        run.report.links.clear();
    }
    run.report.table.mend = run.mend.file(&headings, ctx.lang);
    Ok(run.report)
}

impl Run<'_> {
    /// Takes a row over, and counts it once.
    async fn row(&mut self, tx: &mut Tx, row: &TableRow) -> Result<(), Problem> {
        match self.checked(tx, row).await? {
            Err(faults) => self.bad(row, &faults),
            Ok((read, wanted, Some((known, held)))) => self.there(row, &read, &known, held == wanted),
            Ok((read, wanted, None)) => self.create(tx, row, read, wanted).await?,
        }
        Ok(())
    }

    /// The account that a row tells of, as the organisation may give it, and the one that is there already; or what is
    /// wrong with it.
    async fn checked(&mut self, tx: &mut Tx, row: &TableRow) -> Result<Result<Checked, Vec<Fault>>, Problem> {
        let read = match account(row, self.own.kind) {
            Ok(read) => read,
            Err(faults) => return Ok(Err(faults)),
        };
        if !self.logins.insert(read.login.clone()) {
            let zh = "用户名在文件中重复，只取第一条";
            let fault = Fault::new("login", "duplicate_in_file", zh, "Twice in this file; the first is taken");
            return Ok(Err(vec![fault]));
        }
        if self.controlled && is_administrator(&read.roles) {
            let zh = "本机构实行双人复核，管理员请在管理页面单独建立，由另一位管理员确认";
            let en = "Dual control is on: add an administrator by itself, for another one to confirm";
            return Ok(Err(vec![Fault::new("roles", "needs_two", zh, en)]));
        }
        let areas = match areas(tx, self.own, self.own.day(self.ctx.now()), &read.areas).await? {
            Ok(areas) => areas,
            Err(wrong) => {
                let fault = Fault { field: "areas", code: "area_out_of_scope", zh: wrong.zh, en: wrong.en };
                return Ok(Err(vec![fault]));
            }
        };
        let wanted = Membership { organisation: self.own.id, roles: read.roles.clone(), areas };
        let Some(known) = store::find_by_login(tx, &read.login).await? else { return Ok(Ok((read, wanted, None))) };
        let held = store::membership_in(tx, known.id, self.own.id).await?;
        let taken = || Fault::new("login", "login_taken", "这个用户名已有人用", "This user name is taken");
        Ok(held.map(|held| (read, wanted, Some((known, held)))).ok_or_else(|| vec![taken()]))
    }

    fn bad(&mut self, row: &TableRow, faults: &[Fault]) {
        if let Some(sums) = row.skipped() {
            return self.report.table.skip(RowError::new(row.fault_line(), sums, None, &COLUMNS));
        }
        self.mend.add(row, faults);
        let cell = |field: &str| {
            let cells = row.cells.as_ref().ok()?;
            cells.iter().find(|(name, _)| *name == field).map(|(_, text)| text.clone())
        };
        let error = |f: &Fault| RowError::new(row.fault_line(), f.clone(), cell(f.field).as_deref(), &COLUMNS);
        self.report.table.bad(faults.iter().map(error).collect());
    }

    fn doubt(&mut self, row: &TableRow, fault: Fault) {
        self.report.table.doubt(RowError::new(row.line, fault, None, &COLUMNS));
    }

    /// An account of this log-in that is there already.
    fn there(&mut self, row: &TableRow, read: &ImportedAccount, known: &Account, same: bool) {
        self.report.unchanged += 1;
        if !same || known.display_name != read.name {
            let zh = "账号已有，姓名、角色或区域与文件不同，没有按文件改动";
            let en = "The account is there with another name, roles or areas; it was left as it is";
            self.doubt(row, Fault::new("login", "differs", zh, en));
        }
    }

    async fn create(
        &mut self,
        tx: &mut Tx,
        row: &TableRow,
        read: ImportedAccount,
        membership: Membership,
    ) -> Result<(), Problem> {
        let ImportedAccount { login, name, doctor, doubts, .. } = read;
        let who = Newcomer { login: &login, name: &name };
        let (account, link) = begin(tx, self.ctx, who, &membership, self.hash).await?;
        audit::record(tx, self.ctx, "account.create", "account", account.id).await?;
        if let Some(doctor) = doctor {
            self.register(tx, account.id, doctor).await?;
        }
        for fault in doubts {
            self.doubt(row, fault);
        }
        self.report.created += 1;
        self.report.links.push(ImportedLink { row: row.line, id: account.id, login, display_name: name, link });
        Ok(())
    }

    async fn register(&mut self, tx: &mut Tx, account: AccountId, doctor: ImportedDoctor) -> Result<(), Problem> {
        let new = NewPractitioner {
            account_id: account,
            organisation_id: self.own.id,
            specialty: doctor.specialty.code.to_owned(),
            specialty_zh: doctor.specialty.zh.to_owned(),
            specialty_en: doctor.specialty.en.to_owned(),
            title: doctor.title,
            licence_no: doctor.licence_no,
        };
        register(tx, &new, self.ctx.now()).await?;
        audit::record(tx, self.ctx, "practitioner.register", "practitioner", account).await?;
        self.report.doctors += 1;
        Ok(())
    }
}
