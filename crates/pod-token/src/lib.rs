//! Credential source: the pod's service-account token as a web identity, with role mapping
