//! The error code of an answer that the SDK does not read: a document whose root is `Error`, as S3
//! and other stores have it.

/// More than any code has.
const MAX_LEN: usize = 64;

/// Returns the text of the first `Code` in an error document. The rest of the answer is not read.
pub(crate) fn code(body: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(body).ok()?;
    if !matches!(root(text)?, "Error" | "ErrorResponse") {
        return None;
    }
    let (_, after) = text.split_once("<Code>")?;
    let (code, _) = after.split_once("</Code>")?;
    let code = code.trim();
    let is_code = (1..=MAX_LEN).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
    is_code.then_some(code)
}

/// The name of the root element, without its namespace prefix.
fn root(text: &str) -> Option<&str> {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    while let Some(prolog) = rest.strip_prefix("<?").or_else(|| rest.strip_prefix("<!")) {
        let end = if prolog.starts_with("--") { "-->" } else { ">" };
        rest = prolog.split_once(end)?.1.trim_start();
    }
    let name = rest.strip_prefix('<')?;
    let name = &name[..name.find(|c: char| c == '>' || c == '/' || c.is_whitespace())?];
    Some(name.rsplit_once(':').map_or(name, |(_, local)| local))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_found_in_an_error_document_and_nowhere_else() {
        for document in [
            "<Error><Code>AccessDenied</Code><Message>no</Message></Error>",
            "\u{feff}<?xml version=\"1.0\"?>\n<!-- x --><Error xmlns=\"u\">\n <Code> AccessDenied </Code></Error>",
            "<s3:Error><Code>AccessDenied</Code></s3:Error>",
            "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code></Error></ErrorResponse>",
        ] {
            assert_eq!(code(document.as_bytes()), Some("AccessDenied"), "{document}");
        }
        for document in [
            "",
            "<html><Code>AccessDenied</Code></html>",
            "<Error><Code></Code></Error>",
            "<Error><Code>a b</Code></Error>",
            "<Error><Message>x</Message></Error>",
            "<Error>",
            "{\"Code\": \"AccessDenied\"}",
            "<AssumeRoleResponse><Code>AccessDenied</Code></AssumeRoleResponse>",
        ] {
            assert_eq!(code(document.as_bytes()), None, "{document}");
        }
        assert_eq!(code(&[0xff, b'<']), None);
    }
}
