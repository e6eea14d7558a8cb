//! Leases under kills, under many hands at once, and under random calls that a model foresees.

mod child;
mod hammer;
mod kills;
mod mint;
mod model;
mod place;
