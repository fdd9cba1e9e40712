//! One step for many requests: the bar over the list. Each request takes the step by itself, and the page says which did not.

use maud::{Markup, html};
use sanbao_platform::http::Ctx;
use sanbao_platform::page::{self, Select};
use sanbao_platform::problem::Problem;

use crate::App;
use crate::local_day;
use crate::request::directory;
use crate::request::queue::people;
use crate::texts::TEXTS;

pub(super) async fn bar(app: &App, ctx: &Ctx) -> Result<Markup, Problem> {
    let lang = ctx.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    // The values that the script alone knows stay in their places.
    let said = |key: &str| TEXTS.with(lang, key, &[("count", "{$count}"), ("done", "{$done}")]);
    let mut conn = app.deps.db.read().await?;
    let agencies = directory::agencies(&mut conn).await?;
    let people = people::list(&mut conn, &ctx.actor, local_day(ctx.now())).await?;
    let own = ctx.actor.subject.0;
    let agencies: Vec<_> =
        agencies.iter().map(|a| page::pick(a.id, lang.pick(&a.name_zh, &a.name_en), false)).collect();
    let people: Vec<_> = people.iter().map(|person| page::pick(person.id, &person.name, person.id == own)).collect();
    let [agency, person, choose] = ["agency", "assignee", "choose"].map(t);
    Ok(html! {
        form.card.bulk #bulk method="post" hidden aria-label=(t("bulk-title"))
            data-said=(said("bulk-said")) data-going=(said("bulk-going")) data-done=(said("bulk-done")) data-failed=(t("bulk-failed")) {
            p aria-live="polite" { span #bulk-count {} }
            div.toolbar {
                button.button type="submit" name="step" value="triage" { (t("step-triage")) }
                (Select { name: "agency_id", id: "bulk-agency", label: &agency, none: Some(&choose), ..Select::default() }.draw(&agencies))
                button.button type="submit" name="step" value="dispatch" { (t("step-dispatch")) }
                (Select { name: "assignee", id: "bulk-assignee", label: &person, ..Select::default() }.draw(&people))
                button.button type="submit" name="step" value="assign" { (t("step-assign")) }
                button.button type="button" #bulk-clear { (t("bulk-clear")) }
            }
            ul.plain-list #bulk-failed {}
        }
    })
}
