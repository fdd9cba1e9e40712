//! The common parts of all pages: the frame, the static files, the page of an error, the language switch.

use std::sync::Arc;

use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;

use crate::auth::Actor;
use crate::http::{LANG_COOKIE, RequestInfo, Routed, Routes, StaticFile};
use crate::i18n::Texts;
use crate::lang::Lang;
use crate::page::OWN;
use crate::problem::Problem;

/// The script of lists that update by themselves; a page that has it also says whether it is connected.
const LIVE_SCRIPT: &str = "/static/live.js";

/// A link of the top navigation. The composition root knows which pages there are.
#[derive(Clone, Debug)]
pub struct NavLink {
    /// The path that it leads to.
    pub href: &'static str,
    /// The key of its words in the frame's texts.
    pub key: &'static str,
    /// The roles that see it; any of them will do. None: everybody, logged in or not.
    pub roles: &'static [&'static str],
    /// The kinds of organisation whose people see it; empty: of any kind.
    pub kinds: &'static [&'static str],
}

impl NavLink {
    fn seen_by(&self, actor: Option<&Actor>) -> bool {
        self.roles.is_empty()
            || actor.is_some_and(|actor| {
                let of_kind = self.kinds.is_empty() || self.kinds.contains(&&*actor.kind);
                of_kind && self.roles.iter().any(|role| actor.has(role))
            })
    }
}

/// The frame of every page. Cheap to clone; a service gets it with its [`Deps`](crate::service::Deps).
#[derive(Clone, Debug)]
pub struct Frame(Arc<FrameInner>);

#[derive(Debug)]
struct FrameInner {
    nav: Vec<NavLink>,
    texts: &'static Texts,
}

impl Default for Frame {
    /// A frame without navigation.
    fn default() -> Self {
        Self::new(Vec::new(), &OWN)
    }
}

impl Frame {
    /// A frame with its navigation, whose words are in `texts`.
    pub fn new(nav: Vec<NavLink>, texts: &'static Texts) -> Self {
        Self(Arc::new(FrameInner { nav, texts }))
    }

    /// A whole page around `body`. `scripts` are ES modules' addresses under `/static/`.
    pub fn page(
        &self,
        lang: Lang,
        title: &str,
        actor: Option<&Actor>,
        here: &str,
        scripts: &[&str],
        body: &Markup,
    ) -> Markup {
        let t = |key: &str| self.0.texts.get(lang, key);
        let seen = |link: &&NavLink| link.seen_by(actor);
        let other = if lang == Lang::Zh { Lang::En } else { Lang::Zh };
        html! {
            (DOCTYPE)
            html lang=(lang.tag()) {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (title) " · " (t("app-name")) }
                    link rel="icon" href="/static/icon.svg" type="image/svg+xml";
                    link rel="stylesheet" href="/static/sanbao.css";
                    script type="module" src="/static/page.js" {}
                    @for script in scripts { script type="module" src=(script) {} }
                }
                body {
                    template #platform-words data-words=(words(self.0.texts, lang)) {}
                    a.skip href="#main" { (t("skip-to-content")) }
                    header.top {
                        a.brand href="/" { (t("app-name")) }
                        nav aria-label=(t("app-name")) {
                            @for link in self.0.nav.iter().filter(seen) {
                                a href=(link.href) aria-current=[(link.href == here).then_some("page")] { (t(link.key)) }
                            }
                        }
                        div.who {
                            @if let Some(actor) = actor {
                                (workplaces(self.0.texts, lang, actor))
                                a.name href="/me" aria-label=(format!("{} · {}", actor.name, t("own-account"))) { (actor.name) }
                                a href="/session/pin" { (t("switch-user")) }
                                button.plain type="button" data-action="log-out" { (t("log-out")) }
                            }
                            a.language href=(format!("/language?to={}", other.tag())) hreflang=(other.tag()) data-keep-place { (t("language-switch")) }
                        }
                    }
                    @if scripts.contains(&LIVE_SCRIPT) {
                        p.live role="status" data-live-state {}
                    }
                    div #notice role="status" aria-live="polite" {}
                    main #main tabindex="-1" { (body) }
                    @if let Some(actor) = actor {
                        (lock(self.0.texts, lang, actor))
                        (step_up(self.0.texts, lang))
                    }
                }
            }
        }
    }
}

/// The organisation that somebody acts for, and where there are others, a menu in which one press leads to one.
fn workplaces(texts: &Texts, lang: Lang, actor: &Actor) -> Markup {
    let Some((own, others)) = actor.workplaces.split_first() else { return Markup::default() };
    if others.is_empty() {
        return html! { span.workplace { (own.name(lang)) } };
    }
    html! {
        details.workplaces {
            summary aria-label=(format!("{} · {}", own.name(lang), texts.get(lang, "switch-organisation"))) { span { (own.name(lang)) } }
            ul.plain-list {
                @for other in others {
                    li { button.button type="button" data-action="switch-organisation" data-organisation=(other.id) { (other.name(lang)) } }
                }
                li { a href="/me/organisations" { (texts.get(lang, "own-organisations")) } }
            }
        }
    }
}

/// The words of scripts, as JSON.
fn words(texts: &Texts, lang: Lang) -> String {
    serde_json::to_string(&texts.starting_with(lang, "script-")).unwrap_or_default()
}

/// The cover of a page that nobody has touched for a while. It lies ready in the page, so that it needs no network.
fn lock(texts: &Texts, lang: Lang, actor: &Actor) -> Markup {
    let t = |key: &str| texts.get(lang, key);
    html! {
        template #lock-template data-account=(actor.subject) data-organisation=(actor.organisation) {
            dialog.lock #lock aria-labelledby="lock-title" {
                div.card {
                    h1 #lock-title { (t("lock-title")) }
                    p.strong { (actor.name) }
                    p { (t("lock-what")) }
                    p.notice.warn data-lock-state role="status" {}
                    p.notice.bad data-lock-error role="alert" hidden {}
                    form.stack method="post" action="/session/pin" {
                        input type="hidden" name="account" value=(actor.subject);
                        input type="hidden" name="organisation" value=(actor.organisation);
                        div.field {
                            label for="lock-pin" { (t("lock-pin")) }
                            input #lock-pin name="pin" type="password" inputmode="numeric" autocomplete="off" maxlength="8" required;
                        }
                        button.button.primary type="submit" { (t("lock-unlock")) }
                    }
                    details {
                        summary { (t("lock-by-password")) }
                        form.stack method="post" action="/session" {
                            input type="hidden" name="organisation" value=(actor.organisation);
                            div.field {
                                label for="lock-login" { (t("lock-login")) }
                                input #lock-login name="login" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="120" required;
                            }
                            div.field {
                                label for="lock-password" { (t("lock-password")) }
                                input #lock-password name="password" type="password" autocomplete="current-password" maxlength="256" required;
                            }
                            button.button type="submit" { (t("lock-unlock")) }
                        }
                    }
                    form.stack method="post" action="/session/second-factor" data-lock-factor hidden {
                        input type="hidden" name="organisation" value=(actor.organisation);
                        div.field {
                            label for="lock-code" { (t("lock-code")) }
                            input #lock-code name="code" type="text" inputmode="numeric" autocomplete="one-time-code" maxlength="40" required;
                        }
                        button.button.primary type="submit" { (t("lock-unlock")) }
                    }
                    p { a href="/session/pin" { (t("lock-other")) } }
                }
            }
        }
    }
}

/// The question for another proof, in one dialog for whatever asks for it (`step-up.js`).
fn step_up(texts: &Texts, lang: Lang) -> Markup {
    let t = |key: &str| texts.get(lang, key);
    html! {
        template #step-up-template {
            dialog.dialog #step-up aria-labelledby="step-up-title" {
                form.stack method="post" action="/v1/session/step-up" {
                    h2 #step-up-title { (t("step-up-title")) }
                    p { (t("step-up-what")) }
                    p.notice.bad data-step-up-error role="alert" hidden {}
                    div.field {
                        label for="step-up-secret" { (t("step-up-secret")) }
                        input #step-up-secret name="secret" type="password" autocomplete="current-password" maxlength="256" required;
                    }
                    div.toolbar {
                        button.button.primary type="submit" { (t("confirm")) }
                        button.button type="button" data-action="close" { (t("cancel")) }
                    }
                }
            }
        }
    }
}

/// The page of a problem, for a browser that asked for a page: it says whom to ask, and keeps the navigation of the person
/// who is logged in.
pub(crate) fn problem_page(problem: &Problem, info: &RequestInfo, frame: &Frame, actor: Option<&Actor>) -> Response {
    let lang = info.lang;
    let ask = match problem.status().as_u16() {
        403 if problem.is_refusal() => Some("problem-ask-forbidden"),
        404 => Some("problem-ask-not-found"),
        500.. => Some("problem-ask-failed"),
        _ => None,
    };
    let body = html! {
        h1 { (problem.title(lang)) }
        @if let Some(detail) = problem.detail_text(lang) { p { (detail) } }
        @if let Some(key) = ask { p { (OWN.get(lang, key)) } }
        p { a.button href="/" { (OWN.get(lang, "problem-start")) } }
        p.faint { (OWN.get(lang, "problem-reference")) " " code { (info.request_id) } }
    };
    let page = frame.page(lang, problem.title(lang), actor, "", &[], &body);
    (problem.status(), page).into_response()
}

const JS: &str = "text/javascript; charset=utf-8";
const FILES: &[StaticFile] = &[
    ("/static/sanbao.css", "text/css; charset=utf-8", include_bytes!("../assets/sanbao.css")),
    ("/static/page.js", JS, include_bytes!("../assets/page.js")),
    ("/static/api.js", JS, include_bytes!("../assets/api.js")),
    ("/static/audit.js", JS, include_bytes!("../assets/audit.js")),
    ("/static/form.js", JS, include_bytes!("../assets/form.js")),
    ("/static/import.js", JS, include_bytes!("../assets/import.js")),
    ("/static/upload.js", JS, include_bytes!("../assets/upload.js")),
    ("/static/send.js", JS, include_bytes!("../assets/send.js")),
    ("/static/check.js", JS, include_bytes!("../assets/check.js")),
    ("/static/organisation.js", JS, include_bytes!("../assets/organisation.js")),
    ("/static/step-up.js", JS, include_bytes!("../assets/step-up.js")),
    ("/static/words.js", JS, include_bytes!("../assets/words.js")),
    ("/static/ages.js", JS, include_bytes!("../assets/ages.js")),
    ("/static/stream.js", JS, include_bytes!("../assets/stream.js")),
    (LIVE_SCRIPT, JS, include_bytes!("../assets/live.js")),
    ("/static/icon.svg", "image/svg+xml", include_bytes!("../assets/icon.svg")),
];

#[derive(Deserialize)]
struct LanguageChoice {
    to: String,
    next: Option<String>,
}

async fn choose_language(jar: CookieJar, Query(choice): Query<LanguageChoice>) -> Response {
    let Some(lang) = Lang::from_tag(&choice.to) else { return Problem::not_found().into_response() };
    let mut cookie = Cookie::new(LANG_COOKIE, lang.tag());
    cookie.set_path("/");
    cookie.set_same_site(SameSite::Lax);
    cookie.set_max_age(time::Duration::days(365));
    (jar.add(cookie), Redirect::to(&local_path(choice.next.as_deref()))).into_response()
}

/// A path on this site to go back to, as an address writes it; anything else becomes `/`, so that no link leads
/// elsewhere. It is read as browsers read it (WHATWG URL), because what counts is where they would go.
pub fn local_path(next: Option<&str>) -> String {
    next.and_then(on_this_site).unwrap_or_else(|| "/".to_owned())
}

fn on_this_site(path: &str) -> Option<String> {
    let here = url::Url::parse("https://here.invalid/").ok()?;
    if !path.starts_with('/') || path.chars().any(char::is_control) {
        return None;
    }
    let there = here.join(path).ok().filter(|there| there.origin() == here.origin())?;
    // Dots may leave two slashes at the beginning, which by themselves would name a host.
    let path = there[url::Position::BeforePath..].to_owned();
    (!path.starts_with("//")).then_some(path)
}

/// The platform's own routes.
pub fn routes() -> Routed {
    Routes::new().files(FILES).page("/language", get(choose_language)).build(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_way_back_leads_nowhere_else() {
        for (next, expected) in [
            ("/consults?x=1", "/consults?x=1"),
            ("/consults?q=%E9%99%88#top", "/consults?q=%E9%99%88#top"),
            ("/residents?q=陈", "/residents?q=%E9%99%88"),
            ("/a b", "/a%20b"),
            ("/./consults", "/consults"),
            ("/@evil.example", "/@evil.example"),
            ("/:80/x", "/:80/x"),
        ] {
            assert_eq!(super::local_path(Some(next)), expected);
        }
        for next in [
            "",
            "//evil.example",
            "///evil.example",
            "https://evil.example",
            "https:/evil.example",
            "javascript:alert(1)",
            "evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/\r\nset-cookie: a=b",
            "/\0",
            "/\u{7f}",
            "/\u{85}/evil.example",
            "\t//evil.example",
            " //evil.example",
            "/.//evil.example",
            "/..//evil.example",
            "/%2e//evil.example",
            "/x/..//evil.example",
        ] {
            assert_eq!(super::local_path(Some(next)), "/", "{next:?}");
        }
        assert_eq!(super::local_path(None), "/");
    }
}
