//! Credential sources: keys from Kubernetes Secrets, in four modes
