//! The page on which the public follows a request. It works without a script, and without an account.

use axum::Form;
use axum::extract::State as AppState;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use sanbao_platform::http::{SameSite, Visitor};
use sanbao_platform::lang::Lang;
use sanbao_platform::page::{Errors, Field, Words};
use sanbao_platform::problem::{FieldError, Problem};
use serde::Deserialize;

use super::follow::{self, Followed};
use super::tries::Refused;
use crate::request::model::phone_end;
use crate::request::number::SaidNumber;
use crate::request::state::RequestStateName;
use crate::texts::TEXTS;
use crate::{App, ZONE};

const PATH: &str = "/ask/follow";
/// Characters that are read of a field.
const TYPED_CHARS_MAX: usize = 40;

/// The two fields as they were typed.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    number: String,
    #[serde(default)]
    phone: String,
}

/// `GET /ask/follow`: the form.
pub(super) async fn form(visitor: Visitor, AppState(app): AppState<App>) -> Markup {
    draw(&app, &visitor, &Typed::default(), &Errors::default(), &html! {})
}

/// `POST /ask/follow`: where it stands; 404 for a wrong pair, 422 for what is no number, 429 after too many wrong ones.
pub(super) async fn asked(
    visitor: Visitor,
    _: SameSite,
    AppState(app): AppState<App>,
    Form(typed): Form<Typed>,
) -> Result<Response, Problem> {
    let typed = Typed { number: cut(&typed.number), phone: cut(&typed.phone) };
    let (said, end) = match read(&typed) {
        Ok(read) => read,
        Err(problem) => {
            let errors = Errors::of(&problem, visitor.lang);
            return Ok((problem.status(), draw(&app, &visitor, &typed, &errors, &html! {})).into_response());
        }
    };
    let now = app.deps.clock.now();
    let guess = match app.tries.begin(said.spoken(), visitor.address, now) {
        Ok(guess) => guess,
        Err(refused) => return Ok(later(&app, &visitor, &typed, refused)),
    };
    let found = follow::find(&mut app.deps.db.read().await?, said, &end, now).await?;
    let Some(found) = found else {
        let told = notice(visitor.lang, "ask-unknown", "ask-unknown-help");
        return Ok((StatusCode::NOT_FOUND, draw(&app, &visitor, &typed, &Errors::default(), &told)).into_response());
    };
    guess.right();
    Ok(draw(&app, &visitor, &typed, &Errors::default(), &standing(visitor.lang, &found)).into_response())
}

fn cut(typed: &str) -> String {
    typed.trim().chars().take(TYPED_CHARS_MAX).collect()
}

/// The number and the four digits; both faults at once.
fn read(typed: &Typed) -> Result<(SaidNumber, String), Problem> {
    let number = SaidNumber::parse(&typed.number);
    // The whole number is as good as its end.
    let end = phone_end(&typed.phone.chars().map(narrow).collect::<String>());
    match (number, end) {
        (Some(number), Some(end)) => Ok((number, end)),
        (number, end) => {
            let wrong_number = number.is_none().then(|| {
                FieldError::new("/number", "编号是八位数字，例如 1129-0042", "It has eight digits, such as 1129-0042")
            });
            let wrong_end =
                end.is_none().then(|| FieldError::new("/phone", "请输入手机号的后四位", "Type the last four digits"));
            Err(Problem::invalid(wrong_number.into_iter().chain(wrong_end).collect()))
        }
    }
}

/// A figure of full width as ASCII.
fn narrow(letter: char) -> char {
    match letter {
        '０'..='９' => char::from_u32(u32::from(letter) - u32::from('０') + u32::from('0')).unwrap_or(letter),
        other => other,
    }
}

/// The page again after too many wrong tries: what was typed stays, and it says until when to wait.
fn later(app: &App, visitor: &Visitor, typed: &Typed, refused: Refused) -> Response {
    let (lang, now) = (visitor.lang, app.deps.clock.now());
    let key = if refused.number { "ask-locked" } else { "ask-busy" };
    let until = words(lang).near_text(refused.until, now);
    let told = html! {
        div.notice.warn role="alert" {
            strong { (TEXTS.with(lang, key, &[("until", &until)])) }
            p { (TEXTS.get(lang, "ask-call")) }
        }
    };
    let page = draw(app, visitor, typed, &Errors::default(), &told);
    let wait = (refused.until - now).num_seconds().max(0) + 1;
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, wait.to_string())], page).into_response()
}

fn words(lang: Lang) -> Words {
    Words::new(&TEXTS, lang, ZONE)
}

fn notice(lang: Lang, title: &str, help: &str) -> Markup {
    html! {
        div.notice.warn role="status" {
            strong { (TEXTS.get(lang, title)) }
            p { (TEXTS.get(lang, help)) }
        }
    }
}

/// A state in words for the public.
fn state(lang: Lang, state: RequestStateName) -> String {
    TEXTS.get(lang, &format!("ask-state-{state}"))
}

/// Whether an agency has it in hand.
fn at_agency(state: RequestStateName) -> bool {
    use RequestStateName as S;
    matches!(state, S::Dispatched | S::Accepted | S::Scheduled | S::InService | S::Done)
}

fn standing(lang: Lang, of: &Followed) -> Markup {
    let words = words(lang);
    let agency = of.agency.as_deref().filter(|_| at_agency(of.state));
    html! {
        section.notice.ok role="status" {
            h2 { (of.number) " " (state(lang, of.state)) }
            @if let Some(agency) = agency { p { (TEXTS.with(lang, "ask-agency", &[("agency", agency)])) } }
        }
        ol {
            @for (at, came_to) in &of.past { li { (words.when(*at)) " " (state(lang, *came_to)) } }
        }
    }
}

fn draw(app: &App, visitor: &Visitor, typed: &Typed, errors: &Errors, told: &Markup) -> Markup {
    let lang = visitor.lang;
    let t = |key: &str| TEXTS.get(lang, key);
    let (number, number_help, phone, phone_help) =
        (t("ask-number"), t("ask-number-help"), t("ask-phone"), t("ask-phone-help"));
    let both = Field { required: true, chars_max: TYPED_CHARS_MAX, ..Field::default() };
    let number = Field { name: "number", label: &number, help: Some(&number_help), value: &typed.number, ..both };
    let phone = Field { name: "phone", label: &phone, help: Some(&phone_help), value: &typed.phone, ..both };
    let body = html! {
        div.narrow { div.card {
            h1 { (t("ask-follow")) }
            (told)
            (errors.summary())
            form.stack method="post" action=(PATH) {
                (Field { inputmode: Some("tel"), ..number }.draw(lang, errors))
                (Field { inputmode: Some("numeric"), ..phone }.draw(lang, errors))
                button.button.primary.large.wide type="submit" { (t("ask-go")) }
            }
            p { (t("ask-danger")) }
        } }
    };
    app.deps.frame.page(lang, &t("ask-follow"), None, PATH, &[], &body)
}
