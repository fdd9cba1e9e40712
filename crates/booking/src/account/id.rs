//! The ids of this part.

use sanbao_platform::id::SubjectId;
use sanbao_platform::typed_id;

typed_id!(
    /// An account: one human who logs in.
    AccountId
);
typed_id!(
    /// A resident of a care home, or an elder living at home.
    PersonId
);
typed_id!(
    /// A place that can be booked, such as a consulting room.
    LocationId
);
typed_id!(
    /// An agreement between two institutions.
    AffiliationId
);
typed_id!(
    /// A device that the consults of a house share.
    SharedDeviceId
);
typed_id!(
    /// One log-in on one device; its refresh tokens are one family.
    SessionId
);
typed_id!(
    /// A shared tablet or another browser on which accounts have logged in.
    DeviceId
);

impl From<SubjectId> for AccountId {
    fn from(subject: SubjectId) -> Self {
        Self(subject.0)
    }
}

impl From<AccountId> for SubjectId {
    fn from(account: AccountId) -> Self {
        Self(account.0)
    }
}
