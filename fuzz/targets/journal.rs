//! Entries of the journal, as an earlier or a later version, or a failing disk, may have left them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use s3_credential_provider::fuzzing::journal_entry;

fuzz_target!(|bytes: &[u8]| {
    if let Some(written) = journal_entry(bytes) {
        assert_eq!(journal_entry(&written).as_ref(), Some(&written));
    }
});
