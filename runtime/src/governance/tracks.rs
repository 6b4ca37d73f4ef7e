//! The tracks of referenda. `docs/governance.md` explains them to voters.

use alloc::borrow::Cow;

use ogpu_primitives::{Balance, OGPU};
use pallet_referenda::{Curve, Track, TracksInfo};
use sp_runtime::FixedI64;

use super::origins::Origin;
use crate::{
	BlockNumber, OriginCaller,
	timing::{DAYS, HOURS, MINUTES, TrackClock},
};

const fn percent(x: i32) -> FixedI64 {
	FixedI64::from_rational(x as u128, 100)
}

/// Approval that starts at 100 % and falls to half over the decision period, slowly at the end.
const CAREFUL_APPROVAL: Curve =
	Curve::make_reciprocal(4, 28, percent(80), percent(50), percent(100));
/// Approval that falls evenly to half.
const EVEN_APPROVAL: Curve = Curve::make_linear(28, 28, percent(50), percent(100));
/// Support that must be half of all at first and nearly nothing at the end.
const WIDE_SUPPORT: Curve = Curve::make_linear(28, 28, percent(0), percent(50));
/// Support that falls fast: for what does little harm or must be quick.
const NARROW_SUPPORT: Curve = Curve::make_reciprocal(7, 28, percent(10), percent(0), percent(50));
/// Approval for what interferes with others: never below three quarters.
const STRONG_APPROVAL: Curve = Curve::make_linear(28, 28, percent(75), percent(100));

/// Production clocks; the fast profile shortens all of them alike.
const SLOW: TrackClock =
	TrackClock { prepare: 2 * HOURS, decision: 14 * DAYS, confirm: DAYS, enact: DAYS };
const USUAL: TrackClock =
	TrackClock { prepare: HOURS, decision: 14 * DAYS, confirm: DAYS, enact: 2 * HOURS };
const QUICK: TrackClock = TrackClock {
	prepare: 10 * MINUTES,
	decision: 7 * DAYS,
	confirm: 3 * HOURS,
	enact: 10 * MINUTES,
};
const URGENT: TrackClock =
	TrackClock { prepare: MINUTES, decision: 2 * DAYS, confirm: 20 * MINUTES, enact: MINUTES };

type OgpuTrack = Track<u16, Balance, BlockNumber>;

/// What a track decides with. One row of the table.
struct Row(u16, &'static str, u32, Balance, TrackClock, Curve, Curve);

/// Sorted by id, which the pallet asks for. Ids are for ever.
const TABLE: [Row; 8] = [
	Row(0, "root", 1, 10_000 * OGPU, SLOW, CAREFUL_APPROVAL, WIDE_SUPPORT),
	Row(10, "parameter_admin", 5, 500 * OGPU, USUAL, CAREFUL_APPROVAL, NARROW_SUPPORT),
	Row(20, "treasurer", 10, 1_000 * OGPU, USUAL, CAREFUL_APPROVAL, WIDE_SUPPORT),
	Row(21, "small_spender", 50, 50 * OGPU, USUAL, EVEN_APPROVAL, NARROW_SUPPORT),
	Row(30, "slash_canceller", 10, 500 * OGPU, QUICK, STRONG_APPROVAL, NARROW_SUPPORT),
	Row(40, "emergency_pauser", 3, 1_000 * OGPU, URGENT, STRONG_APPROVAL, NARROW_SUPPORT),
	Row(50, "referendum_canceller", 20, 500 * OGPU, QUICK, STRONG_APPROVAL, NARROW_SUPPORT),
	Row(51, "referendum_killer", 20, 1_000 * OGPU, QUICK, STRONG_APPROVAL, WIDE_SUPPORT),
];

/// The tracks.
pub struct Tracks;

impl TracksInfo<Balance, BlockNumber> for Tracks {
	type Id = u16;
	type RuntimeOrigin = OriginCaller;

	fn tracks() -> impl Iterator<Item = Cow<'static, OgpuTrack>> {
		TABLE.iter().map(|Row(id, name, max_deciding, deposit, clock, approval, support)| {
			Cow::Owned(Track {
				id: *id,
				info: clock.track(name, *max_deciding, *deposit, approval.clone(), support.clone()),
			})
		})
	}

	fn track_for(origin: &OriginCaller) -> Result<u16, ()> {
		match origin {
			OriginCaller::system(frame_system::RawOrigin::Root) => Ok(0),
			OriginCaller::Origins(origin) => Ok(match origin {
				Origin::ParameterAdmin => 10,
				Origin::Treasurer => 20,
				Origin::SmallSpender => 21,
				Origin::SlashCanceller => 30,
				Origin::EmergencyPauser => 40,
				Origin::ReferendumCanceller => 50,
				Origin::ReferendumKiller => 51,
			}),
			_ => Err(()),
		}
	}
}
