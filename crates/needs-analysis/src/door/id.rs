//! The ids of this part.

use sanbao_platform::typed_id;

typed_id!(
    /// A door that is to be knocked on in a round.
    DoorId
);

typed_id!(
    /// A round of door knocks (敲门行动).
    RoundId
);
