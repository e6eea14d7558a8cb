//! The reader of the driver's own state path, for the fuzz targets.

use crate::lease;

/// Decodes an entry of the journal, and encodes it again; `None` where this version cannot read it.
pub fn journal_entry(bytes: &[u8]) -> Option<Vec<u8>> {
    let record = lease::decode(bytes)?;
    lease::encode(&record).ok()
}
