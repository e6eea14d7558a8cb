//! Credential source: the driver's own web-identity token and role (IRSA)
