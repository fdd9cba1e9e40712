//! The id of this part.

use sanbao_platform::typed_id;

typed_id!(
    /// A record that was opened in an emergency, or a try that opened none.
    EmergencyAccessId
);
