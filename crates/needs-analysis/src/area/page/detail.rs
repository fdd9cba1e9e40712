//! One area: the way down to it, what lies in it, and what may be done.

use maud::{Markup, html};
use sanbao_platform::db::Conn;
use sanbao_platform::http::Ctx;
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{self, Tone};
use sanbao_platform::problem::Problem;

use super::{edits, forms, level, link, name, t, take_over};
use crate::area::known;
use crate::area::model::{Area, Level};
use crate::area::store;
use crate::local_day;

pub(super) async fn body(conn: &mut Conn, ctx: &Ctx, area: &Area) -> Result<Markup, Problem> {
    let (lang, today) = (ctx.lang, local_day(ctx.now()));
    let mut path = store::ancestors(conn, &area.code, today).await?;
    path.reverse();
    let children = store::children(conn, &area.code, today).await?;
    let counts = store::child_counts(conn, &area.code, today).await?;
    let edits = edits(ctx, store::scope(conn, &ctx.actor, &area.code, today).await?);
    let lacking = if edits { lacking(conn, area).await? } else { 0 };
    let count = |child: &Area| counts.get(&child.code).map_or(0, |n| usize::try_from(*n).unwrap_or(0));
    let forms = if edits {
        forms::all(conn, ctx, area, path.last(), lacking == 0).await?
    } else {
        html! {}
    };
    Ok(html! {
        nav aria-label=(t(lang, "areas-path")) { p {
            a href="/areas" { (t(lang, "areas-title")) }
            @for above in &path { " › " (link(lang, above)) }
        } }
        div.spread {
            h1 { (name(lang, area)) " " (page::badge(Tone::Plain, &level(lang, area.level))) }
            @if edits { a.button href="/areas/import" { (t(lang, "areas-import")) } }
        }
        p.faint { (t(lang, "areas-code")) " " code { (area.code) } }
        @if lacking > 0 { section.card { (take_over(lang, &area.code, lacking, false)) } }
        @if children.is_empty() && area.level > Level::Building {
            (page::empty(&t(lang, "areas-empty"), edits.then_some(("#add", &*t(lang, "areas-add")))))
        } @else if !children.is_empty() {
            (page::count(lang, children.len(), false))
            (table(lang, children.iter().map(|child| (child, count(child)))))
        }
        (forms)
    })
}

/// How many communities the code list has of a street that the tree has not.
async fn lacking(conn: &mut Conn, area: &Area) -> Result<usize, Problem> {
    let mut lacking = 0;
    if area.level == Level::Street {
        for community in known::communities(area.code.as_str()) {
            let code = crate::area::seed::parsed(community.code)?;
            lacking += usize::from(store::find(conn, &code).await?.is_none());
        }
    }
    Ok(lacking)
}

/// Areas with their level and how many lie in each.
pub(super) fn table<'a>(lang: Lang, rows: impl Iterator<Item = (&'a Area, usize)>) -> Markup {
    let heads = ["areas-name", "areas-level", "areas-below", "areas-code"].map(|key| t(lang, key));
    html! {
        div.scroll { table.table {
            (page::head(&heads.each_ref().map(String::as_str)))
            tbody {
                @for (area, below) in rows {
                    tr {
                        th scope="row" { (link(lang, area)) }
                        td data-label=(heads[1]) { (level(lang, area.level)) }
                        td.number data-label=(heads[2]) { @if area.level == Level::Building { "—" } @else { (below) } }
                        td data-label=(heads[3]) { code { (area.code) } }
                    }
                }
            }
        } }
    }
}
