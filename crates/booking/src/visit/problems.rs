//! The kinds of problems that only visits have.

use sanbao_platform::problem_kinds;

problem_kinds! {
    OUTSIDE_WINDOW = 409 "outside-window" "现在还不能做这一步" "Not possible at this time";
}
