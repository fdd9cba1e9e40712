//! The tokens that the rules read from a Rust file: comments and strings cannot mislead them.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A constant whose value is text.
#[derive(Debug, PartialEq, Eq)]
pub struct TextConst {
    pub name: String,
    pub line: usize,
    pub text: String,
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    pub line: usize,
    pub lines: usize,
}

/// The file's tokens, one list per bracket, outermost first; a file that is not Rust is a finding of its own.
pub fn groups(text: &str) -> Result<Vec<Vec<TokenTree>>, String> {
    let stream: TokenStream = text.parse().map_err(|e| format!("cannot be read as Rust: {e}"))?;
    Ok(spread(vec![stream.into_iter().collect()]))
}

fn spread(mut groups: Vec<Vec<TokenTree>>) -> Vec<Vec<TokenTree>> {
    let mut next = 0;
    while next < groups.len() {
        let inner: Vec<Vec<TokenTree>> = groups[next]
            .iter()
            .filter_map(|t| if let TokenTree::Group(g) = t { Some(g.stream().into_iter().collect()) } else { None })
            .collect();
        groups.extend(inner);
        next += 1;
    }
    groups
}

/// The same without what stands under `#[cfg(test)]`.
pub fn without_tests(groups: &[Vec<TokenTree>]) -> Vec<Vec<TokenTree>> {
    let is_cfg_test =
        |t: &TokenTree| matches!(t, TokenTree::Group(g) if g.to_string().replace(' ', "") == "[cfg(test)]");
    // The outermost list is the file; tests stand at its level.
    let Some(file) = groups.first() else { return Vec::new() };
    let (mut kept, mut inside) = (Vec::new(), false);
    for token in file {
        inside |= is_cfg_test(token);
        let ends = matches!(token, TokenTree::Group(g) if g.delimiter() == Delimiter::Brace) || is_punct(token, ';');
        if !inside {
            kept.push(token.clone());
        } else if ends {
            inside = false;
        }
    }
    spread(vec![kept])
}

pub fn functions(groups: &[Vec<TokenTree>]) -> Vec<Function> {
    let mut found = Vec::new();
    for tokens in groups {
        for (at, token) in tokens.iter().enumerate() {
            let (true, Some(TokenTree::Ident(name))) = (is_ident(token, "fn"), tokens.get(at + 1)) else { continue };
            // The body is the next pair of braces; a declaration ends before one.
            let body = tokens[at..].iter().take_while(|t| !is_punct(t, ';')).find_map(|t| match t {
                TokenTree::Group(g) if g.delimiter() == Delimiter::Brace => Some(g),
                _ => None,
            });
            let Some(body) = body else { continue };
            let line = name.span().start().line;
            found.push(Function { name: name.to_string(), line, lines: body.span_close().end().line - line + 1 });
        }
    }
    found
}

/// Constants and statics of text: a literal, or a `concat!`, in which a macro's call becomes `<name!>` and all else but literals
/// `<?>`.
pub fn text_consts(groups: &[Vec<TokenTree>]) -> Vec<TextConst> {
    let mut found = Vec::new();
    for tokens in groups {
        for (at, token) in tokens.iter().enumerate() {
            let lifetime = at > 0 && is_punct(&tokens[at - 1], '\'');
            let keyword = is_ident(token, "const") || is_ident(token, "static") && !lifetime;
            let (true, Some(TokenTree::Ident(name))) = (keyword, tokens.get(at + 1)) else { continue };
            let item = tokens[at..].iter().take_while(|t| !is_punct(t, ';'));
            let mut value = item.skip_while(|t| !is_punct(t, '=')).skip(1);
            let text = match (value.next(), value.next(), value.next()) {
                (Some(TokenTree::Literal(l)), None, None) => text_of(l),
                (Some(i), Some(_), Some(TokenTree::Group(g))) if is_ident(i, "concat") => Some(concat_of(g.stream())),
                _ => None,
            };
            if let Some(text) = text {
                found.push(TextConst { name: name.to_string(), line: name.span().start().line, text });
            }
        }
    }
    found
}

/// Texts that stand alone, and those of each `concat!` wherever it is: as in [`text_consts`].
pub fn text_parts(groups: &[Vec<TokenTree>]) -> Vec<TextConst> {
    let mut found: Vec<TextConst> = text_consts(groups);
    for tokens in groups {
        for at in tokens.windows(3) {
            if let [concat, call, TokenTree::Group(group)] = at
                && is_ident(concat, "concat")
                && is_punct(call, '!')
            {
                let line = group.span().start().line;
                found.push(TextConst { name: String::new(), line, text: concat_of(group.stream()) });
            }
        }
    }
    found
}

fn concat_of(arguments: TokenStream) -> String {
    let arguments: Vec<TokenTree> = arguments.into_iter().collect();
    let part = |argument: &[TokenTree]| match argument {
        [] => String::new(),
        [TokenTree::Literal(l)] => text_of(l).unwrap_or_else(|| "<?>".into()),
        [TokenTree::Ident(name), call, TokenTree::Group(_)] if is_punct(call, '!') => format!("<{name}!>"),
        _ => "<?>".into(),
    };
    arguments.split(|token| is_punct(token, ',')).map(part).collect()
}

/// Macros that stand for one text, `macro_rules! name { () => { "text" } }`, by name.
pub fn text_macros(groups: &[Vec<TokenTree>]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for tokens in groups {
        for at in tokens.windows(4) {
            let [rules, call, TokenTree::Ident(name), TokenTree::Group(body)] = at else { continue };
            if !is_ident(rules, "macro_rules") || !is_punct(call, '!') {
                continue;
            }
            let body: Vec<TokenTree> = body.stream().into_iter().collect();
            let [TokenTree::Group(none), _, _, TokenTree::Group(text), ..] = body.as_slice() else { continue };
            let text: Vec<TokenTree> = text.stream().into_iter().collect();
            if let ([TokenTree::Literal(text)], true) = (text.as_slice(), none.stream().is_empty())
                && let Some(text) = text_of(text)
            {
                found.push((name.to_string(), text));
            }
        }
    }
    found
}

/// Lines in which the path stands, such as `Utc::now`, whatever stands before its first name.
pub fn lines_with_path(groups: &[Vec<TokenTree>], path: &str) -> Vec<usize> {
    let names: Vec<&str> = path.split("::").collect();
    let mut found = Vec::new();
    for tokens in groups {
        for at in 0..tokens.len() {
            if path_stands_at(&tokens[at..], &names) {
                found.push(tokens[at].span().start().line);
            }
        }
    }
    found
}

fn path_stands_at(tokens: &[TokenTree], names: &[&str]) -> bool {
    // name (: : name)*
    names.iter().enumerate().all(|(n, name)| {
        tokens.get(n * 3).is_some_and(|t| is_ident(t, name))
            && (n == 0 || [n * 3 - 1, n * 3 - 2].iter().all(|&at| is_punct(&tokens[at], ':')))
    })
}

/// Types that others can name (`pub`, `pub(crate)`, `pub(super)` …), each with its line.
pub fn visible_types(groups: &[Vec<TokenTree>]) -> Vec<(String, usize)> {
    const KINDS: &[&str] = &["struct", "enum", "union", "trait", "type"];
    let mut found = Vec::new();
    for tokens in groups {
        for at in 0..tokens.len() {
            if !is_ident(&tokens[at], "pub") {
                continue;
            }
            // pub, or pub(…), then perhaps `unsafe`, the kind and the name.
            let mut rest = tokens[at + 1..].iter().filter(|t| !is_ident(t, "unsafe"));
            let mut next = rest.next();
            if matches!(next, Some(TokenTree::Group(g)) if g.delimiter() == Delimiter::Parenthesis) {
                next = rest.next();
            }
            let is_type = next.is_some_and(|t| KINDS.iter().any(|k| is_ident(t, k)));
            if let (true, Some(TokenTree::Ident(name))) = (is_type, rest.next()) {
                found.push((name.to_string(), name.span().start().line));
            }
        }
    }
    found
}

/// Items that are `pub` without limits and have no doc comment, each with its line; modules and re-exports have theirs elsewhere.
pub fn undocumented_items(groups: &[Vec<TokenTree>]) -> Vec<(String, usize)> {
    const KINDS: &[&str] = &["fn", "struct", "enum", "union", "trait", "type", "const", "static"];
    const BEFORE_KIND: &[&str] = &["const", "async", "unsafe"];
    let mut found = Vec::new();
    for tokens in groups {
        for at in (0..tokens.len()).filter(|at| is_ident(&tokens[*at], "pub")) {
            let mut rest = tokens[at + 1..].iter().take(5).peekable();
            let mut kind = rest.next();
            // `pub const fn`, but `pub const NAME`.
            while kind.is_some_and(|t| BEFORE_KIND.iter().any(|b| is_ident(t, b)))
                && rest.peek().is_some_and(|t| KINDS.iter().chain(BEFORE_KIND).any(|k| is_ident(t, k)))
            {
                kind = rest.next();
            }
            let is_item = kind.is_some_and(|t| KINDS.iter().any(|k| is_ident(t, k)));
            if let (true, Some(TokenTree::Ident(name)), false) = (is_item, rest.next(), is_documented(&tokens[..at])) {
                found.push((name.to_string(), name.span().start().line));
            }
        }
    }
    found
}

/// Whether the attributes that end `before` hold a doc comment, or are for a macro to fill in.
fn is_documented(before: &[TokenTree]) -> bool {
    // `$(#[$meta])*` of a macro.
    if before.last().is_some_and(|t| is_punct(t, '*')) {
        return true;
    }
    let mut end = before.len();
    while end >= 2 {
        let (mark, TokenTree::Group(group)) = (&before[end - 2], &before[end - 1]) else { return false };
        let first = group.stream().into_iter().next();
        if is_punct(mark, '#') && first.is_some_and(|t| is_ident(&t, "doc")) {
            return true;
        }
        if !is_punct(mark, '#') {
            return false;
        }
        end -= 2;
    }
    false
}

/// The modules named as `crate::module`, or within `crate::{…}`, each with its line.
pub fn crate_modules(groups: &[Vec<TokenTree>]) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for tokens in groups {
        for at in 0..tokens.len() {
            if !path_stands_at(&tokens[at..], &["crate"]) || !tokens.get(at + 1).is_some_and(|t| is_punct(t, ':')) {
                continue;
            }
            match tokens.get(at + 3) {
                Some(TokenTree::Ident(name)) => found.push((name.to_string(), name.span().start().line)),
                Some(TokenTree::Group(list)) => {
                    let mut begins = true;
                    for token in list.stream() {
                        if let (true, TokenTree::Ident(name)) = (begins, &token) {
                            found.push((name.to_string(), name.span().start().line));
                        }
                        begins = is_punct(&token, ',');
                    }
                }
                _ => {}
            }
        }
    }
    found
}

/// Lines in which one of `callees` is called with text written in place as its first argument.
pub fn lines_with_text_call(groups: &[Vec<TokenTree>], callees: &[&str]) -> Vec<usize> {
    let mut found = Vec::new();
    for tokens in groups {
        for (at, token) in tokens.iter().enumerate() {
            if !callees.iter().any(|c| is_ident(token, c)) {
                continue;
            }
            let Some(TokenTree::Group(arguments)) = after_turbofish(&tokens[at + 1..]) else { continue };
            if matches!(arguments.stream().into_iter().next(), Some(TokenTree::Literal(l)) if text_of(&l).is_some()) {
                found.push(token.span().start().line);
            }
        }
    }
    found
}

/// Lines in which the method is called with text written in place as its first argument.
pub fn lines_with_text_method(groups: &[Vec<TokenTree>], method: &str) -> Vec<usize> {
    let mut found = Vec::new();
    for call in groups.iter().flat_map(|tokens| tokens.windows(3)) {
        let TokenTree::Group(arguments) = &call[2] else { continue };
        let text =
            matches!(arguments.stream().into_iter().next(), Some(TokenTree::Literal(l)) if text_of(&l).is_some());
        if is_punct(&call[0], '.') && is_ident(&call[1], method) && text {
            found.push(call[1].span().start().line);
        }
    }
    found
}

/// The first token behind `::<…>`, or simply the first.
fn after_turbofish(tokens: &[TokenTree]) -> Option<&TokenTree> {
    if !matches!(tokens, [a, b, c, ..] if is_punct(a, ':') && is_punct(b, ':') && is_punct(c, '<')) {
        return tokens.first();
    }
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate() {
        depth += i32::from(is_punct(token, '<')) - i32::from(is_punct(token, '>'));
        if at > 2 && depth == 0 {
            return tokens.get(at + 1);
        }
    }
    None
}

pub fn text_of(literal: &proc_macro2::Literal) -> Option<String> {
    match syn::Lit::new(literal.clone()) {
        syn::Lit::Str(s) => Some(s.value()),
        _ => None,
    }
}

fn is_ident(token: &TokenTree, name: &str) -> bool {
    matches!(token, TokenTree::Ident(i) if i == name)
}

fn is_punct(token: &TokenTree, c: char) -> bool {
    matches!(token, TokenTree::Punct(p) if p.as_char() == c)
}
