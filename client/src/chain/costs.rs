//! What calls take besides their fees, as far as governance decides it.

use codec::Decode;
use ogpu_primitives::{
	Balance,
	market::{
		TaskId,
		price::share,
		rules::{Charges, REGISTRATION},
		stream::{Batch, StreamSpec},
	},
};
use subxt::{dynamic::Value, ext::scale_decode::DecodeAsType, utils::Static};

use super::{AccountId, Chain, node};
use crate::Error;

#[derive(DecodeAsType)]
#[decode_as_type(crate_path = "subxt::ext::scale_decode")]
struct TrackFields {
	decision_deposit: Balance,
}

/// What an account has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Funds {
	/// What is not on hold.
	pub free: Balance,
	/// What of that can be spent: not what votes or vesting lock, or what keeps the account in being.
	pub spendable: Balance,
	/// What is on hold or reserved.
	pub held: Balance,
}

impl Chain {
	/// A parameter of the market, if governance has set it.
	async fn market_parameter<T: Decode>(&self, name: &str) -> Result<Option<T>, Error> {
		let key = Value::unnamed_variant(name, [Value::unnamed_composite([])]);
		let key = Value::unnamed_variant("Market", [key]);
		// Pallet and parameter, by their numbers, then what it is.
		let found: Option<Static<(u8, u8, T)>> =
			self.stored("Parameters", "Parameters", (key,)).await?;
		Ok(found.map(|Static((_, _, value))| value))
	}

	/// What the market charges.
	///
	/// # Errors
	///
	/// When the node fails.
	pub async fn charges(&self) -> Result<Charges, Error> {
		Ok(self.market_parameter("Pay").await?.unwrap_or(Charges::DEFAULT))
	}

	/// What a provider has on hold as long as it is registered.
	///
	/// # Errors
	///
	/// When the node fails.
	pub async fn registration(&self) -> Result<Balance, Error> {
		let set = self.market_parameter::<Balance>("Registration").await?;
		Ok(set.unwrap_or(REGISTRATION))
	}

	/// What whoever challenges or appeals locks, and loses if judges do not agree.
	///
	/// # Errors
	///
	/// When nothing is verified there, or the node fails.
	pub async fn price_of_dispute(
		&self,
		task: TaskId,
		attempt: u8,
		part: u8,
	) -> Result<Balance, Error> {
		let part = Value::named_composite([
			("task", Value::from(task)),
			("attempt", Value::from(attempt)),
			("part", Value::from(part)),
		]);
		let price: Option<Balance> = self.view("Attestations", "price_of_dispute", (part,)).await?;
		price.ok_or(Error::NoTask(task))
	}

	/// What cancelling a task costs at most whose provider asks so much.
	///
	/// # Errors
	///
	/// When the node fails.
	pub async fn cost_of_cancelling(&self, price: Balance) -> Result<Balance, Error> {
		Ok(share(price, self.charges().await?.cancellation.get()))
	}

	/// What is set aside of a stream's balance for each of some batches.
	///
	/// # Errors
	///
	/// What is wrong with one of them, or that the node fails.
	pub async fn cost_of_batches(
		&self,
		spec: &StreamSpec,
		batches: &[Batch],
	) -> Result<Vec<Balance>, Error> {
		let runner_up = self.charges().await?.runner_up.get();
		let mut costs = Vec::new();
		for batch in batches {
			costs.push(self.quote(&spec.task(batch, runner_up)).await?.most());
		}
		Ok(costs)
	}

	/// The deposit without which a referendum of a track is not decided.
	///
	/// # Errors
	///
	/// When there is no such track, or the node fails.
	pub async fn decision_deposit(&self, track: u16) -> Result<Balance, Error> {
		let tracks: Vec<(u16, TrackFields)> = self.constant("Referenda", "Tracks").await?;
		let found = tracks.into_iter().find(|(id, _)| *id == track);
		let (_, track) =
			found.ok_or_else(|| Error::Refused(format!("there is no track {track}")))?;
		Ok(track.decision_deposit)
	}

	/// The deposit for proposing a referendum.
	///
	/// # Errors
	///
	/// When the node fails.
	pub async fn submission_deposit(&self) -> Result<Balance, Error> {
		self.constant("Referenda", "SubmissionDeposit").await
	}

	/// What an account has at least: with less it does not come to be.
	///
	/// # Errors
	///
	/// When the node fails.
	pub async fn existential_deposit(&self) -> Result<Balance, Error> {
		self.constant("Balances", "ExistentialDeposit").await
	}

	/// What an account has.
	///
	/// # Errors
	///
	/// When the node fails.
	pub async fn funds(&self, who: &AccountId) -> Result<Funds, Error> {
		/// Nonce and references, then what is free, reserved, frozen, and flags.
		type Account = ([u32; 4], [Balance; 4]);
		let found: Option<Static<Account>> = self.stored("System", "Account", (*who,)).await?;
		let Some(Static((_, [free, held, frozen, _]))) = found else { return Ok(Funds::default()) };
		let least: Balance = self.constant("Balances", "ExistentialDeposit").await?;
		// What is on hold counts for what is frozen.
		let bound = frozen.saturating_sub(held).max(least);
		Ok(Funds { free, spendable: free.saturating_sub(bound), held })
	}

	/// A constant of a pallet.
	async fn constant<T: DecodeAsType>(&self, pallet: &str, name: &str) -> Result<T, Error> {
		let best = self.best().await?;
		best.constants().entry(subxt::dynamic::constant::<T>(pallet, name)).map_err(node)
	}
}
