//! Tests are sentences, all run, and none waits for time to pass.

use crate::tidy::finding::Finding;
use crate::tidy::lexer::{Kind, Token};
use crate::tidy::source::Source;
use crate::tidy::test_code::TestFunction;
use crate::tidy::tree::Tree;

pub(crate) fn a_test_name_is_a_sentence(tree: &Tree) -> Vec<Finding> {
    let is_sentence = |name: &str| {
        name.split('_').filter(|word| !word.is_empty()).count() > 2 && !name.starts_with("test_")
    };
    let mut findings = Vec::new();
    for source in &tree.sources {
        for function in
            source.test_functions().iter().filter(|function| !is_sentence(&function.name))
        {
            let message = format!(
                "`{}` does not say what holds; name the test with a sentence, `hard_failure_stops_the_chain`",
                function.name
            );
            findings.push(Finding::at(&source.path, function.line, message));
        }
    }
    findings
}

pub(crate) fn no_test_is_ignored(tree: &Tree) -> Vec<Finding> {
    let is_ignore = |three: &[Token]| three[0].is("#") && three[1].is("[") && three[2].is("ignore");
    let mut findings = Vec::new();
    for source in &tree.sources {
        for three in source.tokens.windows(3).filter(|three| is_ignore(three)) {
            let message = "an ignored test is no proof; run it, or give it a command of its own";
            findings.push(Finding::at(&source.path, three[0].line, message));
        }
    }
    findings
}

/// A benchmark may: what it measures is time that passes.
pub(crate) fn no_test_sleeps(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in tree.sources.iter().filter(|source| !source.path.starts_with("tests/peers/")) {
        let sleeps = source.paths.iter().filter(|named| match named.path.as_str() {
            "std::thread::sleep" => true,
            "tokio::time::sleep" => {
                source.is_test(named.token) && !time_is_paused(source, named.token)
            }
            _ => false,
        });
        let message =
            "sleeping waits too long or not long enough; await the event, or pause tokio's time";
        findings.extend(sleeps.map(|named| Finding::at(&source.path, named.line, message)));
    }
    findings
}

/// In the test around the token; for what tests share, in all tests of the file.
fn time_is_paused(source: &Source, token: usize) -> bool {
    let functions = source.test_functions();
    let paused =
        |function: &TestFunction| source.tokens[function.tokens.clone()].iter().any(is_pause);
    match functions.iter().find(|function| function.tokens.contains(&token)) {
        Some(function) => paused(function),
        None => !functions.is_empty() && functions.iter().all(paused),
    }
}

fn is_pause(token: &Token) -> bool {
    token.kind == Kind::Word && (token.is("start_paused") || token.is("pause"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::rules::Rule;

    fn count(rule: Rule, text: &str) -> usize {
        rule(&Tree::sample(&[("crates/a/tests/a.rs", text)])).len()
    }

    #[test]
    fn a_name_of_three_words_is_a_sentence() {
        let rule = a_test_name_is_a_sentence;
        assert_eq!(count(rule, "#[test] fn empty_is_refused() {} fn helper() {}"), 0);
        assert_eq!(count(rule, "#[test] fn empty() {}"), 1);
        assert_eq!(count(rule, "#[tokio::test] async fn test_empty_is_refused() {}"), 1);
        assert_eq!(count(rule, "proptest! { #[test] fn empty(a in 0..1) {} }"), 1);
    }

    #[test]
    fn an_ignored_test_is_found() {
        let attribute = format!("#[{}]", "ignore");
        assert_eq!(count(no_test_is_ignored, "#[test] fn a_b_c() { ignore(b) }"), 0);
        assert_eq!(count(no_test_is_ignored, &format!("#[test] {attribute} fn a_b_c() {{}}")), 1);
    }

    #[test]
    fn a_test_sleeps_only_on_paused_time() {
        let sleep = "{ tokio::time::sleep(b).await }";
        assert_eq!(
            count(
                no_test_sleeps,
                &format!("#[tokio::test(start_paused = true)] async fn a_b_c() {sleep}")
            ),
            0
        );
        assert_eq!(
            count(
                no_test_sleeps,
                &format!(
                    "#[tokio::test(start_paused = true)] async fn a_b_c() {{}} async fn helper() {sleep}"
                )
            ),
            0
        );
        assert_eq!(count(no_test_sleeps, &format!("#[tokio::test] async fn a_b_c() {sleep}")), 1);
        assert_eq!(
            count(
                no_test_sleeps,
                &format!("#[tokio::test] async fn a_b_c() {{}} async fn helper() {sleep}")
            ),
            1
        );
        assert_eq!(count(no_test_sleeps, "use std::thread; fn a() { thread::sleep(b) }"), 1);
    }

    #[test]
    fn a_product_may_sleep_on_the_runtime_only() {
        let product = |text| no_test_sleeps(&Tree::sample(&[("crates/a/src/lib.rs", text)])).len();
        assert_eq!(product("async fn a() { tokio::time::sleep(b).await }"), 0);
        assert_eq!(product("fn a() { std::thread::sleep(b) }"), 1);
    }
}
