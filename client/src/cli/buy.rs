//! `quote` and `submit`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ogpu_client::{Error, Order};
use ogpu_primitives::{
	Balance,
	amount::{parse, show},
	market::{
		DeviceTier,
		quote::Quote as Costs,
		spec::{FewOperators, TaskSpec},
		verification::Tier,
	},
};
use serde_json::json;

use super::{Common, say::hex, task};

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

fn amount(text: &str) -> Result<Balance, String> {
	parse(text).ok_or_else(|| "an amount of oGPU is a number such as 1.5".into())
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
	/// How thoroughly it is verified [default: standard, or full where there are few units].
	#[arg(long)]
	tier: Option<Thoroughness>,
	/// In how many parts it is verified and paid.
	#[arg(long, default_value_t = 1)]
	parts: u8,
	/// The lowest class of device.
	#[arg(long, default_value = "consumer")]
	devices: Class,
	/// Only providers in this country, by its ISO 3166-1 number.
	#[arg(long, value_name = "NUMBER")]
	region: Option<u16>,
	/// Only providers with this reputation, in thousandths.
	#[arg(long, default_value_t = 0)]
	reputation: u16,
	/// Accept the result unverified while there are too few operators to verify it.
	#[arg(long)]
	unverified: bool,
}

impl Terms {
	fn order(&self) -> Result<Order, Error> {
		let work = self.work * 1_000.0;
		if !(0.5..=1e12).contains(&work) {
			return Err(Error::Usage("--work is a number of seconds, at least 0.001".into()));
		}
		let order = Order::read(&self.manifest)?;
		Ok(Order {
			tier: match self.tier {
				None => order.tier,
				Some(Thoroughness::Standard) => Tier::Standard,
				Some(Thoroughness::High) => Tier::High,
				Some(Thoroughness::Full) => Tier::Full,
			},
			parts: self.parts,
			work: work.round() as _,
			max_price: self.max_price,
			time: self.time,
			devices: match self.devices {
				Class::Consumer => DeviceTier::Consumer,
				Class::Professional => DeviceTier::Professional,
				Class::DataCentre => DeviceTier::DataCentre,
			},
			region: self.region,
			reputation: self.reputation,
			few_operators: match self.unverified {
				true => FewOperators::Unverified,
				false => FewOperators::Refuse,
			},
			..order
		})
	}
}

/// Prints what a task costs.
fn tell(common: &Common, order: &Order, spec: &TaskSpec, quote: &Costs, fee: Option<Balance>) {
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
	let name = order.manifest.job.name.text();
	let fee_line = fee.map_or(String::new(), |fee| format!("\nfee      about {} oGPU", show(fee)));
	let sentence = format!(
		"job      {name}, {} units in {} parts ({})\nprice    at most {} oGPU, {} protocol fee, {} verification; what is \
		 not needed comes back\nlocked   {} oGPU besides, which come back unless the job is at fault{fee_line}\nverified \
		 {verified}",
		spec.units,
		spec.parts,
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
		"fee": fee.map(show),
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
		tell(common, &order, &spec, &quote, None);
		store.close().await;
		Ok(())
	}
}

#[derive(Args)]
pub(crate) struct Submit {
	#[command(flatten)]
	terms: Terms,
	/// Pay no more than this in all, in oGPU [default: what is quoted now].
	#[arg(long, value_parser = amount, value_name = "OGPU")]
	most: Option<Balance>,
	/// Only say what it would cost, fee included; sign and send nothing.
	#[arg(long)]
	dry_run: bool,
	/// End once it is submitted. Providers get the inputs only while `ogpu watch` runs.
	#[arg(long)]
	detach: bool,
	/// The folder for the result [default: task-NUMBER].
	#[arg(long, short)]
	out: Option<PathBuf>,
}

impl Submit {
	pub(super) async fn run(&self, common: &Common) -> Result<(), Error> {
		let order = self.terms.order()?;
		let signer = common.signer()?;
		let chain = common.chain().await?;
		let store = common.store().await?;
		let spec = order.spec(store.source()?);
		let quote = chain.quote(&spec).await?;
		let most = self.most.unwrap_or_else(|| quote.most());
		let (free, _) = chain.balance(&signer.account()).await?;
		let needed = quote.most().saturating_add(quote.client_lock);
		if free < needed {
			return Err(Error::Refused(format!(
				"{} oGPU are needed for now, and {} has {}",
				show(needed),
				signer.account(),
				show(free)
			)));
		}
		let fee = chain.fee_of_submitting(&signer, spec.clone(), most).await?;
		tell(common, &order, &spec, &quote, Some(fee));
		if self.dry_run {
			return Ok(());
		}
		store.offer(&order).await?;
		let submitted = chain.submit(&signer, spec, most).await?;
		let id = submitted.task;
		let sentence =
			format!("task     {id}, finalised in block {}", hex(&submitted.receipt.block));
		let value = json!({
			"task": id,
			"block": hex(&submitted.receipt.block),
			"transaction": hex(&submitted.receipt.transaction),
		});
		common.say().line(sentence, value);
		if self.detach {
			let how =
				format!("Now run `ogpu watch {id}`: providers get the inputs only while it does.");
			common.say().line(how, json!({ "next": format!("ogpu watch {id}") }));
			store.close().await;
			return Ok(());
		}
		common.say().resume_with(format!(
			"Pick it up again with `ogpu watch {id}`, then `ogpu fetch {id}`."
		));
		task::follow(common, &chain, id).await?;
		task::get(common, &chain, &store, id, self.out.as_deref()).await?;
		task::take_delivery(common, &chain, &signer, id).await?;
		store.close().await;
		Ok(())
	}
}
