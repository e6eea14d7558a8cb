//! Secrets are planted everywhere, and searched for in everything that can be seen: values printed with `Debug` and `Display`, what was
//! said of them, every log at its most talkative, panics, and what is remembered on disk.

mod record;
mod world;

mod broken;
mod runs;
mod values;

mod exports;
