//! The ids of this part.

use sanbao_platform::typed_id;

typed_id!(
    /// A request.
    RequestId
);
