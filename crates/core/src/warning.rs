//! Warnings: what works, but is perhaps not meant.

use std::fmt;

/// The subject of a warning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WarningKind {
    /// A mount flag that is not understood.
    MountOption,
    /// A volume attribute that is not known and resembles one that is.
    VolumeAttribute,
    /// A delivery that a running Mountpoint does not take.
    Delivery,
    /// The route of Mountpoint to a service.
    Endpoint,
    /// Credentials that reach further than `scope: volume` asks for.
    Scope,
}

impl WarningKind {
    /// The name in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MountOption => "mount-option",
            Self::VolumeAttribute => "volume-attribute",
            Self::Delivery => "delivery",
            Self::Endpoint => "endpoint",
            Self::Scope => "scope",
        }
    }
}

/// A warning: the volume is provided, and its definition or the driver's set-up deserves a look. It
/// holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Warning {
    /// The subject.
    pub kind: WarningKind,
    /// One line for a person.
    pub message: String,
}

impl Warning {
    /// Makes a warning of this kind.
    pub fn new(kind: WarningKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
