//! `Debug` of values that must not be logged.

use std::collections::HashMap;
use std::fmt;

/// The key of the service-account tokens. Kubernetes passes them in the volume context unless the
/// driver asks for them in secrets.
const TOKENS: &str = "csi.storage.k8s.io/serviceAccount.tokens";

/// Stands for a map of secrets: prints how many there are, and neither keys nor values.
pub(crate) struct Secret(usize);

impl Secret {
    pub(crate) fn new(count: usize) -> Self {
        Self(count)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{} redacted>", self.0)
    }
}

/// A volume context without its tokens.
pub(crate) struct Context<'a>(pub(crate) &'a HashMap<String, String>);

impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut entries: Vec<_> = self.0.iter().collect();
        entries.sort_unstable();
        let shown = entries
            .into_iter()
            .map(|(key, value)| (key, if key == TOKENS { "<redacted>" } else { value.as_str() }));
        f.debug_map().entries(shown).finish()
    }
}
