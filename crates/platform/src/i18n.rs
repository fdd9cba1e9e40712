//! Texts of pages: Fluent files for zh-CN and en, embedded, one pair a crate.
//!
//! A missing text is a defect that tests find: [`Texts::lacking`] names what one language lacks, and a build with debug
//! assertions stops at a key that no file has. A release shows the key itself, so that a page never fails for
//! want of a word.

use std::collections::BTreeMap;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use unic_langid::LanguageIdentifier;

use crate::lang::Lang;

/// The texts of one crate in both languages, over the platform's own.
pub struct Texts {
    zh: FluentBundle<FluentResource>,
    en: FluentBundle<FluentResource>,
    keys: Vec<(String, bool, bool)>,
}

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Texts").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

fn bundle(tag: &str, sources: &[&str]) -> FluentBundle<FluentResource> {
    let lang: LanguageIdentifier = tag.parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![lang]);
    bundle.set_use_isolating(false);
    for source in sources {
        // A broken line is left out and shows up in `missing`; the rest of the file is kept.
        let resource = FluentResource::try_new((*source).to_owned()).unwrap_or_else(|(partial, _)| partial);
        bundle.add_resource_overriding(resource);
    }
    bundle
}

fn keys_of(sources: &[&str]) -> Vec<String> {
    sources
        .iter()
        .flat_map(|s| s.lines())
        .filter(|l| l.starts_with(|c: char| c.is_ascii_alphabetic()))
        .filter_map(|l| l.split_once('='))
        .map(|(k, _)| k.trim().to_owned())
        .collect()
}

impl Texts {
    /// Parses a crate's two files; the platform's common words are under them.
    pub fn new(zh: &str, en: &str) -> Self {
        let (zh_all, en_all) = ([include_str!("../texts/zh-CN.ftl"), zh], [include_str!("../texts/en.ftl"), en]);
        let (zh_bundle, en_bundle) = (bundle("zh-CN", &zh_all), bundle("en", &en_all));
        let mut names = keys_of(&zh_all);
        names.extend(keys_of(&en_all));
        names.sort();
        names.dedup();
        let keys = names
            .into_iter()
            .map(|k| {
                let (in_zh, in_en) = (zh_bundle.has_message(&k), en_bundle.has_message(&k));
                (k, in_zh, in_en)
            })
            .collect();
        Self { zh: zh_bundle, en: en_bundle, keys }
    }

    /// Keys that one of the two languages lacks, of its own texts and of `made`: those that are made of names at run time.
    pub fn lacking(&self, made: impl IntoIterator<Item = String>) -> Vec<String> {
        let has = |key: &String| self.keys.iter().any(|(name, zh, en)| name == key && *zh && *en);
        let own = self.keys.iter().filter(|(_, zh, en)| !(*zh && *en)).map(|(key, ..)| key.clone());
        own.chain(made.into_iter().filter(|key| !has(key))).collect()
    }

    /// The text of `key`.
    pub fn get(&self, lang: Lang, key: &str) -> String {
        self.format(lang, key, None)
    }

    /// The text of `key` with its variables filled in.
    pub fn with(&self, lang: Lang, key: &str, args: &[(&str, &str)]) -> String {
        let mut fluent = FluentArgs::new();
        for (name, value) in args {
            fluent.set((*name).to_owned(), (*value).to_owned());
        }
        self.format(lang, key, Some(&fluent))
    }

    /// The texts whose keys start with `prefix`, by key; variables stand in them as `{$name}`, for scripts to fill in.
    pub fn starting_with(&self, lang: Lang, prefix: &str) -> BTreeMap<&str, String> {
        let keys = self.keys.iter().map(|(key, ..)| key.as_str()).filter(|key| key.starts_with(prefix));
        keys.map(|key| (key, self.unfilled(lang, key))).collect()
    }

    /// The text of `key` as it stands, its variables still to be filled in.
    fn unfilled(&self, lang: Lang, key: &str) -> String {
        let bundle = self.bundle(lang);
        let pattern = bundle.get_message(key).and_then(|m| m.value());
        // A missing argument is written as its name: {$name}.
        pattern.map_or_else(String::new, |p| bundle.format_pattern(p, None, &mut Vec::new()).into_owned())
    }

    fn bundle(&self, lang: Lang) -> &FluentBundle<FluentResource> {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }

    fn format(&self, lang: Lang, key: &str, args: Option<&FluentArgs<'_>>) -> String {
        let bundle = self.bundle(lang);
        let Some(pattern) = bundle.get_message(key).and_then(|m| m.value()) else {
            debug_assert!(false, "no text has the key {key}");
            return key.to_owned();
        };
        let mut errors = Vec::new();
        let text = bundle.format_pattern(pattern, args, &mut errors).into_owned();
        debug_assert!(errors.is_empty(), "the text {key} cannot be filled in: {errors:?}");
        text
    }
}
