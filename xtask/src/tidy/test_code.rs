//! The tokens of a source that are test code: items under `#[cfg(test)]`, and test functions.

use std::ops::Range;

use super::lexer::{Kind, Token, closing};

/// A function that the test harness calls.
#[derive(Debug)]
pub(crate) struct TestFunction {
    pub(crate) name: String,
    pub(crate) line: usize,
    /// Its tokens, attributes included.
    pub(crate) tokens: Range<usize>,
}

#[derive(Debug, Default)]
pub(crate) struct TestCode {
    /// Token ranges; they may nest.
    pub(crate) ranges: Vec<Range<usize>>,
    pub(crate) functions: Vec<TestFunction>,
    /// `#[cfg(test)] mod name;`: the module's own file is test code.
    pub(crate) modules: Vec<String>,
}

impl TestCode {
    pub(crate) fn find(tokens: &[Token]) -> Self {
        let mut found = Self::default();
        for start in 0..tokens.len() {
            if let Some(attribute) = Attribute::at(tokens, start) {
                found.add(tokens, &attribute);
            }
        }
        found
    }

    fn add(&mut self, tokens: &[Token], attribute: &Attribute) {
        let content = &tokens[attribute.content.clone()];
        if !is_cfg_test(content) && !is_test_marker(content) {
            return;
        }
        if attribute.inner {
            self.ranges.push(0..tokens.len());
            return;
        }
        let item = after_attributes(tokens, attribute.end);
        let range = attribute.start..item_end(tokens, item);
        match words_after(tokens, item, &["mod", "fn"]) {
            Some(("mod", name, _))
                if range.end.checked_sub(1).is_some_and(|last| tokens[last].is(";")) =>
            {
                self.modules.push(name);
            }
            Some(("fn", name, line)) if is_test_marker(content) => {
                self.functions.push(TestFunction { name, line, tokens: range.clone() });
            }
            _ => {}
        }
        self.ranges.push(range);
    }
}

struct Attribute {
    start: usize,
    content: Range<usize>,
    end: usize,
    inner: bool,
}

impl Attribute {
    fn at(tokens: &[Token], start: usize) -> Option<Self> {
        if !tokens.get(start)?.is("#") {
            return None;
        }
        let inner = tokens.get(start + 1)?.is("!");
        let open = start + 1 + usize::from(inner);
        if !tokens.get(open)?.is("[") {
            return None;
        }
        let close = closing(tokens, open);
        Some(Self { start, content: open + 1..close, end: close + 1, inner })
    }
}

/// `cfg(test)` or `cfg(all(.., test, ..))`; `cfg(any(test, ..))` and `cfg(not(test))` are code of
/// the product too.
fn is_cfg_test(content: &[Token]) -> bool {
    let text: Vec<&str> = content.iter().map(|token| token.text.as_str()).collect();
    match text.as_slice() {
        ["cfg", "(", "test", ")"] => true,
        ["cfg", "(", "all", "(", conditions @ ..] => {
            conditions.first() == Some(&"test")
                || conditions.windows(2).any(|pair| pair == [",", "test"])
        }
        _ => false,
    }
}

/// `test`, `tokio::test(..)`, and every other path that ends in `test`.
fn is_test_marker(content: &[Token]) -> bool {
    let path = content.iter().take_while(|token| token.kind == Kind::Word || token.is("::"));
    path.last().is_some_and(|last| last.is("test"))
}

fn after_attributes(tokens: &[Token], mut index: usize) -> usize {
    while let Some(attribute) = Attribute::at(tokens, index) {
        index = attribute.end;
    }
    index
}

/// Behind the item that starts at `start`: after its block or its semicolon.
fn item_end(tokens: &[Token], start: usize) -> usize {
    let has_block =
        match words_after(tokens, start, &["use", "const", "static", "type", "let", "fn"]) {
            Some(("use" | "static" | "type" | "let", ..)) => false,
            Some(("const", next, _)) => {
                ["fn", "async", "unsafe", "extern"].contains(&next.as_str())
            }
            _ => true,
        };
    let mut index = start;
    while let Some(token) = tokens.get(index) {
        match token.kind {
            Kind::Open => {
                index = closing(tokens, index);
                if has_block && tokens[index].is("}") {
                    return index + 1;
                }
            }
            Kind::Close => return index,
            Kind::Mark if token.is(";") => return index + 1,
            _ => {}
        }
        index += 1;
    }
    index
}

/// The first of `keywords` among the words at the start of an item (after `pub(..)`), with the word
/// behind it and that word's line.
fn words_after<'a>(
    tokens: &[Token],
    start: usize,
    keywords: &[&'a str],
) -> Option<(&'a str, String, usize)> {
    let mut index = start;
    while let Some(token) = tokens.get(index) {
        match token.kind {
            Kind::Word => {
                if let Some(keyword) = keywords.iter().find(|keyword| token.is(keyword)) {
                    let name = tokens.get(index + 1)?;
                    return Some((keyword, name.text.clone(), name.line));
                }
            }
            Kind::Open if token.is("(") => index = closing(tokens, index),
            Kind::Literal => {}
            _ => return None,
        }
        index += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::lexer::lex;
    use super::*;

    /// The words of a source that are not test code.
    fn product(source: &str) -> String {
        let tokens = lex(source).unwrap();
        let tests = TestCode::find(&tokens);
        let outside = tokens
            .iter()
            .enumerate()
            .filter(|(index, _)| !tests.ranges.iter().any(|range| range.contains(index)));
        outside.map(|(_, token)| token.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn an_item_under_cfg_test_is_test_code_to_its_end() {
        assert_eq!(product("#[cfg(test)] mod tests { fn a() {} } fn b() {}"), "fn b ( ) { }");
        assert_eq!(product("#[cfg(test)] use a::{b, c}; fn d() {}"), "fn d ( ) { }");
        assert_eq!(
            product("#[cfg(test)] #[derive(Debug)] struct A { b: u8 } struct C;"),
            "struct C ;"
        );
        assert_eq!(product("#[cfg(test)] const fn a() {} struct B;"), "struct B ;");
        assert_eq!(product("#[cfg(test)] const A: B = B { c: 1 }; struct D;"), "struct D ;");
        assert_eq!(product("#[cfg(all(test, unix))] pub(crate) fn a() {} struct B;"), "struct B ;");
    }

    #[test]
    fn what_is_compiled_without_tests_too_is_not_test_code() {
        for source in
            ["#[cfg(not(test))] fn a ( ) { }", "#[cfg(any(test, feature = \"x\"))] fn a ( ) { }"]
        {
            assert!(product(source).ends_with("fn a ( ) { }"), "{source}");
        }
    }

    #[test]
    fn a_test_function_has_a_name_and_a_line() {
        let tokens =
            lex("fn a() {}\n#[tokio::test(start_paused = true)]\nasync fn b_c_d() {}").unwrap();
        let functions = TestCode::find(&tokens).functions;
        assert_eq!(
            (functions[0].name.as_str(), functions[0].line, functions.len()),
            ("b_c_d", 3, 1)
        );
    }

    #[test]
    fn the_file_of_a_test_module_is_named() {
        assert_eq!(
            TestCode::find(&lex("#[cfg(test)] mod tests; mod other;").unwrap()).modules,
            ["tests"]
        );
    }
}
