//! The browser's cookies: an access token, a refresh token, and a CSRF token to be sent back as a header. Over HTTPS the
//! outermost layer puts `__Host-` before their names.

use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};

use crate::auth::ACCESS_TOKEN_SECONDS;

/// The access token; read by every service.
pub const ACCESS_COOKIE: &str = "sanbao_access";
/// The refresh token; sent to `/session` only.
pub const REFRESH_COOKIE: &str = "sanbao_refresh";
/// The CSRF token, bound to its log-in; scripts read it and send it as [`CSRF_HEADER`].
pub const CSRF_COOKIE: &str = "sanbao_csrf";
/// The header that must carry the value of [`CSRF_COOKIE`].
pub const CSRF_HEADER: &str = "x-csrf-token";
/// Set by a page's script when nobody has touched the browser for a while: until somebody logs in, no cookie of this
/// browser opens anything, even where the server could not be told.
pub const LOCKED_COOKIE: &str = "sanbao_locked";
/// The chosen language.
pub const LANG_COOKIE: &str = "sanbao_lang";

/// The cookies of a log-in or a renewal.
#[derive(Clone, Debug)]
pub struct SessionCookies {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
    /// How long the refresh token lives.
    pub refresh_seconds: i64,
    /// The CSRF token, of the same log-in.
    pub csrf: String,
    /// Whether the site is served over HTTPS; plain HTTP is for loopback only.
    pub secure: bool,
}

fn cookie(
    name: &'static str,
    value: String,
    path: &'static str,
    seconds: i64,
    http_only: bool,
    secure: bool,
) -> Cookie<'static> {
    let mut cookie = Cookie::new(name, value);
    cookie.set_path(path);
    cookie.set_http_only(http_only);
    cookie.set_secure(secure);
    cookie.set_same_site(SameSite::Lax);
    cookie.set_max_age(time::Duration::seconds(seconds));
    cookie
}

impl SessionCookies {
    /// Adds them to the answer.
    pub fn set(self, jar: CookieJar) -> CookieJar {
        jar.add(cookie(ACCESS_COOKIE, self.access, "/", ACCESS_TOKEN_SECONDS, true, self.secure))
            .add(cookie(REFRESH_COOKIE, self.refresh, "/session", self.refresh_seconds, true, self.secure))
            .add(cookie(CSRF_COOKIE, self.csrf, "/", self.refresh_seconds, false, self.secure))
            .remove(Cookie::build((LOCKED_COOKIE, "")).path("/"))
    }

    /// Adds another access token to the answer, of the log-in that goes on.
    pub fn renew_access(jar: CookieJar, access: String, secure: bool) -> CookieJar {
        jar.add(cookie(ACCESS_COOKIE, access, "/", ACCESS_TOKEN_SECONDS, true, secure))
    }

    /// Removes them.
    pub fn clear(jar: CookieJar) -> CookieJar {
        [(ACCESS_COOKIE, "/"), (REFRESH_COOKIE, "/session"), (CSRF_COOKIE, "/")]
            .into_iter()
            .fold(jar, |jar, (name, path)| jar.remove(Cookie::build((name, "")).path(path)))
    }
}
