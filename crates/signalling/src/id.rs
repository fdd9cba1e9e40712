//! The ids the relay knows. People and consults belong to the booking side; here they are only names.

use sanbao_platform::typed_id;

typed_id!(
    /// A consult, as its ticket names it: one room each.
    ConsultId
);
typed_id!(
    /// A person, as the ticket's `sub`.
    PersonId
);
typed_id!(
    /// One connection to a room. Version 7, so a later arrival has the greater id; negotiation relies on it.
    PeerId
);
