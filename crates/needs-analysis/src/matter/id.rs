//! The ids of this part.

use sanbao_platform::typed_id;

typed_id!(
    /// A matter that is raised in an area (事项).
    MatterId
);
