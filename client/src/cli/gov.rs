//! Referenda and votes.

use clap::{Subcommand, ValueEnum};
use ogpu_client::{Call, Conviction, Error, Proposed, Referendum, Standing, Track, Vote};
use ogpu_primitives::{Balance, amount::show};
use serde_json::json;

use super::{
	Common,
	buy::amount,
	send::{do_call, send},
};

/// For or against.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Side {
	/// For it.
	Aye,
	/// Against it.
	Nay,
}

#[derive(Subcommand)]
pub(crate) enum Gov {
	/// The latest referenda.
	Referenda {
		/// How many.
		#[arg(long, default_value_t = 10)]
		last: u32,
	},
	/// One referendum.
	Show {
		/// Its number.
		referendum: u32,
	},
	/// Proposes a call, on which holders then vote. A deposit is reserved.
	Propose {
		/// The track that may do it: root, parameter_admin, treasurer, small_spender, slash_canceller, emergency_pauser,
		/// referendum_canceller or referendum_killer.
		track: Track,
		/// The call in SCALE, as polkadot.js apps shows it: 0x and hexadecimal digits.
		call: Proposed,
	},
	/// Places the decision deposit of a referendum, without which it is not decided. Anybody may.
	Deposit {
		/// The number of the referendum.
		referendum: u32,
	},
	/// Votes. Tokens stay yours, and locked for as long as the conviction says if your side wins.
	Vote {
		/// The number of the referendum.
		referendum: u32,
		/// For or against.
		side: Side,
		/// With how much, in oGPU.
		#[arg(value_parser = amount)]
		amount: Balance,
		/// 0: a tenth of a vote for each token, nothing locked. 1 to 6: so many votes, locked 1 to 32 periods.
		#[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=6))]
		conviction: u8,
	},
	/// Takes a vote back.
	Unvote {
		/// The number of the referendum.
		referendum: u32,
		/// Its track.
		#[arg(long)]
		track: u16,
	},
	/// Frees what votes of a track have locked, once its time has come.
	Unlock {
		/// The track.
		#[arg(long)]
		track: u16,
	},
}

impl Gov {
	pub(super) async fn run(&self, common: &Common) -> Result<(), Error> {
		match self {
			Self::Referenda { last } => {
				let chain = common.chain().await?;
				let next = chain.referenda().await?;
				for index in next.saturating_sub(*last)..next {
					tell(common, &chain.referendum(index).await?);
				}
				Ok(())
			}
			Self::Show { referendum } => {
				tell(common, &common.chain().await?.referendum(*referendum).await?);
				Ok(())
			}
			Self::Propose { track, call } => propose(common, *track, call).await,
			Self::Deposit { referendum } => {
				let signer = common.signer()?;
				let chain = common.chain().await?;
				if let Standing::Ongoing { track, .. } =
					chain.referendum(*referendum).await?.standing
				{
					tell_deposit(common, chain.decision_deposit(track).await?);
				}
				let call = Call::place_decision_deposit(*referendum);
				send(common, &chain, &signer, &call).await.map(|_| ())
			}
			Self::Vote { referendum, side, amount, conviction } => {
				let conviction = match conviction {
					0 => Conviction::None,
					times => Conviction::Locked(*times),
				};
				let vote = Vote { aye: *side == Side::Aye, conviction, balance: *amount };
				do_call(common, Call::vote(*referendum, vote)).await
			}
			Self::Unvote { referendum, track } => {
				do_call(common, Call::remove_vote(*track, *referendum)).await
			}
			Self::Unlock { track } => {
				let account = common.signer()?.account();
				do_call(common, Call::unlock(*track, account)).await
			}
		}
	}
}

fn tell_deposit(common: &Common, deposit: Balance) {
	let deposit = show(deposit);
	common.say().line(
		format!("deposit  {deposit} oGPU, reserved until the referendum has ended"),
		json!({ "deposit": deposit }),
	);
}

async fn propose(common: &Common, track: Track, proposed: &Proposed) -> Result<(), Error> {
	let signer = common.signer()?;
	let chain = common.chain().await?;
	let what = chain.describe(proposed).await?;
	tell_deposit(common, chain.submission_deposit().await?);
	let sent = send(common, &chain, &signer, &Call::propose(track, proposed)).await?;
	let Some(receipt) = sent else { return Ok(()) };
	let index = receipt.referendum()?;
	common.say().line(
		format!(
			"referendum {index} is about {what}. It is decided once somebody has placed its decision deposit: `ogpu gov deposit {index}`"
		),
		json!({ "referendum": index, "proposal": what }),
	);
	Ok(())
}

fn tell(common: &Common, Referendum { index, standing }: &Referendum) {
	match standing {
		Standing::Ongoing { track, proposal, ayes, nays, support, phase } => common.say().line(
			format!(
				"referendum {index}   {phase}: {proposal}, track {track}, {} ayes, {} nays, {} oGPU vote",
				show(*ayes),
				show(*nays),
				show(*support)
			),
			json!({
				"referendum": index,
				"phase": phase,
				"proposal": proposal,
				"track": track,
				"ayes": show(*ayes),
				"nays": show(*nays),
				"support": show(*support),
			}),
		),
		Standing::Ended(how) => common.say().line(
			format!("referendum {index}   {how}"),
			json!({ "referendum": index, "ended": how }),
		),
	}
}
