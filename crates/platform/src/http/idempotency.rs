//! `Idempotency-Key`: a creating call that is repeated gives the first answer again.

use axum::extract::FromRequestParts;
use axum::http::{HeaderValue, StatusCode, header, request::Parts};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::Value;
use sqlx::types::{Json, Uuid};

use super::{Ctx, ETag};
use crate::audit::{self, Asked};
use crate::crypto::{FieldKeys, sha256_hex};
use crate::db::{Tx, expect_rows};
use crate::on;
use crate::problem::{BAD_REQUEST, IDEMPOTENCY_MISMATCH, Problem};

/// A longer key is refused.
const KEY_BYTES_MAX: usize = 128;

const CLAIM: &str = "insert into idempotency (actor, key, request_hash, status, body, created_at)
    values ($1, $2, $3, 0, $4, $5) on conflict do nothing";
const FIND: &str = "select request_hash, status, version, body, shown from idempotency where actor = $1 and key = $2";
const STORE: &str =
    "update idempotency set status = $3, version = $4, body = $5, shown = $6 where actor = $1 and key = $2";

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

/// An answer as it is given, and given again.
struct StoredAnswer {
    status: StatusCode,
    version: Option<i64>,
    body: Value,
}

impl StoredAnswer {
    fn response(&self) -> Response {
        let answer = (self.status, [(header::CONTENT_TYPE, "application/json")], self.body.to_string());
        match self.version {
            Some(version) => (ETag(version), answer).into_response(),
            None => answer.into_response(),
        }
    }

    fn replay(&self) -> Response {
        let mut replay = self.response();
        replay.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
        replay
    }
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
        let stored = self.claim(tx, ctx, what, request).await?;
        Ok(stored.as_ref().map(StoredAnswer::replay))
    }

    /// As [`begin`](Self::begin), of an answer that was stored by [`finish_sealed`](Self::finish_sealed).
    pub async fn begin_sealed(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        fields: &FieldKeys,
        what: &str,
        request: &impl Serialize,
    ) -> Result<Option<Response>, Problem> {
        let Some(stored) = self.claim(tx, ctx, what, request).await? else { return Ok(None) };
        let sealed: Vec<u8> = serde_json::from_value(stored.body).map_err(Problem::internal)?;
        let text = fields.open(&self.place(ctx), &sealed).map_err(Problem::internal)?;
        let body = serde_json::from_str(&text).map_err(Problem::internal)?;
        Ok(Some(StoredAnswer { body, ..stored }.replay()))
    }

    async fn claim(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        what: &str,
        request: &impl Serialize,
    ) -> Result<Option<StoredAnswer>, Problem> {
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
        let (stored_hash, status, version, Json(body), shown): (String, i32, Option<i64>, Json<Value>, Option<Uuid>) =
            on!(tx, |c| sqlx::query_as(FIND).bind(ctx.actor.subject).bind(key).fetch_one(c).await)?;
        if stored_hash != hash {
            return Err(Problem::new(&IDEMPOTENCY_MISMATCH));
        }
        if let Some(shown) = shown {
            audit::note_again(tx, &ctx.shows, shown).await?;
        }
        let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
        Ok(Some(StoredAnswer { status: status.unwrap_or(StatusCode::OK), version, body }))
    }

    /// As [`finish`](Self::finish), of an answer with a secret in it: it is stored sealed.
    pub async fn finish_sealed(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        fields: &FieldKeys,
        status: StatusCode,
        view: &impl Serialize,
    ) -> Result<Response, Problem> {
        let body = serde_json::to_value(view).map_err(Problem::internal)?;
        let sealed = serde_json::to_value(fields.seal(&self.place(ctx), &body.to_string()));
        let sealed = StoredAnswer { status, version: None, body: sealed.map_err(Problem::internal)? };
        self.store(tx, ctx, &sealed).await?;
        Ok(StoredAnswer { body, ..sealed }.response())
    }

    fn place(&self, ctx: &Ctx) -> String {
        format!("idempotency.body:{}:{}", ctx.actor.subject, self.0.as_deref().unwrap_or_default())
    }

    /// Stores the answer beside the work and gives it.
    pub async fn finish(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        status: StatusCode,
        view: &impl Serialize,
    ) -> Result<Response, Problem> {
        self.finish_at(tx, ctx, status, None, view).await
    }

    /// As [`finish`](Self::finish), of something that counts its changes: the answer, and each repeat of it, has its
    /// `ETag`.
    pub async fn finish_tagged(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        status: StatusCode,
        tag: ETag,
        view: &impl Serialize,
    ) -> Result<Response, Problem> {
        self.finish_at(tx, ctx, status, Some(tag.0), view).await
    }

    async fn finish_at(
        &self,
        tx: &mut Tx,
        ctx: &Ctx,
        status: StatusCode,
        version: Option<i64>,
        view: &impl Serialize,
    ) -> Result<Response, Problem> {
        let answer = StoredAnswer { status, version, body: serde_json::to_value(view).map_err(Problem::internal)? };
        self.store(tx, ctx, &answer).await?;
        Ok(answer.response())
    }

    /// Stores the answer; the people whom it shows are written down in the same transaction, and kept for repeats.
    async fn store(&self, tx: &mut Tx, ctx: &Ctx, answer: &StoredAnswer) -> Result<(), Problem> {
        let (actor, request_id) = (Some(&ctx.actor), ctx.request_id.as_str());
        let asked = Asked { at: ctx.now(), actor, action: &ctx.operation, request_id };
        let shown = audit::write_shown(tx, asked, &ctx.shows).await?;
        let Some(key) = &self.0 else { return Ok(()) };
        let rows = on!(tx, |c| {
            let row = sqlx::query(STORE).bind(ctx.actor.subject).bind(key).bind(i32::from(answer.status.as_u16()));
            row.bind(answer.version).bind(Json(&answer.body)).bind(shown).execute(c).await.map(|r| r.rows_affected())
        })?;
        Ok(expect_rows("store idempotent answer", 1, rows)?)
    }
}
