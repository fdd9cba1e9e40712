//! The alarm for emergencies (紧急) that nobody has taken yet: a line over the list that cannot be missed, and a tone in a browser that
//! was told to give one.

use maud::{Markup, html};
use sanbao_platform::http::Ctx;
use sanbao_platform::problem::Problem;

use super::words;
use crate::App;
use crate::local_day;
use crate::request::list::Seen;
use crate::request::queue;
use crate::texts::TEXTS;

/// The page's script for it.
pub(super) const SCRIPT: &str = "/static/needs-analysis/alarm.js";

/// The emergencies that wait, the first to come on top.
pub(super) async fn waiting(app: &App, ctx: &Ctx) -> Result<Markup, Problem> {
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let mut conn = app.deps.db.read().await?;
    let seen = Seen::of(&mut conn, &ctx.actor, local_day(ctx.now())).await?;
    let waiting = queue::emergencies(&mut conn, &seen).await?;
    Ok(html! {
        div #emergencies data-ids=(waiting.iter().map(|one| one.id.to_string()).collect::<Vec<_>>().join(" ")) {
            @if !waiting.is_empty() {
                div.notice.bad role="alert" {
                    strong { (t("alarm-title")) }
                    ul.plain-list {
                        @for one in &waiting {
                            li {
                                a href=(format!("/requests/{}", one.id)) {
                                    (one.number()) " " (one.area_name)
                                }
                                " " (words::moment(ctx, one.received_at))
                            }
                        }
                    }
                }
            }
        }
    })
}

/// The switch of the tone.
pub(super) fn sound(ctx: &Ctx) -> Markup {
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    html! {
        span #alarm hidden data-on=(t("alarm-on")) data-off=(t("alarm-off")) data-title=(t("alarm-title")) {
            button.button.plain type="button" #alarm-switch aria-pressed="false" { (t("alarm-off")) }
        }
    }
}
