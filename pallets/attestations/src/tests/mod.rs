//! Verification, by topic.

mod attacks;
mod disputes;
mod draws;
mod errors;
mod life;
mod nodes;
