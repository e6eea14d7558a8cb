//! URLs with a user name or a password in them.

/// The text in the place of a secret.
const MASK: &str = "********";

/// Returns whether a URL holds a user name or a password, with a scheme or without, as proxies may
/// be written.
pub fn has_user_info(url: &str) -> bool {
    span(url).is_some()
}

/// The URL with its user name and password masked.
///
/// ```
/// use s3_credential_core::mask_user_info;
///
/// assert_eq!(mask_user_info("http://svc:hunter2@proxy:3128"), "http://********@proxy:3128");
/// assert_eq!(mask_user_info("http://proxy:3128/a@b"), "http://proxy:3128/a@b");
/// ```
pub fn mask_user_info(url: &str) -> String {
    match span(url) {
        Some((start, end)) => format!("{}{MASK}{}", &url[..start], &url[end..]),
        None => url.to_owned(),
    }
}

/// Returns the span of the user info. A password may hold any unescaped character. So it ends with
/// the last `@` before the path; if that is not clear, with the last `@` of all.
fn span(url: &str) -> Option<(usize, usize)> {
    let start = url.find("://").map_or(0, |at| at + 3);
    let rest = &url[start..];
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    if let Some(at) = authority.rfind('@') {
        return Some((start, start + at));
    }
    // `http://user:pa/ss@host`: what precedes the slash is no port.
    let port = authority.rsplit_once(':').map(|(_, port)| port);
    let is_port =
        port.is_none_or(|port| port.bytes().all(|b| b.is_ascii_digit()) || port.contains(']'));
    let at = rest.rfind('@').filter(|_| !is_port)?;
    Some((start, start + at))
}
