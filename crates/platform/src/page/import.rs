//! The form of an import: a file, a rehearsal or the real run, and the place where `import.js` shows what came of it.

use maud::{Markup, html};

use super::words::own;
use crate::lang::Lang;

/// The scripts of a page with such a form.
pub const IMPORT_SCRIPTS: [&str; 2] = ["/static/form.js", "/static/import.js"];

/// The import of a page.
#[derive(Clone, Copy, Debug)]
pub struct Import<'a> {
    /// The path that takes the file.
    pub path: &'a str,
    /// The path that takes large files in parts, where there is one.
    pub uploads: Option<&'a str>,
    /// The name of the source that stands in its field, where one may be told.
    pub source: Option<&'a str>,
    /// The address of a file to fill in.
    pub sample: Option<&'a str>,
    /// The counts of the report that are shown, each with its words; in this order.
    pub facts: &'a [(&'a str, String)],
}

impl Import<'_> {
    /// The form, and the place of the result.
    pub fn draw(&self, lang: Lang) -> Markup {
        let t = |key: &str| own(lang, key);
        html! {
            @if let Some(sample) = self.sample { p { a href=(sample) download { (t("import-sample")) } } }
            p.faint { (t(if self.uploads.is_some() { "import-kinds-large" } else { "import-kinds" })) }
            form #import.card method="post" data-import=(self.path) data-uploads=[self.uploads] {
                noscript { p.notice.warn { (t("needs-script")) } }
                div.field {
                    label for="file" { (t("import-file")) }
                    input #file type="file" name="file" accept=".csv,.txt,.xlsx,text/csv" required;
                }
                @if let Some(source) = self.source {
                    div.field {
                        label for="source" { (t("import-source")) }
                        input #source name="source" value=(source) required maxlength="100" autocomplete="off";
                        p.help { (t("import-source-help")) }
                    }
                }
                div.toolbar {
                    button.button.primary type="submit" value="dry" { (t("import-dry")) }
                    button.button type="submit" value="real" { (t("import-real")) }
                }
            }
            (self.result(lang))
        }
    }

    fn result(&self, lang: Lang) -> Markup {
        let t = |key: &str| own(lang, key);
        let names: Vec<&str> = self.facts.iter().map(|(name, _)| *name).collect();
        let fact = |wanted: &str| self.facts.iter().find(|(name, _)| *name == wanted).map(|(_, words)| words.as_str());
        html! {
            section #result tabindex="-1" aria-live="polite" hidden data-facts=(names.join(" "))
                data-total=[fact("total")] data-created=[fact("created")] data-updated=[fact("updated")]
                data-moved=[fact("moved")] data-unchanged=[fact("unchanged")] data-same=[fact("same")]
                data-ended=[fact("ended")] data-failed=[fact("failed")] data-skipped=[fact("skipped")] data-other=[fact("other")]
                data-doctors=[fact("doctors")] data-perhaps_same=[fact("perhaps_same")]
                data-busy=(t("import-busy")) data-sending=(t("import-sending")) data-dry=(t("import-dry-result")) data-real=(t("import-real-result"))
                data-errors=(t("import-errors")) data-warnings=(t("import-warnings")) data-more=(t("import-more"))
                data-line=(t("import-line")) data-same-file=(t("import-same-file")) data-row=(t("import-row")) data-column=(t("import-column")) data-reason=(t("import-reason"))
                data-value=(t("import-value")) data-mend=(t("import-mend")) data-sheet=(t("import-sheet"))
                data-sheets-left=(t("import-sheets-left")) data-hidden-rows=(t("import-hidden-rows"))
                data-above=(t("import-above")) data-unused=(t("import-unused")) data-links=(t("import-links"))
                data-links-once=(t("import-links-once")) data-links-file=(t("import-links-file"))
                data-name=(t("import-name")) data-login=(t("import-login")) data-link=(t("import-link")) {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_that_is_shown_has_its_words_for_the_script() {
        let names = [
            "total",
            "created",
            "updated",
            "moved",
            "unchanged",
            "same",
            "ended",
            "failed",
            "skipped",
            "other",
            "doctors",
            "perhaps_same",
        ];
        let facts = names.map(|name| (name, format!("words of {name}")));
        let part = Import { path: "/v1/x", uploads: None, source: Some("file"), sample: None, facts: &facts };
        let drawn = part.draw(Lang::Zh).into_string();
        for name in names {
            assert!(drawn.contains(&format!(r#"data-{name}="words of {name}""#)), "{name}: {drawn}");
        }
    }
}
