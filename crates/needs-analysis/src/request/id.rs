//! The ids of this part.

use sanbao_platform::typed_id;

typed_id!(
    /// A request of an elder (需求).
    RequestId
);
