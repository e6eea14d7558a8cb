//! The cache of exchanged keys, on paused time.

mod clocks;
mod cold;
mod invalidation;
mod outage;
mod refresh;
mod schedule;
mod secrecy;
mod upstream;
