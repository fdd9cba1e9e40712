//! The ids of this part.

use sanbao_platform::typed_id;

typed_id!(
    /// A tele-consult (远程会诊).
    ConsultId
);
typed_id!(
    /// A time that somebody holds while writing an invitation.
    ConsultHoldId
);
typed_id!(
    /// An invitation that is being written.
    ConsultDraftId
);
typed_id!(
    /// A recorded consent.
    ConsentId
);
typed_id!(
    /// That somebody fetches the person.
    FetchId
);
typed_id!(
    /// A family member's link.
    GuestId
);
typed_id!(
    /// A line of a doctor's weekly hours.
    HoursId
);
typed_id!(
    /// A day on which the weekly hours do not hold.
    ExceptionId
);
typed_id!(
    /// The hand-over of a shift (交接班).
    ShiftHandoverId
);
