//! The documents of a consult that go on paper: the invitation (会诊申请单), the consent (知情同意书), the opinion
//! (会诊意见书). Nothing is stored for one: its number follows from the consult's id, and its code from what stands on it,
//! so that anybody who holds the paper can ask whether it says what is recorded.

mod code;
mod store;

use chrono::{DateTime, Utc};
use sanbao_platform::crypto::FieldKeys;
use sanbao_platform::db::{Conn, DbError};
use sanbao_platform::text_enum;
use serde_json::json;
use uuid::Uuid;

pub use self::code::PaperCode;
use super::consent::{self, ConsentView};
use super::id::ConsultId;
use super::input::Title;
use super::model::{About, Consult};
use super::opinion;
use super::store::find;

text_enum! {
    /// A kind of document.
    pub enum PaperKind {
        /// 会诊申请单
        Request = "request",
        /// 知情同意书
        Consent = "consent",
        /// 会诊意见书
        Opinion = "opinion",
    }
}

/// Consults of one millisecond that are read at once to find the one of a code.
const SAME_MOMENT_MAX: i64 = 50;

/// The number of a consult, as people read it to each other: the day on which it was begun, in the inviting side's zone, and
/// six characters of its id.
pub fn number(consult: &Consult) -> String {
    let day = code::begun_at(consult.id).with_timezone(&consult.zones.0).format("%Y%m%d");
    format!("{day}-{}", code::tail(consult.id))
}

/// When a consult was begun.
pub fn begun_at(consult: &Consult) -> DateTime<Utc> {
    code::begun_at(consult.id)
}

/// The texts by which a document is known again. Names of institutions are not among them: those may change.
enum Content<'a> {
    Request(&'a Consult),
    /// For signing by hand, or with what was recorded.
    Consent(Option<&'a ConsentView>),
    /// The hash that was signed.
    Opinion(&'a str),
}

impl Content<'_> {
    fn kind(&self) -> PaperKind {
        match self {
            Self::Request(_) => PaperKind::Request,
            Self::Consent(_) => PaperKind::Consent,
            Self::Opinion(_) => PaperKind::Opinion,
        }
    }

    fn code(&self, keys: &FieldKeys, consult: &Consult, about: &About) -> PaperCode {
        let texts = match self {
            Self::Request(c) => json!([
                about.reason,
                about.purpose,
                about.case_summary,
                c.wanted,
                c.wanted_specialty,
                c.wanted_title.map(Title::as_str),
                c.requested_by,
            ]),
            Self::Consent(None) => json!([]),
            Self::Consent(Some(c)) => json!([c.id, c.given_by, c.name, c.relation, c.method, c.witness, c.given_at]),
            Self::Opinion(hash) => json!([hash]),
        };
        // What was signed or recorded stays what it is when a name is put right; a sheet that is still to be signed does not.
        let is_final = matches!(self, Self::Opinion(_) | Self::Consent(Some(_)));
        let person = (!is_final).then(|| json!([about.name, about.sex, about.birth_date]));
        let whose = json!([consult.id, consult.inviting.id, consult.invited.id, person]);
        let print = keys.fingerprint(&format!("paper {}", self.kind()), &json!([whose, texts]).to_string());
        PaperCode::of(consult.id, self.kind(), &print)
    }
}

/// The code of the invitation as it stands.
pub fn request_code(keys: &FieldKeys, consult: &Consult, about: &About) -> PaperCode {
    Content::Request(consult).code(keys, consult, about)
}

/// The code of the consent: of the form that is still to be signed, or of one that was recorded.
pub fn consent_code(keys: &FieldKeys, consult: &Consult, about: &About, given: Option<&ConsentView>) -> PaperCode {
    Content::Consent(given).code(keys, consult, about)
}

/// The code of the opinion that was signed with this hash of its content.
pub fn opinion_code(keys: &FieldKeys, consult: &Consult, about: &About, hash: &str) -> PaperCode {
    Content::Opinion(hash).code(keys, consult, about)
}

/// A document that says what is recorded, without anything of the person.
#[derive(Debug)]
pub struct GenuinePaper {
    pub kind: PaperKind,
    pub consult: Consult,
    /// When it was asked for, consented to or signed; none on a form that was printed to be signed.
    pub at: Option<DateTime<Utc>>,
    /// Since when the consent does not stand any more.
    pub withdrawn_at: Option<DateTime<Utc>>,
}

/// The document of a code, if one of that code says what is recorded now.
pub async fn verify(conn: &mut Conn, keys: &FieldKeys, code: &PaperCode) -> Result<Option<GenuinePaper>, DbError> {
    let (mut first, last) = code.between();
    loop {
        let ids = store::begun_between(conn, first, last, SAME_MOMENT_MAX).await?;
        for id in &ids {
            let Some(consult) = find(conn, *id).await? else { continue };
            if let Some((at, withdrawn_at)) = matching(conn, keys, code, &consult).await? {
                return Ok(Some(GenuinePaper { kind: code.kind(), consult, at, withdrawn_at }));
            }
        }
        match ids.last() {
            Some(id) if i64::try_from(ids.len()).is_ok_and(|n| n >= SAME_MOMENT_MAX) => first = after(*id),
            _ => return Ok(None),
        }
    }
}

/// The least id that stands behind one.
fn after(id: ConsultId) -> ConsultId {
    ConsultId(Uuid::from_u128(id.0.as_u128().saturating_add(1)))
}

type Moments = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

async fn matching(
    conn: &mut Conn,
    keys: &FieldKeys,
    code: &PaperCode,
    consult: &Consult,
) -> Result<Option<Moments>, DbError> {
    let about = consult.about.unseen();
    Ok(match code.kind() {
        PaperKind::Request => {
            (request_code(keys, consult, about) == *code).then(|| (Some(code::begun_at(consult.id)), None))
        }
        PaperKind::Consent if consent_code(keys, consult, about, None) == *code => Some((None, None)),
        PaperKind::Consent => {
            let all = consent::list(conn, consult.id).await?.into_unseen();
            let given = all.into_iter().find(|given| consent_code(keys, consult, about, Some(given)) == *code);
            given.map(|given| (Some(given.given_at), given.withdrawn_at))
        }
        PaperKind::Opinion => {
            let signature = opinion::find(conn, consult.id).await?.and_then(|o| o.into_unseen().signature);
            let signed = signature.filter(|s| opinion_code(keys, consult, about, &s.content_hash) == *code);
            signed.map(|s| (Some(s.signed_at), None))
        }
    })
}
