//! What work means to those who secure the chain: emission for what was verified, era points for verifying, and
//! stake that answers for fraud.
//!
//! - **Emission.** Whoever did verified work is credited a share, less than one, of what the task burnt in fees. So
//!   trading with oneself costs more than it brings. Nothing is credited between a provider and a client of one operator,
//!   or where few operators could have verified the work. What is not credited is not issued.
//! - **Era points.** A validator that is linked to a provider earns points with the fees that the provider was paid for
//!   verifying, up to a share of those for its own blocks so far. So verifying sways how an era's emission is divided,
//!   and never much, and nobody crowds anybody out.
//! - **Stake.** The validator that stood for a provider when it took a task answers if the provider's fraud in it is proven
//!   by recomputing: it is reported, and loses a little of its stake, as its nominators do. Nobody is disabled by that,
//!   and few are reported in an era: convictions cannot stop the chain, whoever brings them about. Governance can cancel
//!   such a slash as it can any other.

use alloc::{collections::BTreeMap, vec, vec::Vec};

use frame_support::{
	traits::{Get, RewardsReporter},
	weights::Weight,
};
use ogpu_primitives::Balance;
use ogpu_traits::{Deal, Guarantor, Merit, Registry};
use pallet_session::historical::IdentificationTuple;
use pallet_trust_lock::Slashing;
use sp_runtime::Perbill;
use sp_staking::{
	EraIndex, SessionIndex,
	offence::{Kind, Offence, ReportOffence},
};

use crate::{AccountId, Offences, Providers, Runtime, Staking, Token, parameters::market};

pub use pallet::*;

/// Keeps what was given and reported in the running era.
#[frame_support::pallet]
#[allow(missing_docs, reason = "the macro's own items; ours are documented")]
pub mod pallet {
	use frame_support::pallet_prelude::*;

	use super::EraIndex;

	/// Nothing is asked of the runtime.
	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {}

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	/// The points that a validator has earned by verifying, and in which era.
	#[pallet::storage]
	pub type Points<T: Config> =
		StorageMap<_, Twox64Concat, T::AccountId, (EraIndex, u32), ValueQuery>;

	/// How many validators were reported for fraud, in which era.
	#[pallet::storage]
	pub type Reported<T> = StorageValue<_, (EraIndex, u32), ValueQuery>;

	/// Whether fraud is being reported: nobody is disabled for it. Never kept beyond the report.
	#[pallet::storage]
	pub type Reporting<T> = StorageValue<_, (), OptionQuery>;

	/// Events of the pallet.
	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A validator answers with its stake for the fraud of its provider.
		Answered {
			/// The provider that was convicted.
			provider: T::AccountId,
			/// The validator's stash.
			stash: T::AccountId,
		},
	}
}

impl Config for Runtime {}

/// A provider was convicted of fraud that a validator answers for.
struct Fraud {
	stash: AccountId,
	/// The era whose stake answers. In each it is reported once, whatever it has done.
	era: EraIndex,
	/// A session of that era.
	session: SessionIndex,
	validators: u32,
	fraction: Perbill,
}

impl Offence<IdentificationTuple<Runtime>> for Fraud {
	const ID: Kind = *b"ogpu/work:fraud\0";
	type Slot = (EraIndex, AccountId);

	fn offenders(&self) -> Vec<IdentificationTuple<Runtime>> {
		vec![(self.stash.clone(), ())]
	}

	fn session_index(&self) -> SessionIndex {
		self.session
	}

	fn validator_set_count(&self) -> u32 {
		self.validators
	}

	fn slot(&self) -> Self::Slot {
		(self.era, self.stash.clone())
	}

	/// The same however many there are: they have nothing to do with one another.
	fn slash_fraction(&self, _: u32) -> Perbill {
		self.fraction
	}
}

/// What was counted in an era so far.
const fn so_far((of, count): (EraIndex, u32), era: EraIndex) -> u32 {
	if of == era { count } else { 0 }
}

/// Parts per million of something, rounded down.
fn part_of(whole: Balance, parts: u32) -> Balance {
	whole.saturating_mul(parts.into()) / 1_000_000
}

/// The stash that a provider is linked to, if it validates in this era.
fn validator_of(provider: &AccountId, era: EraIndex) -> Option<AccountId> {
	let stash = pallet_providers::Providers::<Runtime>::get(provider)?.stash?;
	pallet_staking::ErasStakersOverview::<Runtime>::contains_key(era, &stash).then_some(stash)
}

fn active_era() -> Option<EraIndex> {
	pallet_staking::ActiveEra::<Runtime>::get().map(|era| era.index)
}

/// The era whose stake answers for what was taken on in `era`: that one, as long as staking can still take what is
/// deferred from then on, or else the last of which it can.
fn answering_era(era: EraIndex, active: EraIndex) -> EraIndex {
	let defer: EraIndex = <Runtime as pallet_staking::Config>::SlashDeferDuration::get();
	era.max(active.saturating_sub(defer / 2))
}

/// Whether a provider does something for itself: as the same account or operator, or as that of its validator.
fn is_related(provider: &AccountId, client: &AccountId) -> bool {
	let own = Providers::group(provider);
	provider == client || own.is_none() || own == Providers::operator(client)
}

impl Merit<AccountId> for Pallet<Runtime> {
	fn guarantor(provider: &AccountId) -> Option<Guarantor<AccountId>> {
		let era = active_era()?;
		Some(Guarantor { stash: validator_of(provider, era)?, era })
	}

	fn worked(provider: &AccountId, deal: Deal<'_, AccountId>, burnt: Balance) -> Balance {
		let rules = market::Merits::get();
		if deal.operators < rules.operators.get() || is_related(provider, deal.client) {
			return 0;
		}
		let budget = pallet_token::ProviderBudget::<Runtime>::get();
		let amount = part_of(burnt, rules.credited.get()).min(budget);
		// An account that does not exist may be too poor to receive it.
		if amount > 0 && Token::credit_work(provider, amount).is_ok() { amount } else { 0 }
	}

	fn verified(deal: Deal<'_, AccountId>, fees: &[(AccountId, Balance)]) {
		let rules = market::Merits::get();
		let Some(era) = active_era() else { return };
		if deal.operators < rules.operators.get() {
			return;
		}
		let mut of_stash = BTreeMap::<AccountId, Balance>::new();
		for (verifier, fee) in fees {
			let Some(stash) = validator_of(verifier, era) else { continue };
			if !is_related(verifier, deal.client) {
				let sum = of_stash.entry(stash).or_default();
				*sum = sum.saturating_add(*fee);
			}
		}
		if of_stash.is_empty() {
			return;
		}
		let all = pallet_staking::ErasRewardPoints::<Runtime>::get(era).individual;
		let earned = of_stash.into_iter().filter_map(|(stash, fees)| {
			let given = so_far(Points::<Runtime>::get(&stash), era);
			let blocks = all.get(&stash).copied().unwrap_or(0).saturating_sub(given);
			let most = part_of(blocks.into(), rules.points.get());
			let room = most.saturating_sub(given.into());
			let points = (fees / rules.per_point.get()).min(room) as u32;
			(points > 0).then(|| {
				Points::<Runtime>::insert(&stash, (era, given.saturating_add(points)));
				(stash, points)
			})
		});
		let earned: Vec<_> = earned.collect();
		Staking::reward_by_ids(earned);
	}

	fn convicted(provider: &AccountId, guarantor: &Guarantor<AccountId>) {
		let rules = market::Merits::get();
		let Some(era) = active_era() else { return };
		let reported = so_far(Reported::<Runtime>::get(), era);
		if market::Slashes::get() == Slashing::DryRun || reported >= rules.reports.get() {
			return;
		}
		let Guarantor { stash, era: taken_in } = guarantor.clone();
		let answering = answering_era(taken_in, era);
		let Some(session) = pallet_staking::ErasStartSessionIndex::<Runtime>::get(answering) else {
			return;
		};
		// Whoever does not validate any more has nothing in it.
		if !pallet_staking::ErasStakersOverview::<Runtime>::contains_key(answering, &stash) {
			return;
		}
		let offence = Fraud {
			stash: stash.clone(),
			era: answering,
			session,
			validators: pallet_session::Validators::<Runtime>::decode_len().unwrap_or(0) as u32,
			fraction: Perbill::from_parts(rules.stake.get().saturating_mul(1_000)),
		};
		Reporting::<Runtime>::put(());
		let new = Offences::report_offence(vec![], offence).is_ok();
		Reporting::<Runtime>::kill();
		if new {
			Reported::<Runtime>::put((era, reported.saturating_add(1)));
			Self::deposit_event(Event::Answered { provider: provider.clone(), stash });
		}
	}

	fn weight_of_conviction(guarantor: &Guarantor<AccountId>) -> Weight {
		let overview = active_era().and_then(|era| {
			let answering = answering_era(guarantor.era, era);
			pallet_staking::ErasStakersOverview::<Runtime>::get(answering, &guarantor.stash)
		});
		let nominators = overview.map_or(0, |overview| overview.nominator_count);
		// Of each of them, and of the validator: its span, what it loses in the era, and that it is to be applied.
		let each = 3 * (u64::from(nominators) + 1);
		<Runtime as frame_system::Config>::DbWeight::get().reads_writes(each + 10, each + 6)
	}
}
