//! OpenGov: who may propose what, how it is decided, and by which clock.

pub mod origins;
mod tracks;

pub use origins::pallet_origins;
pub use tracks::Tracks;
