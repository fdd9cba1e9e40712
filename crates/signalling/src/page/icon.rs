//! The drawn signs of the consult room.

use maud::{Markup, html};

/// A drawn sign beside a word; never alone.
pub(super) fn icon(name: &str) -> Markup {
    let path = match name {
        "microphone" => {
            "M12 15a3.5 3.5 0 0 0 3.5-3.5v-5a3.5 3.5 0 1 0-7 0v5A3.5 3.5 0 0 0 12 15Zm-6-4a6 6 0 0 0 12 0M12 17v4m-3.5 0h7"
        }
        "camera" => "M3 7h12v10H3zM15 10.5l6-3.5v10l-6-3.5",
        "screen" => "M3 5h18v12H3zM8 21h8M12 8v6m-3-3 3-3 3 3",
        "hand" => {
            "M7 12V6.5a1.5 1.5 0 0 1 3 0V11V4.5a1.5 1.5 0 0 1 3 0V11V5.5a1.5 1.5 0 0 1 3 0V12V8.5a1.5 1.5 0 0 1 3 0V14a7 7 0 0 1-7 7c-3 0-4.5-1.5-6-4l-2.5-4a1.5 1.5 0 0 1 2.5-1.5L7 14"
        }
        "record" => "M12 4a8 8 0 1 0 0 16a8 8 0 1 0 0-16M12 9a3 3 0 1 0 0 6a3 3 0 1 0 0-6",
        "write" => "M5 20h14M6 16l1-4 8.5-8.5 3 3L10 15z",
        "hang-up" => "M3.5 14.5c4.7-4.7 12.3-4.7 17 0l-2.3 2.8-3.7-1.8v-2.6c-1.6-.6-3.4-.6-5 0v2.6l-3.7 1.8z",
        _ => "M5 12.5l4.5 4.5L19 7.5",
    };
    html! {
        svg.sign viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" fill="none" stroke="currentColor"
            stroke-width="2" stroke-linecap="round" stroke-linejoin="round" {
            path d=(path) {}
            line.strike x1="4" y1="3" x2="20" y2="21" {}
        }
    }
}
