//! What every part of the oGPU chain agrees on: constants, wire types and pure maths.
//!
//! The crate is `no_std` and depends on nothing of Substrate but its codec, so that chain, client,
//! executor and simulator compute with the very same code. Nothing in here reads storage.
//!
//! - [`job`]: the job format, what can be wrong with a job, and how it falls into units;
//! - [`market`]: what tasks, bids, prices and collateral are, and how they are computed;
//! - [`merkle`]: leaves, roots and proofs of results;
//! - [`ranged`]: parameters that cannot be set past their bounds;
//! - [`emission`]: how much is scheduled per era under the 21 million cap, and how it is split.
//!
//! ```
//! use ogpu_primitives::{CAP, emission};
//!
//! // The first six-hour era of a chain that starts with an empty schedule.
//! let first = emission::era_payout(0, 6 * 60 * 60 * 1000);
//! assert!(first > 0 && first < CAP);
//! ```
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

pub mod amount;
pub mod emission;
pub mod executor;
pub mod job;
pub mod market;
pub mod merkle;
pub mod piece;
pub mod ranged;

/// An amount of oGPU in its smallest unit, 10^-18 oGPU.
pub type Balance = u128;

/// Decimals of the oGPU token.
pub const DECIMALS: u8 = 18;

/// One oGPU.
pub const OGPU: Balance = 1_000_000_000_000_000_000;

/// One thousandth of an oGPU.
pub const MILLI: Balance = OGPU / 1_000;

/// One millionth of an oGPU.
pub const MICRO: Balance = MILLI / 1_000;

/// The most oGPU that may ever be scheduled, genesis allocations included.
pub const CAP: Balance = 21_000_000 * OGPU;
