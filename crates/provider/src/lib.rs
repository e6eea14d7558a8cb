//! The facade: configuration, chains, leases; provide and cleanup for a CSI driver
