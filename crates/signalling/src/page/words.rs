//! The words that the page's scripts fill in, given to them as data.

use maud::{Markup, PreEscaped, html};
use sanbao_platform::i18n::Texts;
use sanbao_platform::lang::Lang;

/// The keys of the scripts' words, without `room-`.
pub(super) const SCRIPT_WORDS: &[&str] = &[
    "admit",
    "as",
    "away",
    "camera",
    "camera-off",
    "camera-on",
    "cancel",
    "case-none",
    "chat-again",
    "chat-failed",
    "chat-sending",
    "check-camera-off",
    "check-camera-ok",
    "check-failed",
    "check-fine",
    "check-line-good",
    "check-microphone-ok",
    "check-no-turn",
    "check-open",
    "check-running",
    "comma",
    "consent-missing",
    "consent-no",
    "consent-yes",
    "consents",
    "device-busy",
    "device-denied",
    "device-insecure",
    "device-missing",
    "device-no-camera",
    "device-no-microphone",
    "elsewhere-both",
    "elsewhere-neither",
    "elsewhere-take-over",
    "elsewhere-text",
    "elsewhere-title",
    "error-backlog",
    "error-consent-missing",
    "error-lobby-full",
    "error-not-permitted",
    "error-other",
    "error-room-full",
    "error-too-soon",
    "escalated",
    "hand",
    "hand-down",
    "hand-up",
    "kick",
    "kick-text",
    "kick-title",
    "lift",
    "link-lost",
    "link-lost-outside",
    "lobby-put-back",
    "lobby-text",
    "lobby-text-nobody",
    "microphone",
    "microphone-busy",
    "microphone-off",
    "microphone-on",
    "mute",
    "muted",
    "muted-by",
    "named",
    "off",
    "over-bound",
    "over-bound-text",
    "over-early",
    "over-early-text",
    "over-expired",
    "over-expired-staff",
    "over-expired-text",
    "over-expired-text-staff",
    "over-failed",
    "over-failed-text",
    "over-finished",
    "over-finished-apart-text",
    "over-finished-before-text",
    "over-finished-soon-text",
    "over-finished-text",
    "over-left",
    "over-left-text",
    "over-no-link",
    "over-no-link-text",
    "over-refused",
    "over-refused-text",
    "over-removed",
    "over-removed-text",
    "over-replaced",
    "over-replaced-text",
    "over-revoked",
    "over-revoked-staff",
    "over-revoked-text",
    "over-revoked-text-staff",
    "own",
    "permission-audio",
    "permission-chat",
    "permission-screen",
    "permission-video",
    "permissions",
    "permissions-changed",
    "picture-paused",
    "put-back",
    "rang-again",
    "recording-ask-self",
    "recording-ask-text",
    "recording-ask-title",
    "recording-joined",
    "recording-refused",
    "recording-start",
    "recording-stop",
    "recording-withdrawn",
    "refuse",
    "ring-times",
    "ring-title",
    "rings",
    "role-clinician",
    "role-guest",
    "role-host",
    "role-interpreter",
    "role-observer",
    "screen",
    "screen-failed",
    "screen-of",
    "screen-stop",
    "sharing",
    "title",
    "transcription-ask-self",
    "transcription-ask-text",
    "transcription-ask-title",
    "transcription-joined",
    "transcription-refused",
    "transcription-start",
    "transcription-stop",
    "transcription-withdrawn",
    "verdict-audio",
    "verdict-good",
    "verdict-lost",
    "verdict-phone",
    "verdict-slow",
    "verdict-video",
    "verdict-waiting",
    "verdict-without",
    "waited",
    "waited-short",
];

/// Words of the line's judges, which have no `room-`.
pub(super) const JUDGES_WORDS: &[&str] = &[
    "quality-good",
    "quality-fair",
    "quality-poor",
    "quality-bad",
    "quality-cause-loss",
    "quality-cause-delay",
    "quality-cause-jitter",
    "quality-cause-video-starved",
    "quality-cause-audio-starved",
    "quality-cause-no-uplink",
    "quality-cause-no-downlink",
    "quality-advice-nearer-to-router",
    "quality-advice-picture-off",
    "quality-advice-audio-first",
    "quality-advice-wait-for-answer",
    "quality-advice-free-the-line",
    "quality-advice-check-microphone",
    "quality-advice-use-telephone",
    "precheck-no-camera",
    "precheck-no-microphone",
    "precheck-insecure",
    "precheck-no-path",
    "precheck-udp-blocked",
    "precheck-lossy",
    "precheck-slow",
];

/// The words as data: no inline script runs under the content security policy.
pub(super) fn words(lang: Lang, texts: &Texts) -> Markup {
    let own = SCRIPT_WORDS.iter().map(|key| ((*key).to_owned(), texts.get(lang, &format!("room-{key}")).into()));
    let judges = JUDGES_WORDS.iter().map(|key| ((*key).to_owned(), texts.get(lang, key).into()));
    let words: serde_json::Map<String, serde_json::Value> = own.chain(judges).collect();
    let json = serde_json::Value::Object(words).to_string().replace('<', "\\u003c");
    html! { script #words type="application/json" { (PreEscaped(json)) } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::role::Role;

    const SCRIPTS: &[&str] = &[
        include_str!("../../assets/room.js"),
        include_str!("../../assets/room-chat.js"),
        include_str!("../../assets/room-check.js"),
        include_str!("../../assets/room-devices.js"),
        include_str!("../../assets/room-line.js"),
        include_str!("../../assets/room-people.js"),
        include_str!("../../assets/room-record.js"),
        include_str!("../../assets/room-ticket.js"),
        include_str!("../../assets/room-tiles.js"),
        include_str!("../../assets/room-words.js"),
    ];

    #[test]
    fn every_word_is_there_and_every_word_the_scripts_ask_for_is_given_to_them() {
        let texts = crate::page::texts();
        for key in SCRIPT_WORDS {
            let key = format!("room-{key}");
            assert_ne!(texts.get(Lang::Zh, &key), key);
        }
        for key in JUDGES_WORDS {
            assert_ne!(texts.get(Lang::Zh, key), *key);
        }
        // Keys that the scripts make of names.
        let roles = Role::ALL.iter().map(|role| format!("role-{}", role.name()));
        let captures = ["recording", "transcription"].iter().flat_map(|what| {
            ["ask-self", "ask-title", "ask-text", "refused", "withdrawn", "joined"].map(|ask| format!("{what}-{ask}"))
        });
        let lacking = roles.chain(captures).filter(|key| !SCRIPT_WORDS.contains(&key.as_str()));
        assert_eq!(lacking.collect::<Vec<_>>(), Vec::<String>::new());
        let all = SCRIPTS.concat();
        for asked in all.split("say(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(SCRIPT_WORDS.contains(&asked) || JUDGES_WORDS.contains(&asked), "the scripts ask for {asked}");
        }
        for asked in all.split("finding(\"").skip(1).filter_map(|rest| rest.split("\", \"").nth(1)?.split('"').next()) {
            assert!(SCRIPT_WORDS.contains(&asked) || JUDGES_WORDS.contains(&asked), "the check says {asked}");
        }
        for verdict in include_str!("../../assets/room-verdict.js").split("key: \"").skip(1) {
            let key = verdict.split('"').next().unwrap_or_default();
            assert!(SCRIPT_WORDS.contains(&key), "the verdict says {key}");
        }
    }
}
