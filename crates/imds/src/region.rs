//! The region from IMDS.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use s3_credential_core::{
    ProvideContext, Region, RegionError, RegionResolver, SingleFlight, resolver_names,
};

use crate::client::Imds;
use crate::trouble::{Trouble, Wanted};

/// The region that the instance is in.
///
/// An answer is remembered for ever, since an instance does not move. A failure is not: the next
/// call asks again, but for the moment in which
/// [`ImdsSettings::silence`](crate::ImdsSettings::silence) spares callers another wait. Callers
/// that come while IMDS is being asked share its answer.
#[derive(Debug, Clone)]
pub struct ImdsRegion {
    imds: Imds,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    known: OnceLock<Region>,
    flights: SingleFlight<(), Result<Region, RegionError>>,
}

impl ImdsRegion {
    /// Asks this IMDS.
    pub fn new(imds: Imds) -> Self {
        Self { imds, shared: Arc::default() }
    }
}

#[async_trait]
impl RegionResolver for ImdsRegion {
    fn name(&self) -> &'static str {
        resolver_names::IMDS
    }

    async fn resolve(&self, _context: &ProvideContext) -> Result<Region, RegionError> {
        if let Some(region) = self.shared.known.get() {
            return Ok(region.clone());
        }
        let region = self.shared.flights.run((), || ask(self.imds.clone())).await?;
        Ok(self.shared.known.get_or_init(|| region).clone())
    }
}

async fn ask(imds: Imds) -> Result<Region, RegionError> {
    let region = match imds.region().await {
        Ok(name) if name.trim().is_empty() => Err(Trouble::Absent(Wanted::Region)),
        Ok(name) => Region::parse("the region of IMDS", name.trim())
            .map_err(|_| Trouble::malformed(Wanted::Region.as_str())),
        Err(trouble) => Err(trouble),
    };
    region.map_err(|trouble| trouble.into_attempt_error(imds.endpoint()))
}
