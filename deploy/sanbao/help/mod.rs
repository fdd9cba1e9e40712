//! One sheet of help for each kind of work, to be read on the page and to be hung up beside the tablet.
//!
//! A guide is a row of steps. A step may lean on pages: what it quotes “so” are words that can be read there, and where there is a
//! picture of that page it is shown. A test in a real browser takes the pictures, and fails when a page no longer has the words
//! that its picture shows or that a guide quotes.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use maud::{Markup, html};
use sanbao_platform::http::{Path, Routes, StaticFile, Visitor};
use sanbao_platform::lang::Lang;
use sanbao_platform::problem::Problem;

use crate::around::Around;
use crate::compose;
use crate::texts::TEXTS;

/// A sheet. Its words are under `help-` and its slug: the title, `-what` for whom it is, and a number for each step.
#[derive(Debug)]
pub struct Guide {
    /// Its address under `/help`.
    pub slug: &'static str,
    /// For each step, the pages that it leans on by the names of their pictures.
    pub steps: &'static [&'static [&'static str]],
}

/// All guides, in the order of the network: who asks for a consult, who gives it, who takes calls, who goes out, who counts, who runs it.
pub const GUIDES: &[Guide] = &[
    Guide {
        slug: "care-home",
        steps: &[
            &["next-consult"],
            &["prejoin", "next-consult"],
            &["guests"],
            &["new-consult", "consults"],
            &["feedback", "consults"],
        ],
    },
    Guide { slug: "doctor", steps: &[&["doctor-next"], &[], &["doctor-answer", "doctor-consults"], &["doctor-hours"]] },
    Guide { slug: "desk", steps: &[&["desk-new", "desk"], &["desk-classify"], &["desk-dispatch"], &["desk"]] },
    Guide { slug: "dispatcher", steps: &[&["visits"], &["visits"], &["look-up"], &["send-back"]] },
    Guide { slug: "caregiver", steps: &[&["today"], &["today"], &["at-work"], &[]] },
    Guide { slug: "analyst", steps: &[&["needs-period"], &["needs-table"], &["needs-total"]] },
    Guide { slug: "administrator", steps: &[&["check"], &["add-account"], &["accounts"], &["audit"]] },
    Guide { slug: "family", steps: &[&["family-prejoin"], &[], &[]] },
];

macro_rules! pictures {
    ($($name:literal $width:literal $height:literal),* $(,)?) => {
        /// The pictures, with their sizes in CSS pixels.
        pub const PICTURES: &[(&str, u32, u32)] = &[$(($name, $width, $height)),*];
        const FILES: &[StaticFile] = &[$((
            concat!("/static/help/", $name, ".webp"), "image/webp", include_bytes!(concat!($name, ".webp")),
        )),*];
    };
}

include!("pictures/list.in");

/// The routes, over the state of the others around the services.
pub fn routes() -> Routes<Around> {
    Routes::new().page("/help", get(list)).page("/help/{guide}", get(guide)).files(FILES)
}

/// The keys of a guide's words.
#[cfg(test)]
pub(crate) fn keys(guide: &Guide) -> Vec<String> {
    let own = ["", "-what"].iter().map(|end| format!("help-{}{end}", guide.slug));
    own.chain((1..=guide.steps.len()).map(|step| format!("help-{}-{step}", guide.slug))).collect()
}

/// The words of a guide's step, in Chinese, for a test that holds them against the pages.
pub fn step(guide: &Guide, number: usize) -> String {
    TEXTS.get(Lang::Zh, &format!("help-{}-{number}", guide.slug))
}

/// The words of the navigation, in Chinese.
pub fn navigation_words() -> Vec<String> {
    compose::navigation().iter().map(|link| TEXTS.get(Lang::Zh, link.key)).collect()
}

async fn list(visitor: Visitor, State(around): State<Around>) -> Response {
    let lang = visitor.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let title = t("help-title");
    let body = html! {
        h1 { (title) }
        p { (t("help-about")) }
        ul.plain-list {
            @for guide in GUIDES {
                li.card {
                    h2 { a href=(format!("/help/{}", guide.slug)) { (t(&format!("help-{}", guide.slug))) } }
                    p { (t(&format!("help-{}-what", guide.slug))) }
                }
            }
        }
    };
    around.frame.page(lang, &title, None, "/help", &[], &body).into_response()
}

/// One guide, on paper a sheet of its own.
async fn guide(visitor: Visitor, State(around): State<Around>, Path(slug): Path<String>) -> Result<Response, Problem> {
    let guide = GUIDES.iter().find(|guide| guide.slug == slug).ok_or_else(Problem::not_found)?;
    let title = TEXTS.get(visitor.lang, &format!("help-{slug}"));
    let body = sheet(visitor.lang, guide);
    Ok(around.frame.page(visitor.lang, &title, None, "/help", &[], &body).into_response())
}

/// The pictures of each step; one that several steps lean on is shown with the first.
fn pictures(guide: &Guide) -> Vec<Vec<&'static (&'static str, u32, u32)>> {
    let mut shown = Vec::new();
    let of_step = |leans_on: &&[&str]| {
        let new =
            PICTURES.iter().filter(|(name, ..)| leans_on.contains(name) && !shown.contains(name)).collect::<Vec<_>>();
        shown.extend(new.iter().map(|(name, ..)| *name));
        new
    };
    guide.steps.iter().map(of_step).collect()
}

fn sheet(lang: Lang, guide: &Guide) -> Markup {
    let t = |end: &str| TEXTS.get(lang, &format!("help-{}{end}", guide.slug));
    let own = |key: &str| TEXTS.get(lang, key);
    html! {
        article.sheet {
            div.spread {
                h1 { (t("")) }
                div.toolbar {
                    button.button type="button" data-action="print" { (own("help-print")) }
                    a.button href="/help" { (own("help-all")) }
                }
            }
            p { (t("-what")) }
            ol {
                @for (step, pictures) in (1..).zip(pictures(guide)) {
                    li {
                        p { (t(&format!("-{step}"))) }
                        @for (name, width, height) in pictures {
                            img src=(format!("/static/help/{name}.webp")) width=(width) height=(height) alt=(own("help-picture")) lang="zh-CN";
                        }
                    }
                }
            }
            p { (own("help-whom")) " " span.nowrap { (own("help-number")) "____________________" } }
        }
    }
}
