//! Addresses of pages with what is asked for in them.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The characters that may stand as they are in a query's value: unreserved characters (RFC 3986 §2.3), and `/`, which
/// a query may hold.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A value as it stands in a query.
pub fn encode(value: &str) -> String {
    utf8_percent_encode(value, VALUE).to_string()
}

/// `path` with the parameters that have a value. Nothing personal belongs here: an address is kept in logs and histories.
pub fn address(path: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let set = parameters.iter().filter_map(|(name, value)| value.filter(|v| !v.is_empty()).map(|v| (name, v)));
    let pairs: Vec<String> = set.map(|(name, value)| format!("{name}={}", encode(value))).collect();
    if pairs.is_empty() { path.to_owned() } else { format!("{path}?{}", pairs.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_a_value_stands_in_an_address_and_it_is_escaped() {
        assert_eq!(address("/login", &[("next", None), ("x", Some(""))]), "/login");
        assert_eq!(
            address("/login", &[("next", Some("/consults?day=1&x=é")), ("n", Some("1"))]),
            "/login?next=/consults%3Fday%3D1%26x%3D%C3%A9&n=1"
        );
        assert_eq!(encode("城东东苑 2 幢"), "%E5%9F%8E%E4%B8%9C%E4%B8%9C%E8%8B%91%202%20%E5%B9%A2");
    }
}
