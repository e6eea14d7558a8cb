//! Answers of the EKS Pod Identity agent, and the URL at which it is said to be.
#![no_main]

use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use s3_credential_core::Token;
use s3_credential_fuzz::{assert_clean, assert_quiet, planted};
use s3_credential_pod_identity::fuzzing::{host, keys};

// The keys of the seeds hold the canary.
fuzz_target!(|answer: (u8, &str)| {
    let (status, body) = answer;
    let status = [200, 400, 401, 403, 404, 429, 500][usize::from(status) % 7];
    let token = Token::parse("the token", planted("to.ken"), None).expect("an opaque token");
    match keys(status, body.as_bytes(), &token) {
        Ok(keys) => {
            assert_quiet(&keys);
            assert!(status == 200 && keys.expires_at.is_some() && keys.session_token.is_some());
            keys.check(|_| "a value".to_owned()).expect("only what can be carried is handed on");
        }
        Err(failure) => assert_clean(&failure),
    }
    match host(body) {
        // A token goes over https, or stays on the node.
        Ok(host) => assert!(body.to_ascii_lowercase().starts_with("https://") || stays_here(&host), "{body} {host}"),
        Err(failure) => assert_clean(&failure),
    }
});

fn stays_here(host: &str) -> bool {
    let known = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"].map(|ip| ip.parse::<IpAddr>().unwrap());
    match host.parse::<IpAddr>() {
        Ok(ip) => ip.is_loopback() || known.contains(&ip),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}
