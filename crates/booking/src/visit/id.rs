//! The id of this part.

use sanbao_platform::typed_id;

typed_id!(
    /// A home visit, from order to proof.
    VisitId
);
