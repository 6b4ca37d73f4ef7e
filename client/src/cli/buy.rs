//! `quote`, `submit` and `offer`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use codec::Encode;
use ogpu_client::{Call, Error, Executor, Funds, Order};
use ogpu_primitives::{
	Balance,
	amount::{parse, show},
	market::{
		DeviceTier,
		price::Work,
		quote::Quote as Costs,
		spec::{FewOperators, TaskSpec, Trust},
		verification::Tier,
	},
};
use serde_json::json;

use super::{
	Common,
	say::{count, hex, with_out},
	send::{UNSIGNED, send},
	task,
};

/// How thoroughly a result is verified.
#[derive(Clone, Copy, ValueEnum)]
enum Thoroughness {
	/// Five members, two clean rounds.
	Standard,
	/// Five members, three clean rounds, more units each.
	High,
	/// Three members recompute everything, twice.
	Full,
}

/// A class of devices.
#[derive(Clone, Copy, ValueEnum)]
enum Class {
	/// Processors, and cards of ordinary computers.
	Consumer,
	/// Workstation cards.
	Professional,
	/// Data-centre cards.
	DataCentre,
}

pub(super) fn amount(text: &str) -> Result<Balance, String> {
	parse(text).ok_or_else(|| "an amount of oGPU is a number such as 1.5".into())
}

/// Who may compute a job, and how thoroughly they are verified.
#[derive(Args)]
pub(super) struct Wishes {
	/// How thoroughly it is verified [default: standard, or full where there are few units].
	#[arg(long)]
	tier: Option<Thoroughness>,
	/// The lowest class of device.
	#[arg(long, default_value = "consumer")]
	devices: Class,
	/// Only providers in this country, by its ISO 3166-1 number.
	#[arg(long, value_name = "NUMBER")]
	region: Option<u16>,
	/// Only providers with this reputation, in thousandths.
	#[arg(long, default_value_t = 0)]
	reputation: u16,
	/// Have every result verified as thoroughly as you say, however good the record of its provider.
	#[arg(long)]
	trust_nobody: bool,
	/// Accept the result unverified while there are too few operators to verify it.
	#[arg(long)]
	unverified: bool,
}

impl Wishes {
	/// The order, with these.
	pub(super) fn apply(&self, order: Order) -> Order {
		Order {
			tier: match self.tier {
				None => order.tier,
				Some(Thoroughness::Standard) => Tier::Standard,
				Some(Thoroughness::High) => Tier::High,
				Some(Thoroughness::Full) => Tier::Full,
			},
			devices: match self.devices {
				Class::Consumer => DeviceTier::Consumer,
				Class::Professional => DeviceTier::Professional,
				Class::DataCentre => DeviceTier::DataCentre,
			},
			region: self.region,
			reputation: self.reputation,
			trust: if self.trust_nobody { Trust::Never } else { Trust::Earned },
			few_operators: match self.unverified {
				true => FewOperators::Unverified,
				false => FewOperators::Refuse,
			},
			..order
		}
	}

	/// Whether it says how thoroughly.
	pub(super) const fn names_tier(&self) -> bool {
		self.tier.is_some()
	}
}

/// Seconds of the reference device as the chain counts work.
pub(super) fn work(seconds: f64) -> Result<Work, Error> {
	let work = seconds * 1_000.0;
	if !(0.5..=1e12).contains(&work) {
		return Err(Error::Usage("--work is a number of seconds, at least 0.001".into()));
	}
	Ok(work.round() as _)
}

/// What is asked for a job.
#[derive(Args)]
struct Terms {
	/// The manifest, a YAML file.
	manifest: PathBuf,
	/// The most you pay for the work, in oGPU [default: what the chain quotes for it].
	#[arg(long, value_parser = amount, value_name = "OGPU")]
	max_price: Option<Balance>,
	/// How much work it is: seconds that the reference device would take.
	#[arg(long, default_value_t = 1.0, value_name = "SECONDS")]
	work: f64,
	/// Blocks in which it is to be computed, of three seconds each.
	#[arg(long, default_value_t = 200, value_name = "BLOCKS")]
	time: u32,
	/// In how many parts it is verified and paid.
	#[arg(long, default_value_t = 1)]
	parts: u8,
	#[command(flatten)]
	wishes: Wishes,
}

impl Terms {
	fn order(&self) -> Result<Order, Error> {
		let work = work(self.work)?;
		let order = self.wishes.apply(Order::read(&self.manifest)?);
		let (parts, max_price, time) = (self.parts, self.max_price, self.time);
		Ok(Order { parts, work, max_price, time, ..order })
	}
}

/// Prints what a task costs.
fn tell(common: &Common, order: &Order, spec: &TaskSpec, quote: &Costs) {
	let percent = |billionth: u32| f64::from(billionth) / 1e7;
	let verified = match quote.members {
		0 => "not verified: too few operators, as you accept".to_owned(),
		members => format!(
			"{members} members a round; a result that is false throughout is found with {:.4} %, one false unit with \
			 {:.4} %",
			percent(quote.detection_all),
			percent(quote.detection_one)
		),
	};
	let trusted = match quote.trusted_all < quote.detection_all {
		false => String::new(),
		true => format!(
			"; of the most trusted provider with {:.4} % and {:.4} %, which locks more (--trust-nobody)",
			percent(quote.trusted_all),
			percent(quote.trusted_one)
		),
	};
	let name = order.manifest.job.name.text();
	let sentence = format!(
		"job      {name}, {} in {} ({})\nprice    at most {} oGPU, {} protocol fee, {} verification; what is \
		 not needed comes back\nlocked   {} oGPU besides, which come back unless the job is at fault\nverified \
		 {verified}{trusted}",
		count(spec.units, "unit"),
		count(spec.parts, "part"),
		hex(&spec.job.hash),
		show(quote.reserve),
		show(quote.protocol_fee),
		show(quote.verification),
		show(quote.client_lock),
	);
	let value = json!({
		"job": hex(&spec.job.hash),
		"name": name,
		"units": spec.units,
		"parts": spec.parts,
		"price": show(quote.reserve),
		"protocol_fee": show(quote.protocol_fee),
		"verification": show(quote.verification),
		"most": show(quote.most()),
		"client_lock": show(quote.client_lock),
		"provider_lock": show(quote.provider_lock),
		"members": quote.members,
		"detection_all": f64::from(quote.detection_all) / 1e9,
		"detection_one": f64::from(quote.detection_one) / 1e9,
		"trusted_all": f64::from(quote.trusted_all) / 1e9,
		"trusted_one": f64::from(quote.trusted_one) / 1e9,
	});
	common.say().line(sentence, value);
}

#[derive(Args)]
pub(crate) struct Quote {
	#[command(flatten)]
	terms: Terms,
}

impl Quote {
	pub(super) async fn run(&self, common: &Common) -> Result<(), Error> {
		let order = self.terms.order()?;
		let chain = common.chain().await?;
		let store = common.store().await?;
		let spec = order.spec(store.source()?);
		let quote = chain.quote(&spec).await?;
		tell(common, &order, &spec, &quote);
		store.close().await;
		Ok(())
	}
}

#[derive(Args)]
pub(crate) struct Offer {
	#[command(flatten)]
	terms: Terms,
}

impl Offer {
	pub(super) async fn run(&self, common: &Common) -> Result<(), Error> {
		let order = self.terms.order()?;
		let store = common.store().await?;
		let spec = order.spec(store.source()?);
		store.offer(&order).await?;
		let scale = hex(&spec.encode());
		common.say().line(
			format!("spec     {scale}\nserving  program and inputs until Ctrl-C"),
			json!({ "spec": scale, "job": hex(&spec.job.hash), "serving": true }),
		);
		common.say().resume_with(
			"Nobody gets the inputs now: give the command again, or `ogpu watch TASK` once it is submitted.",
		);
		std::future::pending().await
	}
}

#[derive(Args)]
pub(crate) struct Submit {
	#[command(flatten)]
	terms: Terms,
	/// Pay no more than this in all, in oGPU [default: what is quoted now].
	#[arg(long, value_parser = amount, value_name = "OGPU")]
	most: Option<Balance>,
	/// End once it is submitted. Providers get the inputs while `ogpu watch` runs, or from --keep-at.
	#[arg(long)]
	detach: bool,
	/// Have the executor at this URL, yours or a friend's, keep the inputs and serve them instead of this machine.
	#[arg(long, value_name = "URL", requires = "keeper_token")]
	keep_at: Option<String>,
	/// The file with its token.
	#[arg(long, value_name = "FILE")]
	keeper_token: Option<PathBuf>,
	/// The folder for the result [default: task-NUMBER].
	#[arg(long, short)]
	out: Option<PathBuf>,
}

impl Submit {
	pub(super) async fn run(&self, common: &Common) -> Result<(), Error> {
		let order = self.terms.order()?;
		let signer = common.signer()?;
		common.say().resume_with(UNSIGNED);
		let chain = common.chain().await?;
		let store = common.store().await?;
		let source = match &self.keep_at {
			// What is only to be told is not handed over either.
			Some(url) if !common.dry_run => {
				Executor::at(url, self.keeper_token.as_deref())?.keep(&order).await?
			}
			_ => store.source()?,
		};
		let mut spec = order.spec(source);
		// Whoever keeps the inputs, the result is this machine's.
		spec.job.reader = store.key()?;
		let quote = chain.quote(&spec).await?;
		let most = self.most.unwrap_or_else(|| quote.most());
		let Funds { spendable, .. } = chain.funds(&signer.account()).await?;
		let needed = quote.most().saturating_add(quote.client_lock);
		if spendable < needed {
			return Err(Error::Refused(format!(
				"{} oGPU are needed for now, and {} can spend {}: send it some, or name another account with --key",
				show(needed),
				signer.account(),
				show(spendable)
			)));
		}
		tell(common, &order, &spec, &quote);
		if most < quote.most() {
			return Err(Error::Refused(format!(
				"it may cost {} oGPU in all, and --most is {}",
				show(quote.most()),
				show(most)
			)));
		}
		if !common.dry_run {
			store.offer(&order).await?;
		}
		let Some(receipt) = send(common, &chain, &signer, &Call::submit(spec, most)).await? else {
			return Ok(());
		};
		let id = receipt.task()?;
		common.say().line(
			format!("task     {id}"),
			json!({
				"task": id,
				"block": hex(&receipt.block),
				"transaction": hex(&receipt.transaction),
			}),
		);
		if self.detach {
			let (how, next) = match &self.keep_at {
				Some(url) => {
					let next = format!("ogpu fetch {id}");
					(format!("{url} serves the inputs. Later: `{next}`."), next)
				}
				None => {
					let next = format!("ogpu watch {id}");
					(
						format!("Now run `{next}`: providers get the inputs only while it does."),
						next,
					)
				}
			};
			common.say().line(how, json!({ "next": next }));
			common.say().resume_with(format!("It is submitted. Later: `{next}`."));
			store.close().await;
			return Ok(());
		}
		let out = with_out(self.out.as_deref());
		common.say().resume_with(format!(
			"Pick it up again with `ogpu watch {id}`, then `ogpu fetch {id}{out}`. What has come is kept."
		));
		task::follow(common, &chain, id).await?;
		task::get(common, &chain, &store, id, self.out.as_deref()).await?;
		task::take_delivery(common, &chain, &signer, id).await?;
		store.close().await;
		Ok(())
	}
}
