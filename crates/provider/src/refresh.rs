//! When credentials are due for renewal: a pure function of what they are and when they end.

use jiff::{SignedDuration, Timestamp};
use s3_credential_core::{Delivery, TokenAge};

/// How much of a token's life passes before it is replaced, in percent, as the kubelet has it for service-account tokens.
const SHARE_OF_LIFE: i32 = 80;

/// How long before their end keys are fetched anew where the reader sees their expiry: twice the SDKs' advisory refresh window,
/// so that there is time for retries before a reader begins to ask for every request.
const ENDPOINT_MARGIN: SignedDuration = SignedDuration::from_mins(10);

/// What must be left of keys in a profile when they are replaced: a running Mountpoint reads the file every 15 minutes
/// (aws-c-auth, credentials without an expiry), and some time for a slow refresh.
const PROFILE_MARGIN: SignedDuration = SignedDuration::from_mins(20);

/// The instant at which to refresh what was made (or is first seen) at `age.issued_at` or `now`, never before the second of `now`. Nothing
/// without an expiry is ever due. In whole seconds.
pub fn refresh_at(delivery: Delivery, now: Timestamp, age: TokenAge) -> Option<Timestamp> {
    let expires_at = age.expires_at?;
    let due_at = match delivery {
        Delivery::Profile => expires_at.checked_sub(PROFILE_MARGIN),
        Delivery::Endpoint => expires_at.checked_sub(ENDPOINT_MARGIN),
        _ => {
            let born_at = age.issued_at.unwrap_or(now).min(expires_at);
            born_at.checked_add(expires_at.duration_since(born_at) / 100 * SHARE_OF_LIFE)
        }
    };
    let due_at = due_at.unwrap_or(expires_at).max(now);
    // Nobody needs to know it better than to the second, and it is read by people.
    Some(Timestamp::from_second(due_at.as_second()).unwrap_or(due_at))
}

/// Whether keys that end so soon can be delivered as a profile at all: Mountpoint must re-read the file while the keys that it
/// holds are still good.
pub fn profile_can_carry(now: Timestamp, expires_at: Option<Timestamp>) -> bool {
    expires_at.is_none_or(|at| at.duration_since(now) > PROFILE_MARGIN)
}
