//! The facts about an organisation that other services learn: services that send work to it must know it.

use sanbao_platform::id::OrganisationId;
use sanbao_platform::{described, event_kinds};
use serde::Serialize;

use super::model::OrganisationKind;

described! {
    /// The data of `booking.organisation.registered`.
    #[derive(Clone, Debug, Serialize)]
    pub struct OrganisationRegistered<'a> {
        pub organisation_id: OrganisationId,
        /// Its kind: a care home, a hospital, …
        pub kind: OrganisationKind,
        /// Its name in Chinese.
        pub name_zh: &'a str,
        /// Its name in English.
        pub name_en: &'a str,
    }
}

event_kinds! {
    OrganisationRegistered<'static> {
        REGISTERED = "booking.organisation.registered" 1 "An organisation is known now.";
    }
}
