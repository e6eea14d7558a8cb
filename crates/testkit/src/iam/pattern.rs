//! Patterns of policies: `*` is any text, `?` any character.

/// A part of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    Literal(char),
    One,
    Any,
}

/// Splits a pattern in which only `*` and `?` are special.
pub(super) fn wildcards(pattern: &str) -> Vec<Token> {
    pattern.chars().map(token).collect()
}

/// Splits a pattern with `*`, `?` and policy variables, of which only the special characters
/// `${*}`, `${?}` and `${$}` are known. `None` for another variable.
pub(super) fn with_variables(pattern: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        if let Some(variable) = rest.strip_prefix("${") {
            let (name, after) = variable.split_once('}')?;
            let special = ['*', '?', '$'].into_iter().find(|c| name == c.to_string())?;
            tokens.push(Token::Literal(special));
            rest = after;
        } else {
            tokens.push(token(first));
            rest = &rest[first.len_utf8()..];
        }
    }
    Some(tokens)
}

/// Returns whether the pattern matches the whole text. It only backtracks to the last `*`, so that
/// no pattern takes long.
pub(super) fn matches(pattern: &[Token], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut here) = (0, 0);
    let mut back = None;
    while here < text.len() {
        match pattern.get(at) {
            Some(Token::Any) => {
                back = Some((at, here));
                at += 1;
            }
            Some(token) if *token == Token::One || *token == Token::Literal(text[here]) => {
                at += 1;
                here += 1;
            }
            _ => {
                let Some((star, from)) = back else {
                    return false;
                };
                back = Some((star, from + 1));
                at = star + 1;
                here = from + 1;
            }
        }
    }
    pattern[at..].iter().all(|token| *token == Token::Any)
}

fn token(character: char) -> Token {
    match character {
        '*' => Token::Any,
        '?' => Token::One,
        other => Token::Literal(other),
    }
}
