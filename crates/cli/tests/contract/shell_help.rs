//! `s3cred completions` and `s3cred man`.

use crate::driver::Driver;

#[tokio::test]
async fn the_completions_of_every_shell_know_every_command() {
    let driver = Driver::new();
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let run = driver.run(&["completions", shell]).await;
        for name in ["provide", "leases", "audit", "doctor", "--state-path"] {
            let name = if shell == "fish" { name.trim_start_matches("--") } else { name };
            assert!(run.ok().contains(name), "{shell}: {name}");
        }
    }
}

#[tokio::test]
async fn a_manual_page_has_the_flags_and_examples_of_its_command() {
    let driver = Driver::new();
    let overview = driver.run(&["man"]).await;
    assert!(overview.ok().starts_with(".ie"), "{}", overview.stdout);
    assert!(overview.ok().contains(".TH s3cred 1"), "{}", overview.stdout);
    assert!(overview.ok().contains("unknown\\-authentication\\-level"));
    let page = driver.run(&["man", "config", "check"]).await;
    assert!(page.ok().contains(".TH s3cred-config-check 1"), "{}", page.stdout);
    assert!(page.ok().contains("\\-\\-output"));
}

#[tokio::test]
async fn a_page_of_an_unknown_command_is_refused_with_the_known_ones() {
    let run = Driver::new().run(&["man", "mount"]).await;
    assert_eq!((run.status, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.starts_with("s3cred: invalid-request: unknown command: expected provide"));
}
