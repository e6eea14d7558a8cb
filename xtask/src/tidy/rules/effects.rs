//! Effects on the outside: files, environment, time. Each has one place. Clippy bans some of these
//! calls too, with the exact types; these rules see through no types, but see every crate and leave
//! no way to allow a call at the place of the call.

use crate::tidy::finding::Finding;
use crate::tidy::paths::NamedPath;
use crate::tidy::source::Source;
use crate::tidy::tree::Tree;

pub(crate) fn only_delivery_writes_files(tree: &Tree) -> Vec<Finding> {
    // The node service and the mounter make mount points and sockets, and no credential file.
    find(tree, &["delivery", "testkit", "csi-node", "mounter"], writes_files, |path| {
        format!("`{path}` writes files; only `delivery` does: call its API")
    })
}

pub(crate) fn only_applications_read_the_environment(tree: &Tree) -> Vec<Finding> {
    find(tree, &["cli", "csi-node"], reads_environment, |path| {
        format!("`{path}` reads the process environment; take core's `Environment` as a value")
    })
}

pub(crate) fn time_enters_through_the_clock(tree: &Tree) -> Vec<Finding> {
    let mut findings = find(tree, &[], reads_time, |path| {
        format!("`{path}` reads the machine's time; take core's `Clock`")
    });
    findings.retain(|finding| !finding.is_in("crates/core/src/clock.rs"));
    findings
}

pub(crate) fn core_has_no_effects(tree: &Tree) -> Vec<Finding> {
    let others: Vec<&str> =
        tree.sources.iter().filter_map(Source::krate).filter(|krate| *krate != "core").collect();
    find(tree, &others, acts, |path| {
        format!("`{path}` acts on the system; core only holds contracts and values")
    })
}

fn find(
    tree: &Tree,
    free: &[&str],
    banned: fn(&str) -> bool,
    message: impl Fn(&str) -> String,
) -> Vec<Finding> {
    let bound = |source: &&Source| {
        source.krate().is_some_and(|krate| !free.contains(&krate))
            && !source.path.ends_with("/build.rs")
    };
    let of_source = |source: &Source| -> Vec<Finding> {
        let found = source.product_paths().filter(|named| banned(&named.path));
        found
            .map(|NamedPath { path, line, .. }| Finding::at(&source.path, *line, message(path)))
            .collect()
    };
    tree.sources.iter().filter(bound).flat_map(of_source).collect()
}

fn writes_files(path: &str) -> bool {
    // What writes in each module, separated by spaces. Opening is not writing; the flags that open
    // for writing are.
    const STD: &[&str] = &[
        "write rename copy hard_link soft_link remove_file remove_dir remove_dir_all create_dir create_dir_all",
        "set_permissions set_times DirBuilder OpenOptions File::create File::create_new File::options *",
    ];
    const UNIX: &[&str] = &["symlink chown fchown lchown mkfifo *"];
    const RUSTIX: &[&str] = &[
        "OFlags::CREATE OFlags::WRONLY OFlags::RDWR OFlags::TRUNC OFlags::APPEND OFlags::TMPFILE",
        "rename renameat renameat_with unlink unlinkat rmdir mkdir mkdirat link linkat symlink symlinkat mknodat mkfifoat",
        "chmod chmodat fchmod chown chownat fchown utimensat futimens setxattr fsetxattr lsetxattr",
        "ftruncate fallocate copy_file_range sendfile *",
    ];
    const MODULES: &[(&str, &[&str])] = &[
        ("std::fs::", STD),
        ("tokio::fs::", STD),
        ("std::os::unix::fs::", UNIX),
        ("rustix::fs::", RUSTIX),
    ];
    let writes = |rest: &str, items: &[&str]| {
        items.iter().flat_map(|line| line.split(' ')).any(|item| is_or_inside(rest, item))
    };
    MODULES
        .iter()
        .any(|(module, items)| path.strip_prefix(module).is_some_and(|rest| writes(rest, items)))
        || ["tempfile", "nix", "libc"].iter().any(|krate| is_or_inside(path, krate))
}

fn reads_environment(path: &str) -> bool {
    const STD: &[&str] = &[
        "var",
        "var_os",
        "vars",
        "vars_os",
        "args",
        "args_os",
        "set_var",
        "remove_var",
        "home_dir",
        "temp_dir",
        "*",
    ];
    // Convenience of dependencies that looks at the environment by itself.
    const KUBE: &[&str] =
        &["infer", "incluster", "incluster_env", "try_default", "from_env", "Kubeconfig::read"];
    const AWS: &[&str] = &["defaults", "from_env", "load_defaults", "load_from_env"];
    let is_one_of = |rest: &str, names: &[&str]| names.contains(&rest);
    path.strip_prefix("std::env::").is_some_and(|rest| is_one_of(rest, STD))
        || path.strip_prefix("aws_config::").is_some_and(|rest| is_one_of(rest, AWS))
        || path.starts_with("kube::")
            && KUBE.iter().any(|name| path.ends_with(&format!("::{name}")))
}

/// `tokio::time` is not here: it is the runtime's, and a test holds it still.
fn reads_time(path: &str) -> bool {
    [
        "std::time::SystemTime::now",
        "std::time::Instant::now",
        "jiff::Timestamp::now",
        "jiff::Zoned::now",
    ]
    .contains(&path)
}

fn acts(path: &str) -> bool {
    const MODULES: &[&str] = &[
        "std::fs",
        "std::env",
        "std::process",
        "std::thread",
        "std::io::stdin",
        "std::io::stdout",
        "std::io::stderr",
    ];
    const SOCKETS: &[&str] = &["TcpStream", "TcpListener", "UdpSocket", "ToSocketAddrs"];
    MODULES.iter().any(|module| is_or_inside(path, module))
        || path
            .strip_prefix("std::net::")
            .is_some_and(|rest| SOCKETS.iter().any(|socket| is_or_inside(rest, socket)))
        || is_or_inside(path, "std::os::unix::net")
}

fn is_or_inside(path: &str, item: &str) -> bool {
    path.strip_prefix(item).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::rules::Rule;

    fn count(rule: Rule, path: &str, text: &str) -> usize {
        rule(&Tree::sample(&[(path, text)])).len()
    }

    #[test]
    fn delivery_writes_and_the_others_read() {
        let rule = only_delivery_writes_files;
        assert_eq!(count(rule, "crates/delivery/src/lib.rs", "fn a() { std::fs::write(b, c) }"), 0);
        assert_eq!(
            count(
                rule,
                "crates/irsa/src/lib.rs",
                "use std::fs; fn a() { fs::read(b); fs::File::open(c); rustix::fs::openat(d, e, OFlags::RDONLY, f); }"
            ),
            0
        );
        assert_eq!(
            count(
                rule,
                "crates/files/src/lib.rs",
                "use rustix::fs::{CWD, Mode, OFlags, openat}; fn a() { openat(CWD, b, OFlags::RDONLY, Mode::empty()) }"
            ),
            0
        );
        for bad in [
            "fn a() { std::fs::write(b, c) }",
            "use std::fs::OpenOptions;",
            "use std::fs; fn a() { fs::File::create(b) }",
            "use std::fs::File; fn a() { File::create_new(b) }",
            "fn a() { tokio::fs::remove_dir_all(b).await }",
            "use std::fs::*;",
            "use rustix::fs::renameat;",
            "use rustix::fs::OFlags; fn a() { b(OFlags::RDWR) }",
        ] {
            assert_eq!(count(rule, "crates/provider/src/journal.rs", bad), 1, "{bad}");
        }
    }

    #[test]
    fn tests_may_do_all_of_it() {
        let text = "#[cfg(test)] mod tests { fn a() { std::fs::write(b, std::env::var(c), std::time::Instant::now()) } }";
        for rule in [
            only_delivery_writes_files,
            only_applications_read_the_environment,
            time_enters_through_the_clock,
            core_has_no_effects,
        ] {
            assert_eq!(count(rule, "crates/core/src/lib.rs", text), 0);
        }
        assert_eq!(
            count(
                only_delivery_writes_files,
                "crates/irsa/tests/a.rs",
                "fn a() { std::fs::write(b, c) }"
            ),
            0
        );
    }

    #[test]
    fn only_the_command_line_reads_the_environment() {
        let rule = only_applications_read_the_environment;
        assert_eq!(count(rule, "crates/cli/src/main.rs", "fn a() { std::env::vars_os() }"), 0);
        assert_eq!(count(rule, "crates/irsa/src/lib.rs", "fn a() { context.env.var(b) }"), 0);
        for bad in [
            "fn a() { std::env::var(b) }",
            "use std::env::{self, consts}; fn a() { env::temp_dir() }",
            "use kube::Client; fn a() { Client::try_default().await }",
            "fn a() { kube::Config::infer().await }",
            "fn a() { aws_config::load_defaults(b).await }",
        ] {
            assert_eq!(count(rule, "crates/pod-token/src/lib.rs", bad), 1, "{bad}");
        }
    }

    #[test]
    fn only_the_clock_reads_the_time() {
        let rule = time_enters_through_the_clock;
        assert_eq!(count(rule, "crates/core/src/clock.rs", "fn a() { jiff::Timestamp::now() }"), 0);
        assert_eq!(
            count(
                rule,
                "crates/sts/src/lib.rs",
                "fn a() { tokio::time::Instant::now(); clock.now() }"
            ),
            0
        );
        assert_eq!(
            count(
                rule,
                "crates/sts/src/lib.rs",
                "use std::time::Instant; fn a() { Instant::now() }"
            ),
            1
        );
        assert_eq!(
            count(
                rule,
                "crates/sts/src/lib.rs",
                "use jiff::Timestamp; fn a() { b(Timestamp::now) }"
            ),
            1
        );
    }

    #[test]
    fn core_neither_reads_files_nor_opens_sockets() {
        assert_eq!(
            count(
                core_has_no_effects,
                "crates/core/src/lib.rs",
                "use std::net::IpAddr; use std::path::Path;"
            ),
            0
        );
        assert_eq!(
            count(core_has_no_effects, "crates/irsa/src/lib.rs", "fn a() { std::fs::read(b) }"),
            0
        );
        assert_eq!(
            count(core_has_no_effects, "crates/core/src/lib.rs", "fn a() { std::fs::read(b) }"),
            1
        );
        assert_eq!(
            count(
                core_has_no_effects,
                "crates/core/src/lib.rs",
                "use std::net::{IpAddr, TcpStream};"
            ),
            1
        );
    }
}
