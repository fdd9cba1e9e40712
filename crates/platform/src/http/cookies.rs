//! The names of the site's cookies over HTTPS: each begins with `__Host-`, so that only this host can set it, for all of
//! itself and never for a neighbour (RFC 6265bis §4.1.3.2). Handlers know the plain names, which plain HTTP has too.

use axum::http::{HeaderMap, HeaderValue, header};

/// The beginning of the names of this site's cookies.
const OURS: &str = "sanbao_";
const PREFIX: &str = "__Host-";

/// Takes the prefix from the names that a browser sends. A cookie of ours without it came from elsewhere and is dropped.
pub(super) fn without_prefix(headers: &mut HeaderMap) {
    let sent = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let pairs = sent.flat_map(|line| line.split(';')).map(str::trim).filter(|pair| !pair.is_empty());
    let named = pairs.filter_map(|pair| match pair.strip_prefix(PREFIX) {
        Some(ours) if ours.starts_with(OURS) => Some(ours),
        _ => (!pair.starts_with(OURS)).then_some(pair),
    });
    let line = named.collect::<Vec<_>>().join("; ");
    headers.remove(header::COOKIE);
    if let Some(line) = HeaderValue::from_str(&line).ok().filter(|line| !line.is_empty()) {
        headers.insert(header::COOKIE, line);
    }
}

/// Gives it to the names of an answer, with what the prefix asks for: `Secure`, `Path=/`, no `Domain`.
pub(super) fn with_prefix(headers: &mut HeaderMap) {
    let lines: Vec<HeaderValue> = headers.get_all(header::SET_COOKIE).iter().map(prefixed).collect();
    headers.remove(header::SET_COOKIE);
    for line in lines {
        headers.append(header::SET_COOKIE, line);
    }
}

fn prefixed(line: &HeaderValue) -> HeaderValue {
    let Some(text) = line.to_str().ok().filter(|text| text.starts_with(OURS)) else { return line.clone() };
    let mut parts = text.split(';').map(str::trim);
    let pair = parts.next().unwrap_or_default();
    let given = |part: &str, name: &str| part.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name));
    let rest = parts.filter(|part| !["path=", "domain=", "secure"].iter().any(|name| given(part, name)));
    let line = rest.fold(format!("{PREFIX}{pair}; Path=/; Secure"), |line, part| format!("{line}; {part}"));
    HeaderValue::from_str(&line).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn only_what_this_host_set_is_read() {
        let mut headers = HeaderMap::new();
        let sent = ["__Host-sanbao_access=a.b; sanbao_access=evil; other=1", "__Host-other=2; sanbao_csrf=evil"];
        for line in sent {
            headers.append(header::COOKIE, line.parse().unwrap());
        }
        without_prefix(&mut headers);
        assert_eq!(headers[header::COOKIE], "sanbao_access=a.b; other=1; __Host-other=2");
        let mut headers = HeaderMap::from_iter([(header::COOKIE, "sanbao_access=evil".parse().unwrap())]);
        without_prefix(&mut headers);
        assert!(headers.is_empty());
    }

    #[test]
    fn what_is_set_keeps_to_the_prefix() {
        let mut headers = HeaderMap::new();
        for line in ["sanbao_refresh=x; HttpOnly; SameSite=Lax; Path=/session; Max-Age=60", "other=1; Path=/x"] {
            headers.append(header::SET_COOKIE, line.parse().unwrap());
        }
        with_prefix(&mut headers);
        let lines: Vec<_> = headers.get_all(header::SET_COOKIE).iter().map(|v| v.to_str().unwrap()).collect();
        let ours = "__Host-sanbao_refresh=x; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=60";
        assert_eq!(lines, [ours, "other=1; Path=/x"]);
    }
}
