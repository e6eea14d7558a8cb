//! Names of volume directories: one for each pair of pod and volume, and never a path.
#![no_main]

use libfuzzer_sys::fuzz_target;
use s3_credential_delivery::directory_name;

type Volume<'a> = (Option<&'a str>, &'a str);

fuzz_target!(|volumes: (Volume<'_>, Volume<'_>)| {
    let (one, other) = volumes;
    let names = [one, other].map(|(pod, volume)| directory_name(pod, volume));
    for name in &names {
        assert!(name.len() <= 200 && name.is_ascii() && !name.contains(['/', '\0', '\n']));
        assert!(name.starts_with("s3cred@"));
    }
    assert_eq!(one == other, names[0] == names[1], "{volumes:?}");
    // Moved across the border between pod and volume, the same characters are another pair.
    if let (Some(pod), volume) = one
        && let Some(last) = pod.chars().next_back()
    {
        let moved = format!("{last}{volume}");
        let shorter = &pod[..pod.len() - last.len_utf8()];
        assert_ne!(directory_name(Some(shorter), &moved), names[0], "{one:?}");
        assert_ne!(directory_name(None, &format!("{pod}@{volume}")), names[0], "{one:?}");
    }
});
