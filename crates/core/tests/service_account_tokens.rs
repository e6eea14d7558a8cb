//! The tokens of a request, read as every other driver's decoder reads them.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly, its helpers too")]

use s3_credential_core::{ErrorKind, STS_AUDIENCE, Secret, ServiceAccountTokens, Token};

/// The token for STS of an entry with these fields.
fn read(fields: &str) -> Result<Token, ErrorKind> {
    let json = format!(r#"{{"{STS_AUDIENCE}":{{{fields}}}}}"#);
    let tokens = ServiceAccountTokens::parse(&Secret::new(json)).map_err(|error| error.kind())?;
    tokens.get(STS_AUDIENCE).cloned().map_err(|error| error.kind())
}

#[test]
fn the_last_of_a_repeated_field_counts_whatever_its_case_and_null_is_none() {
    for fields in [
        r#""token":"first","token":"second""#,
        r#""token":"first","Token":"second""#,
        r#""Token":"first","token":"second""#,
        r#""TOKEN":"second","token":null"#,
        "\"to\u{212a}en\":\"second\"",
        r#""tok\u0065n":"second""#,
    ] {
        assert_eq!(read(fields).unwrap().secret().expose(), "second", "{fields}");
    }
    for fields in ["", r#""token":null"#, r#""token ":"t""#, r#""token":{}"#, r#""token":"""#] {
        assert_eq!(read(fields).unwrap_err(), ErrorKind::MalformedToken, "{fields}");
    }
}

#[test]
fn an_expiry_is_strictly_an_rfc_3339_instant() {
    let expiring = |at: &str| read(&format!(r#""token":"t","ExpirationTimeſtamp":{at}"#));
    for (at, instant) in [
        (r#""2030-01-01T00:00:00Z""#, "2030-01-01T00:00:00Z"),
        (r#""2030-01-01T1:00:00Z""#, "2030-01-01T01:00:00Z"),
        (r#""2030-01-01T00:00:00+09:30""#, "2029-12-31T14:30:00Z"),
        (r#""2030-01-01T00:00:00.123456789Z""#, "2030-01-01T00:00:00.123456789Z"),
    ] {
        assert_eq!(expiring(at).unwrap().expires_at(), Some(instant.parse().unwrap()), "{at}");
    }
    assert_eq!(expiring("null").unwrap().expires_at(), None);
    for at in [
        r#""2030-01-01t00:00:00z""#,
        r#""2030-01-01 00:00:00Z""#,
        r#""2030-01-01T00:00:00""#,
        r#""2030-01-01T00:00:00+0930""#,
        r#""2030-01-01T24:00:00Z""#,
        r#""2030-06-30T23:59:60Z""#,
        r#""2030-02-30T00:00:00Z""#,
        r#""10000-01-01T00:00:00Z""#,
        r#""2030-01-01""#,
        r#""soon""#,
        "\"é\"",
        "1893456000",
        "true",
        "{}",
    ] {
        assert_eq!(expiring(at).unwrap_err(), ErrorKind::MalformedToken, "{at}");
    }
}

#[test]
fn what_is_nested_deeper_than_anything_real_is_refused() {
    // Two objects are around it.
    let nested = |depth: usize| {
        read(&format!(
            r#""token":"t","other":{}{},"text":"\"[[""#,
            "[".repeat(depth),
            "]".repeat(depth)
        ))
    };
    assert!(nested(9_998).is_ok());
    assert_eq!(nested(9_999).unwrap_err(), ErrorKind::MalformedToken);
}
