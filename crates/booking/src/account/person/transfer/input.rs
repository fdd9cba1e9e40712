//! Wishes for people, and the agreement that each rests on, read and checked.

use chrono::NaiveDate;
use sanbao_platform::moment::Day;
use sanbao_platform::problem::Problem;
use sanbao_platform::text_enum;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::account::id::PersonId;
use crate::account::input::{Fields, Wrong, area_code, line, person_name};

/// Characters of a reason or a remark at most.
const WORDS_CHARS_MAX: usize = 500;
/// How long ago an agreement may have been given, in days.
const AGREED_DAYS_MAX: i64 = 90;

text_enum! {
    /// The person who has agreed to a move.
    pub enum AgreementBy {
        /// 本人
        Person = "person",
        /// 监护人
        Guardian = "guardian",
    }
}

text_enum! {
    /// How somebody has said that they agree to a move.
    pub enum AgreementHow {
        /// 当面
        InPerson = "in_person",
        /// 电话
        Telephone = "telephone",
        /// 书面
        Writing = "writing",
    }
}

/// An agreement that was checked.
#[derive(Clone, Debug)]
pub(super) struct Agreement {
    pub(super) by: AgreementBy,
    pub(super) how: AgreementHow,
    pub(super) on: NaiveDate,
    pub(super) name: String,
}

/// Declares a body that says by whose agreement somebody moves.
macro_rules! agreed_body {
    ($(#[$meta:meta])* $body:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty),* $(,)? }) => {
        #[derive(Debug, Deserialize, Serialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        $(#[$meta])*
        pub struct $body {
            $($(#[$field_meta])* pub $field: $type,)*
            /// The person who has agreed.
            pub agreed_by: AgreementBy,
            /// The name of the one who has agreed.
            pub agreed_name: String,
            pub agreed_how: AgreementHow,
            /// The day on which it was told: of the last 90.
            #[schema(value_type = chrono::NaiveDate)]
            pub agreed_on: Day,
            /// In people's words, up to 500 characters; the other side reads it.
            #[serde(default)]
            pub note: Option<String>,
        }

        impl $body {
            /// The agreement and the remark, their faults noted.
            fn wish(&self, fields: &mut Fields, today: NaiveDate) -> Option<Wish> {
                let name = fields.take("/agreed_name", person_name(&self.agreed_name, 40));
                let on = fields.take("/agreed_on", lately(*self.agreed_on, today));
                let note = fields.maybe("/note", self.note.as_deref(), |t| line(t, WORDS_CHARS_MAX));
                let agreement = Agreement { by: self.agreed_by, how: self.agreed_how, on: on?, name: name? };
                Some(Wish { agreement, note })
            }
        }
    };
}

/// The day of an agreement, if it is a late one.
fn lately(on: NaiveDate, today: NaiveDate) -> Result<NaiveDate, Wrong> {
    let late = on <= today && on > today - chrono::Duration::days(AGREED_DAYS_MAX);
    late.then_some(on).ok_or(Wrong::new("日期须在最近 90 天内", "A day of the last 90"))
}

agreed_body! {
    /// That a person be handed over to the caller's care home.
    #[schema(example = json!({"person_id": "01980c2e-7b1a-7c3e-9d43-0a5d1f4c1b02", "agreed_by": "guardian",
        "agreed_name": "陈小明", "agreed_how": "in_person", "agreed_on": "2026-11-22", "note": "家属要求转院"}))]
    NewTransfer {
        /// The caller's own record of the person, with the number of a paper.
        person_id: PersonId,
    }
}

agreed_body! {
    /// That a resident goes home.
    #[schema(example = json!({"agreed_by": "person", "agreed_name": "陈阿婆", "agreed_how": "in_person",
        "agreed_on": "2026-11-22", "address": "蛟川街道镇北小区 1 幢", "area_code": "330211001001"}))]
    DischargeBody {
        /// The address of the own home.
        address: String,
        /// The area of the own home, whose street looks after the person from then on.
        area_code: String,
    }
}

/// Where somebody who goes home lives then.
pub(super) struct OwnHome {
    pub(super) address: String,
    pub(super) area_code: String,
}

/// A wish that was checked.
pub(super) struct Wish {
    pub(super) agreement: Agreement,
    pub(super) note: Option<String>,
}

impl NewTransfer {
    /// The agreement and the remark, checked.
    pub(super) fn checked(&self, today: NaiveDate) -> Result<Wish, Problem> {
        let mut fields = Fields::default();
        let wish = self.wish(&mut fields, today);
        fields.finish(wish)
    }
}

impl DischargeBody {
    /// The agreement and the own home, checked.
    pub(super) fn checked(&self, today: NaiveDate) -> Result<(Wish, OwnHome), Problem> {
        let mut fields = Fields::default();
        let wish = self.wish(&mut fields, today);
        let address = fields.take("/address", line(&self.address, 200));
        let code = fields.take("/area_code", area_code(&self.area_code));
        let home = address.zip(code).map(|(address, area_code)| OwnHome { address, area_code });
        fields.finish(wish.zip(home))
    }
}

/// Why a person is not handed over.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "家属说没有同意"}))]
pub struct TransferRefusal {
    /// In people's words, up to 500 characters; the side that has asked reads it.
    pub reason: String,
}

impl TransferRefusal {
    pub(super) fn checked(&self) -> Result<String, Problem> {
        let mut fields = Fields::default();
        let reason = fields.take("/reason", line(&self.reason, WORDS_CHARS_MAX));
        fields.finish(reason)
    }
}

text_enum! {
    /// Which transfers a list holds.
    #[derive(Default)]
    pub enum TransferList {
        /// Those that the caller's organisation is asked for, or has answered.
        #[default]
        AskedOf = "asked_of",
        /// Those that it has asked for.
        AskedBy = "asked_by",
    }
}

/// The query of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::account) struct TransferQuery {
    /// The `next` of the page before.
    pub(super) after: Option<String>,
    /// Rows wanted, 1 to 200.
    pub(super) limit: Option<u32>,
    /// `asked_of` (what is asked of the caller's organisation; the default) or `asked_by` (what it has asked for).
    #[serde(default)]
    #[param(inline)]
    pub(super) list: TransferList,
}
