//! What a provider's operator does.

use std::{path::PathBuf, str::FromStr};

use clap::{Args, Subcommand};
use ogpu_client::{
	AccountId, Call, Device, DevicePrice, Error, Executor, PriceChange, Profile, ProviderState,
	ProviderStatus,
};
use ogpu_primitives::{
	Balance,
	amount::show,
	executor::{ExecutorStatus, Health},
	job::Prelude,
	market::{Endpoint, Features, trial::MAX_RATING},
};
use serde_json::{Value, json};

use super::{
	Common,
	buy::amount,
	say::hex,
	send::{do_call, send},
};

/// The longest name of a device on chain, in bytes.
const MAX_NAME: usize = 64;

#[derive(Subcommand)]
pub(crate) enum Provider {
	/// Registers you, with the worker key of --node and what your executor says of its devices.
	Register(Describe),
	/// Tells the chain of other devices, another address or another worker key.
	Update(Describe),
	/// How a provider stands.
	Show {
		/// Whose; yours if not given.
		account: Option<String>,
	},
	/// Bonds collateral, from which locks for tasks and seats are taken.
	Bond {
		/// How much, in oGPU.
		#[arg(value_parser = amount)]
		amount: Balance,
	},
	/// Starts to take collateral out. It can be slashed until it is withdrawn.
	Unbond {
		/// How much, in oGPU.
		#[arg(value_parser = amount)]
		amount: Balance,
	},
	/// Takes out collateral whose time has come.
	Withdraw,
	/// Asks for so many seats on panels, from the session after the next on: verifying pays.
	Seats {
		/// How many.
		seats: u32,
	},
	/// Proves how fast your devices are, by a trial of a minute that begins with the next bell. Device tiers follow from that.
	Rate {
		/// What you say they do, in thousandths of the reference device: four for each integer Gop that
		/// `ogpu-worker bench` prints. Who says more than a quarter too much proves nothing.
		#[arg(
			required_unless_present = "withdraw",
			value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_RATING))
		)]
		rating: Option<u32>,
		/// Takes the application back, as long as the bell has not rung.
		#[arg(long, conflicts_with = "rating")]
		withdraw: bool,
	},
	/// What your executor asks for work; with a price, what it asks from now on.
	Prices(Ask),
	/// Takes nothing new: what is under way is finished.
	Drain,
	/// Takes work again after `drain`.
	Resume,
	/// Leaves for good, after `drain`, once nothing is under way. The deposit comes back.
	Retire,
	/// Offers your validator's stash, whose key this is, to a provider: what it verifies earns you points, and you and
	/// your nominators answer for its fraud in all that it took on while you were linked.
	OfferStash {
		/// The provider's account.
		#[arg(value_parser = account)]
		provider: AccountId,
	},
	/// Accepts such an offer, as the provider.
	AcceptStash {
		/// The stash.
		#[arg(value_parser = account)]
		stash: AccountId,
	},
	/// Takes such an offer back, as the stash, or ends the link, as either.
	UnlinkStash {
		/// The provider's account.
		#[arg(value_parser = account)]
		provider: AccountId,
	},
}

#[derive(Args)]
pub(crate) struct Describe {
	/// Your executor, which must have passed its self-test.
	#[arg(long, default_value = "http://127.0.0.1:9960", value_name = "URL")]
	executor: String,
	/// The country that the machine is in, by its ISO 3166-1 number: 276 is Germany.
	#[arg(long, value_name = "NUMBER")]
	region: u16,
}

#[derive(Args)]
pub(crate) struct Ask {
	/// Your executor.
	#[arg(long, default_value = "http://127.0.0.1:9960", value_name = "URL")]
	executor: String,
	/// The file in which it keeps its token: `token` in its data folder.
	#[arg(long, value_name = "FILE")]
	executor_token_file: PathBuf,
	/// For a second of a device's time, in oGPU.
	#[arg(long, value_name = "AMOUNT", value_parser = amount)]
	per_second: Option<Balance>,
	/// At least, for any job, in oGPU.
	#[arg(long, value_name = "AMOUNT", value_parser = amount)]
	minimum: Option<Balance>,
}

impl Ask {
	async fn run(&self, common: &Common) -> Result<(), Error> {
		let executor = Executor::at(&self.executor, Some(&self.executor_token_file))?;
		let change =
			PriceChange { per_second: self.per_second.map(show), minimum: self.minimum.map(show) };
		let changes = change != PriceChange::default();
		if changes && common.dry_run {
			common.say().line("nothing is changed (--dry-run)", json!({ "changed": false }));
		}
		let prices = executor.prices((changes && !common.dry_run).then_some(&change)).await?;
		for DevicePrice { device, per_second, minimum } in prices.devices {
			common.say().line(
				format!("{device}: {per_second} oGPU for a second, at least {minimum} for a job"),
				json!({ "device": device, "per_second": per_second, "minimum": minimum }),
			);
		}
		Ok(())
	}
}

fn account(text: &str) -> Result<AccountId, String> {
	AccountId::from_str(text).map_err(|error| format!("it is no account: {error}"))
}

/// What the chain is told of the devices that an executor offers.
fn devices(status: &ExecutorStatus) -> Result<Vec<Device>, Error> {
	let mut devices = Vec::new();
	for device in &status.devices {
		if device.health != Health::Good {
			continue;
		}
		let mut features = Features::default();
		if device.exact_f32 {
			features = features.with(Features::EXACT_F32);
			if status.preludes.contains(&Prelude::Dm1) {
				features = features.with(Features::DM_1);
			}
		}
		if device.fp64 {
			features = features.with(Features::FP64);
		}
		let name = String::from_utf8_lossy(&device.name).into_owned();
		let end = (0..=MAX_NAME.min(name.len())).rev().find(|end| name.is_char_boundary(*end));
		devices.push(Device {
			name: name.as_bytes()[..end.unwrap_or(0)].to_vec(),
			memory: device.memory.max(1).ilog2() as u8,
			features,
			fingerprint: device.fingerprint,
		});
	}
	if devices.is_empty() {
		return Err(Error::Host(
			"no device of the executor has passed its self-test (yet); `ogpu-worker selftest` says why".into(),
		));
	}
	Ok(devices)
}

impl Describe {
	/// What the executor is, as the chain is told.
	async fn profile(&self, worker: [u8; 32]) -> Result<Profile, Error> {
		let status = Executor::at(&self.executor, None)?.status().await?;
		let endpoint = status.peer.as_ref().map(Endpoint::of).filter(Endpoint::is_reachable);
		let endpoint = endpoint.ok_or_else(|| {
			Error::Host(
				"nobody can fetch results from the executor: its configuration says where, blobs.listen and \
				 blobs.announce"
					.into(),
			)
		})?;
		let devices = devices(&status)?;
		// Nobody encrypts inputs yet.
		Ok(Profile { worker, endpoint, encryption: [0; 32], region: self.region, devices })
	}

	async fn run(&self, common: &Common, is_new: bool) -> Result<(), Error> {
		let signer = common.signer()?;
		let chain = common.chain().await?;
		let worker = chain.worker_proof(&signer.account()).await?;
		let profile = self.profile(worker.key).await?;
		for device in &profile.devices {
			let name = String::from_utf8_lossy(&device.name);
			common.say().line(
				format!(
					"device   {name}: at least {} MiB, features {:#05b}",
					(1u64 << device.memory.min(63)) >> 20,
					device.features.0
				),
				json!({ "device": name, "memory": device.memory, "features": device.features.0 }),
			);
		}
		if is_new {
			let deposit = show(chain.registration().await?);
			common.say().line(
				format!("held     {deposit} oGPU as long as you are registered"),
				json!({ "deposit": deposit }),
			);
		}
		let call = match is_new {
			true => Call::register(profile, worker.proof),
			false => Call::update(profile, Some(worker.proof)),
		};
		if send(common, &chain, &signer, &call).await?.is_some() && is_new {
			common.say().line(
				"registered. Now `ogpu provider bond AMOUNT`, and `ogpu provider seats NUMBER` to verify, too",
				json!({ "registered": signer.account().to_string() }),
			);
		}
		Ok(())
	}
}

impl Provider {
	pub(super) async fn run(&self, common: &Common) -> Result<(), Error> {
		let call = match self {
			Self::Register(describe) => return describe.run(common, true).await,
			Self::Update(describe) => return describe.run(common, false).await,
			Self::Show { account } => return show_provider(common, account.as_deref()).await,
			Self::Bond { amount } => Call::bond(*amount),
			Self::Unbond { amount } => Call::unbond(*amount),
			Self::Withdraw => Call::withdraw(),
			Self::Seats { seats } => Call::set_seats(*seats),
			Self::Rate { rating: Some(rating), .. } => return apply(common, *rating).await,
			Self::Rate { .. } => Call::withdraw_application(),
			Self::Prices(ask) => return ask.run(common).await,
			Self::Drain => Call::retire(),
			Self::Resume => Call::resume(),
			Self::Retire => Call::deregister(),
			Self::OfferStash { provider } => Call::link_stash(*provider),
			Self::AcceptStash { stash } => Call::accept_stash(*stash),
			Self::UnlinkStash { provider } => Call::unlink_stash(*provider),
		};
		do_call(common, call).await
	}
}

/// Applies for a trial, and says what it costs.
async fn apply(common: &Common, rating: u32) -> Result<(), Error> {
	let signer = common.signer()?;
	let chain = common.chain().await?;
	let (fees, bond) = chain.cost_of_trial(rating).await?;
	let (fees, bond) = (show(fees), show(bond));
	common.say().line(
		format!(
			"held     {fees} oGPU for those who verify it, and {bond} that are lost if it is false, a tenth of that if \
			 nothing comes; the rest comes back"
		),
		json!({ "rating": rating, "fees": fees, "bond": bond }),
	);
	let call = Call::apply_for_rating(rating);
	if let Some(receipt) = send(common, &chain, &signer, &call).await? {
		common.say().line(
			"applied: your node computes a trial when the bell rings. `ogpu provider show` tells how it stands",
			json!({ "applied": rating, "block": hex(&receipt.block) }),
		);
	}
	Ok(())
}

/// A reputation as it is printed for programs.
pub(super) fn reputation([verdicts, timeliness, uptime, disputes]: [u16; 4]) -> Value {
	json!({ "verdicts": verdicts, "timeliness": timeliness, "uptime": uptime, "disputes": disputes })
}

async fn show_provider(common: &Common, whose: Option<&str>) -> Result<(), Error> {
	let whose = match whose {
		None => common.signer()?.account(),
		Some(text) => account(text).map_err(|error| Error::Usage(format!("{text}: {error}")))?,
	};
	let chain = common.chain().await?;
	let found = chain.provider(&whose).await?;
	let collateral = chain.collateral(&whose).await?;
	let trial = chain.trial(&whose).await?;
	let ProviderState { status, active, seats, tasks, rating, region, .. } = found;
	// One that went with other devices stays on the chain until its time is over.
	let rated_until = if rating > 0 { chain.rated_until(&whose).await? } else { None };
	let status = match status {
		ProviderStatus::Open if active => "open",
		ProviderStatus::Open => "open, but its heartbeats do not come: nothing new is given to it",
		ProviderStatus::Suspended => "suspended by governance",
		ProviderStatus::Retiring => "draining",
	};
	let [verdicts, timeliness, uptime, disputes] = found.reputation;
	let unbonding: Vec<_> = collateral
		.unbonding
		.iter()
		.map(|(amount, until)| json!({ "amount": show(*amount), "until": until }))
		.collect();
	let leaving: Balance = collateral.unbonding.iter().map(|(amount, _)| amount).sum();
	common.say().line(
		format!(
			"provider   {whose}: {status}\ndevices    {}\nwork       {tasks} tasks, {seats} seats, region {region}, \
			 rating {rating}{}{}\nreputation verdicts {verdicts}, timeliness {timeliness}, uptime {uptime}, disputes \
			 {disputes} (of 1000)\ncollateral {} oGPU bonded: {} locked, {} in seats, {} free; {} on its way out",
			found.devices.join(", "),
			rated_until.map_or_else(String::new, |until| format!(" until the market's block {until}")),
			trial.as_ref().map_or_else(String::new, |trial| format!(" ({trial})")),
			show(collateral.bonded),
			show(collateral.locked),
			show(collateral.seats),
			show(collateral.free),
			show(leaving),
		),
		json!({
			"provider": whose.to_string(),
			"status": status,
			"active": active,
			"devices": found.devices,
			"region": region,
			"group": found.group,
			"stash": found.stash.map(|stash| stash.to_string()),
			"rating": rating,
			"rated_until": rated_until,
			"trial": trial.map(|trial| json!({ "number": trial.number, "claimed": trial.claimed, "stage": trial.word() })),
			"tasks": tasks,
			"seats": seats,
			"reputation": reputation(found.reputation),
			"bonded": show(collateral.bonded),
			"locked": show(collateral.locked),
			"in_seats": show(collateral.seats),
			"free": show(collateral.free),
			"unbonding": unbonding,
		}),
	);
	Ok(())
}
