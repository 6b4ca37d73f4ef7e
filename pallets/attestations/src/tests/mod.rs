//! Verification, by topic.

mod appeals;
mod attacks;
mod disputes;
mod draws;
mod errors;
mod histories;
mod life;
mod nodes;
mod trust;
