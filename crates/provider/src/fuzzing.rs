//! What the driver reads of its own state path, for the fuzz targets.

use crate::lease;

/// An entry of the journal, written once more; nothing where this version cannot read it.
pub fn journal_entry(bytes: &[u8]) -> Option<Vec<u8>> {
    let record = lease::decode(bytes)?;
    lease::encode(&record).ok()
}
