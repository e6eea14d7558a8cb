//! Credential source: EKS Pod Identity, at driver and pod level
