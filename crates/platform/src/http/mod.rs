//! The layers that a request passes through: extractors, the outermost layer, pages of lists, live changes, serving.

mod condition;
mod cookies;
mod ctx;
mod extract;
mod guard;
mod idempotency;
mod layers;
mod live;
mod packing;
mod paging;
mod proof;
mod routes;
mod serve;
mod session;

pub use crate::certificate::{Tls, TlsError};
pub use condition::{Condition, ETag, IfMatch};
pub(crate) use ctx::operation_of;
pub use ctx::{Ctx, LoggedIn, LoggedInPage, OwnScript, PageCtx, RequestInfo, SameSite, SiteHost, Visitor};
pub use extract::{Json, Path, Query, body_refused};
pub use guard::{BYTES_PER_SECOND_MIN, Bounds};
pub use idempotency::Idempotency;
pub use layers::{Around, BODY_BYTES_MAX, ThroughProxy, finish, finish_in};
pub use live::{STREAMS_PER_ACCOUNT_MAX, Streams, live, live_of};
pub use packing::Fixed;
pub use paging::{LIMIT_DEFAULT, LIMIT_MAX, Page, PageMarker, Paging};
pub use proof::PROOF_MINUTES_MAX;
pub use routes::{Routed, Routes, StaticFile};
pub use serve::{DRAIN_SECONDS_MAX, Listener, serve};
pub use session::{
    ACCESS_COOKIE, CSRF_COOKIE, CSRF_HEADER, LANG_COOKIE, LOCKED_COOKIE, REFRESH_COOKIE, SessionCookies,
};
