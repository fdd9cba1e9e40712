//! The classes of records with their periods: the one place that knows them.

use chrono::{DateTime, Months, TimeDelta, Utc};
use serde::Serialize;

use crate::audit::chain::{AUDIT_DAYS_DEFAULT, AUDIT_DAYS_MIN};
use crate::text_enum;

text_enum! {
    /// A class of records that are kept for the same time (保存类别).
    pub enum RetentionClass {
        /// The papers of a consult (诊疗文书): invitation, opinion, consents, who was there. Kept for at least 15 years, as records of
        /// outpatients are (医疗机构病历管理规定 article 29; 互联网诊疗监管细则（试行）, 国卫办医发〔2022〕2号). The clock begins at the
        /// last step of the consult.
        ClinicalPaper = "clinical_paper",
        /// All that was said, shown and heard in the room of a consult (会诊过程记录): today the chat, since no picture and no sound
        /// is kept. At least 3 years (互联网诊疗监管细则（试行）). The clock begins at the last step of the consult.
        ConsultMedia = "consult_media",
        /// A request with its history (工单), and a visit. No law says for how long; what is shared is to be accounted for during 3 years
        /// (个人信息保护法 article 56). The clock begins at the last step of the request and at the end of the visit.
        WorkOrder = "work_order",
        /// The audit log (审计日志): at least six months (网络安全法 article 23(3), before 2026 article 21(3)). The clock begins at the row.
        Audit = "audit",
    }
}

impl RetentionClass {
    /// The period unless an operator says otherwise.
    pub const fn default_period(self) -> Period {
        match self {
            Self::ClinicalPaper => Period::Years(15),
            Self::ConsultMedia => Period::Years(3),
            Self::WorkOrder => Period::Years(5),
            Self::Audit => Period::Days(AUDIT_DAYS_DEFAULT),
        }
    }

    /// The shortest period that may be chosen.
    pub const fn least(self) -> Period {
        match self {
            Self::ClinicalPaper => Period::Years(15),
            Self::ConsultMedia | Self::WorkOrder => Period::Years(3),
            Self::Audit => Period::Days(AUDIT_DAYS_MIN),
        }
    }
}

/// How long something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    Years(u32),
    Days(u32),
}

impl Period {
    /// The longest period in years that may be chosen.
    pub const YEARS_MAX: u32 = 100;

    /// Since when something is kept at `now`: at this moment or before it, its time is over.
    pub fn since(self, now: DateTime<Utc>) -> DateTime<Utc> {
        let since = match self {
            Self::Years(years) => now.checked_sub_months(Months::new(years.saturating_mul(12))),
            Self::Days(days) => now.checked_sub_signed(TimeDelta::days(i64::from(days))),
        };
        // Beyond the calendar nothing is old.
        since.unwrap_or(DateTime::UNIX_EPOCH)
    }

    /// Until when something is kept whose clock began at `at`.
    pub fn until(self, at: DateTime<Utc>) -> DateTime<Utc> {
        let until = match self {
            Self::Years(years) => at.checked_add_months(Months::new(years.saturating_mul(12))),
            Self::Days(days) => at.checked_add_signed(TimeDelta::days(i64::from(days))),
        };
        until.unwrap_or(DateTime::<Utc>::MAX_UTC)
    }
}

/// The periods of a network in whole years; audit rows have a setting of their own. Erasing somebody waits for the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Periods {
    pub clinical_years: u32,
    pub consult_media_years: u32,
    pub work_order_years: u32,
    pub audit_days: u32,
}

impl Default for Periods {
    fn default() -> Self {
        let years = |class: RetentionClass| match class.default_period() {
            Period::Years(years) | Period::Days(years) => years,
        };
        Self {
            clinical_years: years(RetentionClass::ClinicalPaper),
            consult_media_years: years(RetentionClass::ConsultMedia),
            work_order_years: years(RetentionClass::WorkOrder),
            audit_days: years(RetentionClass::Audit),
        }
    }
}

impl Periods {
    /// The period of a class.
    pub const fn of(self, class: RetentionClass) -> Period {
        match class {
            RetentionClass::ClinicalPaper => Period::Years(self.clinical_years),
            RetentionClass::ConsultMedia => Period::Years(self.consult_media_years),
            RetentionClass::WorkOrder => Period::Years(self.work_order_years),
            RetentionClass::Audit => Period::Days(self.audit_days),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_period_ends_on_the_same_day_of_a_later_year() {
        let at: DateTime<Utc> = "2024-02-29T08:00:00Z".parse().unwrap();
        assert_eq!(Period::Years(3).until(at).to_rfc3339(), "2027-02-28T08:00:00+00:00");
        let now: DateTime<Utc> = "2026-11-23T00:30:00Z".parse().unwrap();
        assert_eq!(Period::Years(15).since(now).to_rfc3339(), "2011-11-23T00:30:00+00:00");
        assert_eq!(Period::Days(184).since(now).to_rfc3339(), "2026-05-23T00:30:00+00:00");
    }

    #[test]
    fn what_is_kept_by_default_is_what_may_be_chosen() {
        for class in RetentionClass::ALL {
            let now: DateTime<Utc> = "2026-11-23T00:30:00Z".parse().unwrap();
            assert_eq!(Periods::default().of(*class), class.default_period());
            assert!(class.default_period().since(now) <= class.least().since(now), "{class:?}");
        }
    }
}
