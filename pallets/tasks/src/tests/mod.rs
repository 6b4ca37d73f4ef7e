//! The market, by topic.

mod auctions;
mod clock;
mod demands;
mod ends;
mod errors;
mod life;
mod model;
mod pool;
