//! s3cred
fn main() {}
