//! One mount flag. Drivers pass it on whole or split, so both readings must agree.

use super::known::{Known, known, near_miss};

type Options = Vec<(&'static Known, String)>;

/// The result of parsing one flag.
#[derive(Debug)]
pub(super) enum Parsed {
    /// Only options of Mountpoint.
    Understood(Options),
    /// Anything else, with the options that can be recognised in it.
    Unclear { reason: String, found: Options },
}

pub(super) fn flag(flag: &str) -> Parsed {
    let flag = flag.trim_start_matches(is_space).trim_end_matches(' ');
    if flag.is_empty() {
        return Parsed::Understood(Vec::new());
    }
    match single(flag) {
        Ok(option) => Parsed::Understood(vec![option]),
        Err(reason) => match sequence(flag).or_else(|| list(flag)) {
            Some(options) => Parsed::Understood(options),
            None => Parsed::Unclear { reason, found: recognisable(flag) },
        },
    }
}

fn is_space(c: char) -> bool {
    c.is_ascii_whitespace()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// The name of a word, without dashes and without a value.
fn name_of(word: &str) -> &str {
    let name = word.trim_start_matches('-');
    name.split_once('=').map_or(name, |(name, _)| name)
}

/// Returns whether a word within a value may be meant as an option of its own.
fn looks_like_option(word: &str) -> bool {
    word.starts_with('-') || known(name_of(word)).is_some()
}

/// One option, whose value may hold white space, commas and `=`.
fn single(flag: &str) -> Result<(&'static Known, String), String> {
    let end = flag.find(|c| c == '=' || is_space(c)).unwrap_or(flag.len());
    let (name, rest) = flag.split_at(end);
    let rest = rest.trim_start_matches(is_space);
    let has_value = !rest.trim_matches(is_space).is_empty();
    // After `=` a driver that passes the flag on whole takes off spaces alone.
    let value = match rest.strip_prefix('=') {
        Some(value) => value.trim_matches(' '),
        None => rest.trim_matches(is_space),
    };
    let option = known(name.trim_start_matches('-')).ok_or_else(|| unknown(name))?;
    let name = option.name;
    if !option.takes_value {
        return if has_value {
            Err(format!("`--{name}` takes no value"))
        } else {
            Ok((option, String::new()))
        };
    }
    let attached = rest.starts_with('=');
    let mut parts = value.split(|c| c == ',' || is_space(c)).filter(|part| !part.is_empty());
    let first_is_option = parts.next().is_some_and(|first| !attached && first.starts_with('-'));
    if first_is_option || parts.any(looks_like_option) {
        return Err(format!("the value of `--{name}` holds what may be another option"));
    }
    Ok((option, value.to_owned()))
}

fn unknown(name: &str) -> String {
    let name = name.trim_start_matches('-');
    match near_miss(name) {
        Some(option) => format!("unknown option; expected perhaps `--{option}`"),
        None => "unknown option; expected one option of Mountpoint".to_owned(),
    }
}

/// Options that are separated by white space. After a value the next one begins with dashes, since
/// it could be part of the value otherwise.
fn sequence(flag: &str) -> Option<Options> {
    let mut options: Options = Vec::new();
    let mut words = words(flag);
    while let Some(word) = words.next() {
        let after_value = options.last().is_some_and(|(option, _)| option.takes_value);
        if after_value && !word.starts_with('-') {
            return None;
        }
        let option = known(name_of(word))?;
        let value = match (word.split_once('='), option.takes_value) {
            (Some((_, value)), true) => value,
            (None, true) => words.next().filter(|value| !value.starts_with('-'))?,
            (None, false) => "",
            (Some(_), false) => return None,
        };
        if value.split(',').skip(1).any(looks_like_option) {
            return None;
        }
        options.push((option, value.to_owned()));
    }
    Some(options)
}

/// Options that are separated by commas. Only the last one may have a value, since a value may hold
/// a comma.
fn list(flag: &str) -> Option<Options> {
    let (switches, last) = flag.rsplit_once(',')?;
    let mut options: Options = Vec::new();
    for piece in switches.split(',') {
        let option = known(piece.trim_matches(is_space).trim_start_matches('-'))?;
        if option.takes_value {
            return None;
        }
        options.push((option, String::new()));
    }
    options.push(single(last.trim_matches(is_space)).ok()?);
    Some(options)
}

/// All that may be an option, whatever stands around it.
fn recognisable(flag: &str) -> Options {
    let mut options: Options = Vec::new();
    let mut parts = flag.split(|c| c == ',' || is_space(c)).filter(|part| !part.is_empty());
    while let Some(part) = parts.next() {
        let Some(option) = known(name_of(part)) else {
            continue;
        };
        let value = match (part.split_once('='), option.takes_value) {
            (Some((_, value)), true) => value,
            (None, true) => parts.next().unwrap_or_default(),
            (_, false) => "",
        };
        options.push((option, value.to_owned()));
    }
    options
}
