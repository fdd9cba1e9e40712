//! The file in a request's body, and the one import that may run at a time.

use std::sync::Arc;

use crate::http::body_refused;
use crate::problem::{Problem, TOO_LARGE, UNSUPPORTED_MEDIA};
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::header;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::read::{COLUMNS_MAX, ROW_BYTES_MAX, ROWS_MAX, TableError};

/// The kind of a workbook's bytes.
pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
/// The largest file, in bytes.
pub const FILE_BYTES_MAX: usize = 32 * 1024 * 1024;
/// When to try again while another import runs: a large one takes about this long.
const RETRY_SECONDS: u64 = 30;

crate::problem_kinds! {
    IMPORT_RUNNING = 409 "import-running" "另一个导入正在进行，请等它结束再试" "Another import is running; try again when it has ended";
}

/// The one import that may run at a time in this process.
#[derive(Clone, Debug)]
pub struct Imports(Arc<Semaphore>);

impl Default for Imports {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Imports {
    /// Begins an import, unless another is running; it ends when what this returns is dropped.
    pub fn try_begin(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let begun = Arc::clone(&self.0).try_acquire_owned();
        begun.map_err(|_| Problem::new(&IMPORT_RUNNING).retry_after(RETRY_SECONDS))
    }
}

/// The file out of a body: its name, if it has one, and its bytes.
pub async fn file(request: Request) -> Result<(Option<String>, axum::body::Bytes), Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "text/csv" | "application/csv" | "application/octet-stream" | XLSX => {
            let bytes = axum::body::Bytes::from_request(request, &()).await;
            Ok((None, bytes.map_err(|e| refused(e.status().as_u16(), e))?))
        }
        "multipart/form-data" => {
            let form = Multipart::from_request(request, &()).await;
            let mut form = form.map_err(|e| refused(e.status().as_u16(), e))?;
            while let Some(field) = form.next_field().await.map_err(|e| refused(e.status().as_u16(), e))? {
                if field.name() == Some("file") {
                    let name = field.file_name().map(|n| n.chars().filter(|c| !c.is_control()).take(100).collect());
                    return Ok((name, field.bytes().await.map_err(|e| refused(e.status().as_u16(), e))?));
                }
            }
            Err(Problem::field("/file", "请选择文件", "Choose a file"))
        }
        _ => Err(Problem::new(&UNSUPPORTED_MEDIA)
            .detail("请发送 CSV、XLSX 或表单文件", "Send a CSV or XLSX file, or a form's file")),
    }
}

/// A part of a file out of a body of its bytes.
pub async fn part(request: Request) -> Result<axum::body::Bytes, Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    if kind != "application/octet-stream" {
        let (zh, en) = ("请以 application/octet-stream 发送", "Send it as application/octet-stream");
        return Err(Problem::new(&UNSUPPORTED_MEDIA).detail(zh, en));
    }
    let bytes = axum::body::Bytes::from_request(request, &()).await;
    bytes.map_err(|e| match e.status().as_u16() {
        413 => Problem::new(&TOO_LARGE).detail("这一部分太大", "The part is too large"),
        _ => body_refused(&e),
    })
}

fn refused(status: u16, cause: impl std::error::Error + 'static) -> Problem {
    if status == 413 {
        return Problem::new(&TOO_LARGE).detail("文件不能超过 32 MB", "A file has at most 32 MB");
    }
    body_refused(&cause)
}

/// The refusal of a file that is no table, in both languages.
#[expect(clippy::needless_pass_by_value, reason = "an error is given away")]
pub fn refused_table(e: TableError) -> Problem {
    let zh = match &e {
        TableError::Encoding => "文件编码既不是 UTF-8、GB18030，也不是带标记的 UTF-16".to_owned(),
        TableError::DamagedUtf8(line) => {
            format!("这是 UTF-8 文件，但第 {line} 行有损坏的字符，请更正后再导入")
        }
        TableError::DamagedUtf16 => "这是 UTF-16 文件，但其中有损坏的字符".to_owned(),
        TableError::Utf16WithoutMark => "这像是没有标记的 UTF-16 文件，请在表格软件里另存为“CSV UTF-8”".to_owned(),
        TableError::Sheet(error) => error.advice().0.to_owned(),
        TableError::Empty => "文件是空的".to_owned(),
        TableError::MissingColumns(names) => format!("表头缺少这些列：{names}"),
        TableError::TwiceColumn(name) => format!("表头中有重复的列：{name}"),
        TableError::TooManyRows => format!("超过 {ROWS_MAX} 行，请分成几个文件"),
        TableError::TooManyColumns(line) => format!("第 {line} 行起的记录超过 {COLUMNS_MAX} 列"),
        TableError::RowTooLong(line) => {
            format!("第 {line} 行起的记录超过 {ROW_BYTES_MAX} 字节")
        }
        TableError::Unreadable(_) => "没有读到文件的内容，请重新上传".to_owned(),
    };
    Problem::field("/file", zh, e.to_string())
}
