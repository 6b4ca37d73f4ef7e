//! The words of the market, and its arithmetic.
//!
//! - [`spec`]: what a client asks for, and everything that can be wrong with it;
//! - [`stream`]: what is asked again and again;
//! - [`verification`]: tiers, how likely fraud is to be found, and the collateral that follows;
//! - [`draw`]: who verifies, and which units;
//! - [`tally`]: what a panel came to;
//! - [`auction`]: scores, order and payment of sealed bids;
//! - [`price`]: what computing costs, and how that moves;
//! - [`quote`]: what a task costs at most, to the unit;
//! - [`reputation`]: what the chain has seen of a provider;
//! - [`trial`]: how fast a provider is;
//! - [`rules`]: the numbers that governance tunes;
//! - [`view`]: a task as those see it who look at the chain from outside.
//!
//! Everything rounds in favour of whoever could be cheated: scores up, payments down, collateral up.

pub mod auction;
pub mod draw;
pub mod price;
pub mod quote;
pub mod reputation;
pub mod rules;
pub mod spec;
pub mod stream;
pub mod tally;
pub mod trial;
pub mod trust;
pub mod verification;
pub mod view;

use core::net::SocketAddr;

use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

use crate::executor;

/// Names a task. Counted from 0, never used again.
pub type TaskId = u64;

/// Names an operator: all providers that declare, or were found to share, one. Counted from 0.
pub type GroupId = u32;

/// The class of a provider's devices, by their proven rating.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum DeviceTier {
	/// Processors, and the graphics cards of ordinary computers.
	#[codec(index = 0)]
	Consumer,
	/// Workstation cards.
	#[codec(index = 1)]
	Professional,
	/// Accelerators of data centres.
	#[codec(index = 2)]
	DataCentre,
}

impl DeviceTier {
	/// Every tier, lowest first.
	pub const ALL: [Self; 3] = [Self::Consumer, Self::Professional, Self::DataCentre];

	/// The least rating of the tier, in thousandths of the reference device.
	pub const fn least_rating(self) -> u32 {
		match self {
			Self::Consumer => 0,
			Self::Professional => 10_000,
			Self::DataCentre => 40_000,
		}
	}

	/// The tier of a rating, in thousandths of the reference device.
	pub fn of_rating(rating: u32) -> Self {
		Self::ALL
			.into_iter()
			.rev()
			.find(|tier| rating >= tier.least_rating())
			.unwrap_or(Self::Consumer)
	}
}

/// What devices can do, one bit each. Unknown bits are refused, so that they can mean something later.
#[derive(
	Clone,
	Copy,
	Debug,
	Default,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct Features(pub u32);

impl Features {
	/// It computes the floating-point profiles exactly.
	pub const EXACT_F32: Self = Self(1);
	/// It computes in double precision.
	pub const FP64: Self = Self(1 << 1);
	/// It has the prelude `dm-1`.
	pub const DM_1: Self = Self(1 << 2);
	/// All that are known.
	pub const KNOWN: Self = Self(0b111);

	/// Whether all of `wanted` are among these.
	pub const fn contain(self, wanted: Self) -> bool {
		self.0 & wanted.0 == wanted.0
	}

	/// These and those.
	pub const fn with(self, more: Self) -> Self {
		Self(self.0 | more.0)
	}
}

/// An IP address and port.
#[derive(
	Clone,
	Copy,
	Debug,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum Address {
	/// IPv4.
	#[codec(index = 0)]
	V4([u8; 4], u16),
	/// IPv6.
	#[codec(index = 1)]
	V6([u8; 16], u16),
}

impl core::fmt::Display for Address {
	fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
		use core::net::{Ipv4Addr, Ipv6Addr};
		let (ip, port) = match *self {
			Self::V4(ip, port) => (Ipv4Addr::from(ip).into(), port),
			Self::V6(ip, port) => (Ipv6Addr::from(ip).into(), port),
		};
		write!(f, "{}", SocketAddr::new(ip, port))
	}
}

/// The longest URL of a relay, in bytes.
pub const MAX_RELAY: u32 = 64;
/// The most addresses of an endpoint.
pub const MAX_ADDRESSES: u32 = 4;

/// Where blobs are served, as it is kept on chain.
#[derive(
	Clone,
	Debug,
	Default,
	PartialEq,
	Eq,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub struct Endpoint {
	/// Its ed25519 key.
	pub key: [u8; 32],
	/// Where it can be reached.
	pub addresses: BoundedVec<Address, ConstU32<MAX_ADDRESSES>>,
	/// The URL of a relay that knows it.
	pub relay: Option<BoundedVec<u8, ConstU32<MAX_RELAY>>>,
}

impl Endpoint {
	/// Whether it can be reached at all: it has an address or a relay.
	pub fn is_reachable(&self) -> bool {
		!self.addresses.is_empty() || self.relay.is_some()
	}

	/// The same of an executor, or a client, that serves blobs: as much of it as fits.
	pub fn of(peer: &executor::Peer) -> Self {
		let addresses = peer.addresses.iter().filter_map(|address| {
			let address = core::str::from_utf8(address).ok()?.parse::<SocketAddr>().ok()?;
			Some(match address {
				SocketAddr::V4(address) => Address::V4(address.ip().octets(), address.port()),
				SocketAddr::V6(address) => Address::V6(address.ip().octets(), address.port()),
			})
		});
		let relay = peer.relay.as_ref().map(|relay| relay.to_vec());
		Self {
			key: peer.key,
			addresses: BoundedVec::truncate_from(addresses.collect()),
			relay: relay.and_then(|relay| BoundedVec::try_from(relay).ok()),
		}
	}

	/// The same for an executor.
	pub fn peer(&self) -> executor::Peer {
		let addresses = self.addresses.iter();
		let addresses = addresses
			.map(|address| BoundedVec::truncate_from(alloc::format!("{address}").into_bytes()));
		executor::Peer {
			key: self.key,
			addresses: BoundedVec::truncate_from(addresses.collect()),
			relay: self.relay.clone().map(|relay| BoundedVec::truncate_from(relay.into_inner())),
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn an_endpoint_survives_the_way_to_an_executor_and_back() {
		let endpoint = Endpoint {
			key: [7; 32],
			addresses: BoundedVec::truncate_from(alloc::vec![
				Address::V4([192, 0, 2, 1], 4433),
				Address::V6([0x20; 16], 1),
			]),
			relay: Some(BoundedVec::truncate_from(b"https://relay.example".to_vec())),
		};
		assert_eq!(Endpoint::of(&endpoint.peer()), endpoint);
	}

	#[test]
	fn ratings_fall_into_tiers() {
		for (rating, tier) in [
			(0, DeviceTier::Consumer),
			(9_999, DeviceTier::Consumer),
			(10_000, DeviceTier::Professional),
			(39_999, DeviceTier::Professional),
			(u32::MAX, DeviceTier::DataCentre),
		] {
			assert_eq!(DeviceTier::of_rating(rating), tier, "{rating}");
		}
	}

	#[test]
	fn endpoints_become_peers() {
		let endpoint = Endpoint {
			key: [7; 32],
			addresses: BoundedVec::truncate_from(vec![
				Address::V4([192, 0, 2, 1], 4433),
				Address::V6([0; 16], 1),
			]),
			relay: None,
		};
		let peer = endpoint.peer();
		let texts: Vec<_> = peer.addresses.iter().map(|text| core::str::from_utf8(text)).collect();
		assert_eq!(texts, [Ok("192.0.2.1:4433"), Ok("[::]:1")]);
	}

	#[test]
	fn features_contain_one_another() {
		let all = Features::EXACT_F32.with(Features::FP64);
		assert!(all.contain(Features::FP64) && all.contain(Features::default()));
		assert!(!all.contain(Features::DM_1));
	}
}
