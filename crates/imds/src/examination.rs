//! An examination of IMDS itself, for a report of its state.

use s3_credential_core::{Failure, Region};

use crate::client::Imds;
use crate::trouble::Trouble;
use crate::wire::Stage;

/// The state of IMDS, by what to do about it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Examination {
    /// It answers.
    Answers {
        /// The name of the instance's role; none if it has no instance profile.
        role: Option<String>,
        /// The region, where it returns one.
        region: Option<Region>,
    },
    /// It is switched off for the driver.
    SwitchedOff(Failure),
    /// No service is there, or no route leads there.
    NotThere(Failure),
    /// It is there, but cannot be used by the driver: its hop limit is too low, it is disabled for
    /// the instance, or it is broken.
    Mute(Failure),
    /// A variable of the driver's is wrong.
    Misconfigured(Failure),
}

impl Imds {
    /// Asks for role and region at once, and returns the state of IMDS. Takes as long as one
    /// look-up.
    pub async fn examine(&self) -> Examination {
        let (role, region) = tokio::join!(self.role(), self.region());
        match (found(role), found(region)) {
            (Ok(role), Ok(name)) => {
                let region = name.and_then(|name| name.trim().parse().ok());
                Examination::Answers { role, region }
            }
            (Err(trouble), _) | (_, Err(trouble)) => self.in_trouble(trouble),
        }
    }

    fn in_trouble(&self, trouble: Trouble) -> Examination {
        let sort = match trouble {
            Trouble::SwitchedOff => Examination::SwitchedOff,
            Trouble::Refused | Trouble::Unreachable | Trouble::Silent(Stage::Connection) => {
                Examination::NotThere
            }
            Trouble::Misconfigured(_) => Examination::Misconfigured,
            _ => Examination::Mute,
        };
        sort(trouble.into_failure(self.endpoint()))
    }
}

/// An IMDS that says "there is none" answers.
fn found<T>(answer: Result<T, Trouble>) -> Result<Option<T>, Trouble> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(Trouble::Absent(_)) => Ok(None),
        Err(trouble) => Err(trouble),
    }
}
