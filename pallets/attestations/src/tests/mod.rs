//! Verification, by topic.

mod appeals;
mod attacks;
mod disputes;
mod draws;
mod errors;
mod histories;
mod life;
mod model;
mod nodes;
mod trust;
