//! The later bookings that a delayed consult runs into, in words.

use maud::{Markup, html};
use sanbao_platform::lang::Lang;

use super::sheet::Sheet;
use super::{near, t};
use crate::consult::conflicts::Shared;

/// A warning over the later bookings that cannot begin on time, as long as the delay stands.
pub(super) fn conflicts(lang: Lang, sheet: &Sheet) -> Markup {
    let zone = sheet.consult.zone_of(&sheet.ctx.actor);
    let said = |shared: &[Shared]| {
        let things: Vec<String> = shared.iter().map(|s| t(lang, &format!("shared-{}", s.as_str()))).collect();
        things.join(" · ")
    };
    html! {
        @if !sheet.conflicts.is_empty() {
            div.notice.warn role="status" {
                p { (t(lang, "delay-conflicts")) }
                ul {
                    @for conflict in &sheet.conflicts {
                        li {
                            @let at = near(&sheet.ctx, zone, conflict.starts_at);
                            @if let Some(id) = conflict.consult_id { a href=(format!("/consults/{id}")) { (at) } } @else { (at) }
                            " · " (said(&conflict.shared))
                        }
                    }
                }
            }
        }
    }
}
