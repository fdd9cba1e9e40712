//! The consult room's page. It holds no data: what it shows comes by the ticket and from the links that
//! the page is given, so anybody may open it.

mod icon;
mod panel;
mod room;
mod words;

use axum::extract::State;
use maud::Markup;
use sanbao_platform::http::{Routes, StaticFile, Visitor};
use sanbao_platform::i18n::Texts;

use crate::App;

const JS: &str = "text/javascript; charset=utf-8";
const FILES: &[StaticFile] = &[
    ("/static/signalling/sanbao-signal.js", JS, include_bytes!("../../assets/sanbao-signal.js")),
    ("/static/signalling/sanbao-acts.js", JS, include_bytes!("../../assets/sanbao-acts.js")),
    ("/static/signalling/sanbao-network.js", JS, include_bytes!("../../assets/sanbao-network.js")),
    ("/static/signalling/sanbao-picture.js", JS, include_bytes!("../../assets/sanbao-picture.js")),
    ("/static/signalling/sanbao-kept.js", JS, include_bytes!("../../assets/sanbao-kept.js")),
    ("/static/signalling/sanbao-session.js", JS, include_bytes!("../../assets/sanbao-session.js")),
    ("/static/signalling/sanbao-room.js", JS, include_bytes!("../../assets/sanbao-room.js")),
    ("/static/signalling/sanbao-peer.js", JS, include_bytes!("../../assets/sanbao-peer.js")),
    ("/static/signalling/sanbao-quality.js", JS, include_bytes!("../../assets/sanbao-quality.js")),
    ("/static/signalling/sanbao-check.js", JS, include_bytes!("../../assets/sanbao-check.js")),
    ("/static/signalling/room.js", JS, include_bytes!("../../assets/room.js")),
    ("/static/signalling/room-chat.js", JS, include_bytes!("../../assets/room-chat.js")),
    ("/static/signalling/room-check.js", JS, include_bytes!("../../assets/room-check.js")),
    ("/static/signalling/room-devices.js", JS, include_bytes!("../../assets/room-devices.js")),
    ("/static/signalling/room-line.js", JS, include_bytes!("../../assets/room-line.js")),
    ("/static/signalling/room-panels.js", JS, include_bytes!("../../assets/room-panels.js")),
    ("/static/signalling/room-people.js", JS, include_bytes!("../../assets/room-people.js")),
    ("/static/signalling/room-record.js", JS, include_bytes!("../../assets/room-record.js")),
    ("/static/signalling/room-ring.js", JS, include_bytes!("../../assets/room-ring.js")),
    ("/static/signalling/room-ticket.js", JS, include_bytes!("../../assets/room-ticket.js")),
    ("/static/signalling/room-tiles.js", JS, include_bytes!("../../assets/room-tiles.js")),
    ("/static/signalling/room-verdict.js", JS, include_bytes!("../../assets/room-verdict.js")),
    ("/static/signalling/room-words.js", JS, include_bytes!("../../assets/room-words.js")),
    ("/static/signalling/room.css", "text/css; charset=utf-8", include_bytes!("../../assets/room.css")),
];

/// The scripts that are fetched only once somebody is inside.
const LATER: &[&str] = &[
    "/static/signalling/room-chat.js",
    "/static/signalling/room-line.js",
    "/static/signalling/room-people.js",
    "/static/signalling/room-record.js",
    "/static/signalling/room-verdict.js",
    "/static/signalling/sanbao-quality.js",
];

/// The scripts that the page's own script imports, so that a browser fetches them at once.
fn modules() -> impl Iterator<Item = &'static str> {
    let scripts = FILES.iter().filter(|(_, kind, _)| *kind == JS).map(|(path, ..)| *path);
    scripts.filter(|path| *path != "/static/signalling/room.js" && !LATER.contains(path))
}

/// The words of the page, in both languages.
pub(crate) fn texts() -> Texts {
    Texts::new(include_str!("../../texts/zh-CN.ftl"), include_str!("../../texts/en.ftl"))
}

/// The page's scripts and its stylesheet.
pub(crate) fn assets() -> Routes<App> {
    Routes::new().files(FILES)
}

/// The consult room: `?consult={id}` for staff, `#guest={token}` for family.
#[utoipa::path(
    get,
    path = "/room",
    tag = "pages",
    params(("consult" = Option<uuid::Uuid>, Query, description = "The consult whose ticket the page asks for")),
    responses((status = 200, description = "The page; it is the same for everybody", content_type = "text/html"))
)]
pub(crate) async fn room(State(app): State<App>, visitor: Visitor) -> Markup {
    let lang = visitor.lang;
    let body = room::body(lang, &app.texts);
    app.deps.frame.page(lang, &app.texts.get(lang, "room-title"), None, "/room", &["/static/signalling/room.js"], &body)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_text_is_there_in_both_languages() {
        assert_eq!(texts().lacking([]), [""; 0]);
    }

    /// The files that the script at `path` imports before it runs, and what those import.
    fn imported(path: &str, found: &mut BTreeSet<String>) {
        let source =
            FILES.iter().find(|(name, ..)| *name == path).map(|(.., bytes)| std::str::from_utf8(bytes).unwrap());
        let lines = source.unwrap_or_else(|| panic!("{path} is imported and not served")).lines();
        for line in lines.filter(|line| line.starts_with("import ") || line.starts_with("export {")) {
            let Some(name) = line.split('"').nth(1).and_then(|from| from.strip_prefix("./")) else { continue };
            let next = format!("/static/signalling/{name}");
            if found.insert(next.clone()) {
                imported(&next, found);
            }
        }
    }

    #[test]
    fn what_is_fetched_at_once_is_what_the_script_imports() {
        let mut found = BTreeSet::new();
        imported("/static/signalling/room.js", &mut found);
        assert_eq!(modules().map(str::to_owned).collect::<BTreeSet<_>>(), found);
    }
}
