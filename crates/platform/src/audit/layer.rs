//! The layer around a service's routes that writes down whom an answer shows before it goes out, and who was refused.

use axum::extract::{FromRef, MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use sqlx::types::Uuid;

use super::refusals::Refusals;
use super::shown::{self, Asked};
use crate::clock::Clock;
use crate::db::{Db, DbError};
use crate::http::{RequestInfo, operation_of};
use crate::problem::{Problem, UNAVAILABLE};

/// The parts that the layer works with.
#[derive(Clone, Debug)]
pub struct Auditor {
    db: Db,
    clock: Clock,
    refusals: Refusals,
}

impl Auditor {
    /// The layer's parts out of a service's state.
    pub fn of<S>(state: &S) -> Self
    where
        Db: FromRef<S>,
        Clock: FromRef<S>,
    {
        Self { db: Db::from_ref(state), clock: Clock::from_ref(state), refusals: Refusals::default() }
    }

    async fn write_down(&self, asked: Asked<'_>, info: &RequestInfo) -> Result<(), DbError> {
        if !info.shows.is_open() {
            return Ok(());
        }
        let mut tx = self.db.begin().await?;
        shown::write(&mut tx, asked, &info.shows).await?;
        tx.commit().await
    }
}

/// The kind of thing that an operation is about: `consult` of `POST /v1/consults/{id}/accept`.
fn kind_of(operation: &str) -> &str {
    let before = operation.split("/{").next().unwrap_or_default();
    let last = before.rsplit('/').next().unwrap_or_default();
    last.strip_suffix('s').unwrap_or(last)
}

/// The first id in a path.
fn id_in(path: &str) -> Option<Uuid> {
    path.split('/').find_map(|part| part.parse().ok())
}

/// Passes a request on. An answer that shows somebody goes out only when that has been written down: 503 else. A
/// refusal is written down with the account that was refused, and goes out whether or not that could be written.
pub async fn audited(State(auditor): State<Auditor>, request: Request, next: Next) -> Response {
    let Some(info) = request.extensions().get::<RequestInfo>().cloned() else { return next.run(request).await };
    let matched = request.extensions().get::<MatchedPath>();
    let (action, id) = (operation_of(request.method(), matched), id_in(request.uri().path()));
    let response = next.run(request).await;
    let actor = info.shows.actor();
    let (at, request_id) = (auditor.clock.now(), info.request_id.as_str());
    let asked = Asked { at, actor: actor.as_ref(), action: &action, request_id };
    if response.status().as_u16() >= 400 {
        // Whatever was looked at, the answer does not show it.
        info.shows.forget();
        let refused = response.extensions().get::<Problem>().is_some_and(Problem::is_refusal);
        if let Some(actor) = actor.as_ref().filter(|_| refused) {
            let written = auditor.refusals.write(&auditor.db, asked, actor, (kind_of(&action), id)).await;
            if let Err(error) = written {
                tracing::error!(%error, "a refusal could not be written to the audit log");
            }
        }
        return response;
    }
    match auditor.write_down(asked, &info).await {
        Ok(()) => response,
        Err(error) => {
            info.shows.forget();
            Problem::new(&UNAVAILABLE).because(error).retry_after(2).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_says_what_it_is_about() {
        let kinds =
            ["POST /v1/consults/{id}/accept", "GET /consults", "GET /v1/areas/{code}", "PUT /v1/me/pin", "GET /"];
        let kinds = kinds.map(kind_of);
        assert_eq!(kinds, ["consult", "consult", "area", "pin", ""]);
        let id = Uuid::from_u128(7);
        assert_eq!(id_in(&format!("/v1/consults/{id}/consents/{}", Uuid::nil())), Some(id));
        assert_eq!(id_in("/v1/consults"), None);
    }
}
