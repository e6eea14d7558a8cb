//! Credential source and region resolver: the instance metadata service, version 2
