//! Mountpoint's last lines as the answer that the user of the volume reads.

use tonic::Code;

use crate::error::CallError;

/// How much of Mountpoint's output a message holds, in bytes; an event's note holds 1,024.
const MAX_SHOWN: usize = 600;

/// What Mountpoint prints, the code for it, and what to do.
///
/// The first that fits counts: S3 answers 403 for keys that it does not know, too, and Mountpoint
/// calls each of those `Forbidden`.
const KNOWN: &[(&[&str], Code, &str)] = &[
    (
        &[
            "ExpiredToken",
            "token has expired",
            "InvalidAccessKeyId",
            "Access Key Id you provided does not exist",
            "SignatureDoesNotMatch",
            "request signature we calculated does not match",
            "InvalidToken",
            "provided token is malformed",
        ],
        Code::Unauthenticated,
        "check the keys, and the clock of the node",
    ),
    (
        &["AccessDenied", "Access Denied", "not authorized to perform", "Forbidden"],
        Code::PermissionDenied,
        "allow the action in the role's policy and in the bucket's",
    ),
    (
        &["NoSuchBucket", "bucket does not exist"],
        Code::NotFound,
        "correct the volume attribute `bucketName`, or create the bucket",
    ),
    (
        &["PermanentRedirect", "wrong region", "AuthorizationHeaderMalformed"],
        Code::InvalidArgument,
        "set the mount option `--region` to the bucket's region",
    ),
    (
        &["No signing credentials", "NoSigningCredentials"],
        Code::Unauthenticated,
        "check that STS accepts the role's trust policy, and that it can be reached",
    ),
    (
        &["error: unexpected argument", "error: invalid value", "Usage: mount-s3"],
        Code::InvalidArgument,
        "correct the volume's mount options",
    ),
    (
        &["SlowDown", "timed out", "connection refused", "failed to lookup address", "AWS_IO_"],
        Code::Unavailable,
        "check that S3 can be reached from the node",
    ),
];

/// Returns the error for a Mountpoint that ended before it was ready.
pub fn mountpoint_failure(status: &str, stderr: &str, role: Option<&str>) -> CallError {
    let is_in = |words: &[&str]| words.iter().any(|word| stderr.contains(word));
    let known = KNOWN.iter().find(|(words, _, _)| is_in(words));
    let (code, help) = known.map_or(
        (Code::Internal, "see the mounter's log for the rest of its output"),
        |(_, code, help)| (*code, *help),
    );
    let role = role.map(|role| format!(" with the role {role}")).unwrap_or_default();
    let lines = last_lines(stderr);
    let lines = if lines.is_empty() { "it printed no reason".to_owned() } else { lines };
    CallError::new(code, format!("Mountpoint failed{role} ({status}): {lines}; {help}"))
}

/// The end of the output on one line, from the start of a line where that fits.
fn last_lines(stderr: &str) -> String {
    let lines = stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut shown = String::new();
    for line in lines.rev() {
        let line: String = line.chars().filter(|character| !character.is_control()).collect();
        if shown.len() + line.len() + 2 > MAX_SHOWN {
            if shown.is_empty() {
                shown = line.chars().take(MAX_SHOWN).collect();
            }
            break;
        }
        shown = if shown.is_empty() { line } else { format!("{line} | {shown}") };
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denied_action_is_named_with_the_role_that_was_used() {
        let stderr = "2026 WARN noise\nError: Failed to create S3 client\n\nCaused by:\n    User: arn:aws:sts::1:assumed-role/r is not authorized to perform: s3:ListBucket\n";
        let error = mountpoint_failure("exit status: 1", stderr, Some("arn:aws:iam::1:role/r"));
        assert_eq!(error.code, Code::PermissionDenied);
        assert!(error.message.contains("with the role arn:aws:iam::1:role/r (exit status: 1)"));
        assert!(error.message.contains("s3:ListBucket; allow the action"), "{}", error.message);
        assert!(!error.message.contains('\n'));
    }

    #[test]
    fn each_known_reason_has_its_code_and_an_unknown_one_is_internal() {
        for (stderr, code) in [
            ("NoSuchBucket", Code::NotFound),
            ("PermanentRedirect", Code::InvalidArgument),
            ("error: unexpected argument '--x' found", Code::InvalidArgument),
            ("InvalidAccessKeyId", Code::Unauthenticated),
            (
                "Forbidden: The AWS Access Key Id you provided does not exist in our records.",
                Code::Unauthenticated,
            ),
            ("Forbidden: The provided token has expired.", Code::Unauthenticated),
            ("Forbidden: Access Denied", Code::PermissionDenied),
            ("No signing credentials available, see CRT debug logs", Code::Unauthenticated),
            ("connection refused", Code::Unavailable),
            ("", Code::Internal),
            ("what", Code::Internal),
        ] {
            assert_eq!(mountpoint_failure("exit status: 1", stderr, None).code, code, "{stderr}");
        }
    }

    #[test]
    fn a_long_output_is_cut_and_holds_no_control_characters() {
        let stderr = format!("{}\u{1b}[31m\n", "x".repeat(5_000));
        let error = mountpoint_failure("signal: 9", &stderr, None);
        assert!(error.message.len() < MAX_SHOWN + 200);
        assert!(!error.message.chars().any(char::is_control));
    }
}
