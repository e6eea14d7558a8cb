//! Mount flags: one on each line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use s3_credential_core::MountOptions;

fuzz_target!(|flags: &str| {
    let options = MountOptions::parse(flags.lines());
    // What is understood can be remembered.
    let json = serde_json::to_value(&options).expect("options can be remembered");
    let map = json.as_object().expect("options are a map");
    let value = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
    for (name, text) in map {
        assert!(!name.is_empty() && !name.starts_with('-') && !name.ends_with(' '));
        assert_eq!(options.value(name), Some(value(text).as_str()));
    }
    // The arguments that Mountpoint gets mean the same options.
    let again = MountOptions::parse(options.arguments());
    assert_eq!(again.problems(), []);
    assert_eq!(serde_json::to_value(&again).expect("options can be remembered"), json);
});
