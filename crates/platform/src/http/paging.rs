//! Keyset paging: `after` and `limit` in, `next` out.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::problem::Problem;

/// Rows of a page when the caller does not say.
pub const LIMIT_DEFAULT: u32 = 50;
/// Rows of a page at most.
pub const LIMIT_MAX: u32 = 200;

/// The query parameters of a list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Paging {
    /// The `next` of the page before.
    pub after: Option<String>,
    /// Rows wanted, 1 to 200.
    pub limit: Option<u32>,
}

/// One page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// The `after` of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Where the last page ended: the sort key of its last row, opaque to callers.
#[derive(Debug)]
pub struct PageMarker;

impl PageMarker {
    /// The text of a sort key.
    pub fn encode(key: &impl Serialize) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(key).unwrap_or_default())
    }

    /// The sort key of a text.
    pub fn decode<K: DeserializeOwned>(text: &str) -> Result<K, Problem> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok();
        bytes.and_then(|b| serde_json::from_slice(&b).ok()).ok_or_else(|| {
            Problem::field(
                "?after",
                "翻页标记无效，请从第一页开始",
                "The page marker is not valid; start from the first page",
            )
        })
    }
}

impl Paging {
    /// The number of rows wanted.
    pub fn limit(&self) -> Result<i64, Problem> {
        match self.limit.unwrap_or(LIMIT_DEFAULT) {
            n @ 1..=LIMIT_MAX => Ok(i64::from(n)),
            _ => Err(Problem::field("?limit", "每页 1 到 200 条", "1 to 200 rows a page")),
        }
    }

    /// The key after which the page starts.
    pub fn after<K: DeserializeOwned>(&self) -> Result<Option<K>, Problem> {
        self.after.as_deref().map(PageMarker::decode).transpose()
    }
}

impl<T> Page<T> {
    /// A page from up to `limit + 1` rows: the one too many says that there is a next page.
    pub fn of<K: Serialize>(mut rows: Vec<T>, limit: i64, key: impl Fn(&T) -> K) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|row| PageMarker::encode(&key(row)));
        Self { items: rows, next }
    }

    /// The same page with its rows turned into views.
    pub fn map<U>(self, view: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(view).collect(), next: self.next }
    }
}
