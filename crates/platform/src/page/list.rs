//! Lists: filters that stand in no address, heads, how many there are, and the way to the rest.

use maud::{Markup, html};

use super::words::{own, own_with};
use crate::lang::Lang;

/// The form over a list. It is sent by POST: what is looked for may be a name or a telephone number.
pub fn filters(id: &str, action: &str, label: &str, fields: &Markup) -> Markup {
    html! {
        form.toolbar id=(id) method="post" action=(action) role="search" {
            (fields)
            button.button type="submit" { (label) }
        }
    }
}

/// The head of a table.
pub fn head(heads: &[&str]) -> Markup {
    html! { thead { tr { @for words in heads { th scope="col" { (words) } } } } }
}

/// How many there are; `more` says that there are others beyond these.
pub fn count(lang: Lang, shown: usize, more: bool) -> Markup {
    let key = if more { "list-count-more" } else { "list-count" };
    html! { p.faint { (own_with(lang, key, &[("count", &shown.to_string())])) } }
}

/// The same of a list in pages: how many there are in all, only one page that holds all of them can tell.
pub fn count_of_page(lang: Lang, shown: usize, at: Pager<'_>) -> Markup {
    if !at.later {
        return count(lang, shown, at.next.is_some());
    }
    html! { p.faint { (own_with(lang, "list-count-page", &[("count", &shown.to_string())])) } }
}

/// Where a list is: its filters' form, and what comes before and after.
#[derive(Clone, Copy, Debug)]
pub struct Pager<'a> {
    /// The id of the form that holds what is looked for.
    pub form: &'a str,
    /// Whether this is another page than the first.
    pub later: bool,
    /// The `after` of the next page.
    pub next: Option<&'a str>,
}

/// The way to the other pages of a list, with the same filters.
pub fn pager(lang: Lang, at: Pager<'_>) -> Markup {
    html! {
        @if at.later || at.next.is_some() {
            nav.toolbar {
                @if at.later { button.button type="submit" form=(at.form) { (own(lang, "list-first")) } }
                @if let Some(next) = at.next {
                    button.button type="submit" form=(at.form) name="after" value=(next) { (own(lang, "list-next")) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_page_that_holds_all_tells_how_many_there_are() {
        let said = |later, next| count_of_page(Lang::Zh, 11, Pager { form: "filters", later, next }).into_string();
        assert!(said(false, None).contains("共 11 条"));
        assert!(said(false, Some("next")).contains("前 11 条，后面还有"));
        for next in [None, Some("next")] {
            assert!(said(true, next).contains("本页 11 条"), "{}", said(true, next));
        }
    }
}
