//! `Idempotency-Key`: a creating call that is repeated gives the first answer again.

use axum::extract::FromRequestParts;
use axum::http::{HeaderValue, StatusCode, header, request::Parts};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use sqlx::types::Json;

use super::Ctx;
use crate::crypto::sha256_hex;
use crate::db::{Tx, expect_rows};
use crate::on;
use crate::problem::{BAD_REQUEST, IDEMPOTENCY_MISMATCH, Problem};

/// A longer key is refused.
const KEY_BYTES_MAX: usize = 128;

const CLAIM: &str = "insert into idempotency (actor, key, request_hash, status, body, created_at)
    values ($1, $2, $3, 0, $4, $5) on conflict do nothing";
const FIND: &str = "select request_hash, status, body from idempotency where actor = $1 and key = $2";
const STORE: &str = "update idempotency set status = $3, body = $4 where actor = $1 and key = $2";

/// The request's key, if it has one. `begin` and `finish` stand in the transaction of the work.
#[derive(Clone, Debug)]
pub struct Idempotency(Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Idempotency {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get("idempotency-key") else { return Ok(Self(None)) };
        match value.to_str() {
            Ok(key) if !key.is_empty() && key.len() <= KEY_BYTES_MAX => Ok(Self(Some(key.to_owned()))),
            _ => Err(Problem::new(&BAD_REQUEST).detail("Idempotency-Key 无效", "Idempotency-Key is not usable")),
        }
    }
}

fn answer(status: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

impl Idempotency {
    /// The stored answer of an equal earlier request; claims the key otherwise. `what` names the
    /// operation with its target, so that one key cannot serve two routes.
    pub async fn begin(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        what: &str,
        request: &impl Serialize,
    ) -> Result<Option<Response>, Problem> {
        let Some(key) = &self.0 else { return Ok(None) };
        let text = serde_json::to_string(request).map_err(Problem::internal)?;
        let hash = sha256_hex(format!("{what}\n{text}").as_bytes());
        let claimed = on!(tx, |c| {
            let row = sqlx::query(CLAIM).bind(ctx.actor.subject).bind(key).bind(&hash);
            row.bind(Json(Value::Null)).bind(ctx.now()).execute(c).await.map(|r| r.rows_affected())
        })?;
        if claimed == 1 {
            return Ok(None);
        }
        let (stored_hash, status, Json(body)): (String, i32, Json<Value>) =
            on!(tx, |c| sqlx::query_as(FIND).bind(ctx.actor.subject).bind(key).fetch_one(c).await)?;
        if stored_hash != hash {
            return Err(Problem::new(&IDEMPOTENCY_MISMATCH));
        }
        let mut replay = answer(u16::try_from(status).unwrap_or(200), &body);
        replay.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
        Ok(Some(replay))
    }

    /// Stores the answer beside the work and gives it.
    pub async fn finish(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        status: StatusCode,
        view: &impl Serialize,
    ) -> Result<Response, Problem> {
        let body = serde_json::to_value(view).map_err(Problem::internal)?;
        if let Some(key) = &self.0 {
            let rows = on!(tx, |c| {
                let row = sqlx::query(STORE).bind(ctx.actor.subject).bind(key);
                row.bind(i32::from(status.as_u16())).bind(Json(&body)).execute(c).await.map(|r| r.rows_affected())
            })?;
            expect_rows("store idempotent answer", 1, rows)?;
        }
        Ok(answer(status.as_u16(), &body))
    }
}
