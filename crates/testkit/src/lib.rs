//! Emulators, mocks, conformance suite and fault injection for the S3 credential provider
