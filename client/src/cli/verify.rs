//! `verify`: seeing for oneself.

use std::path::PathBuf;

use clap::Args;
use ogpu_client::{Call, Error, Replay, Replayed, Verdict};
use ogpu_job::UnitList;
use ogpu_primitives::market::TaskId;
use serde_json::json;

use super::{Common, say::hex, send::send, task::tell_stake};

#[derive(Args)]
pub(crate) struct Verify {
	/// The number of the task.
	task: TaskId,
	/// Which units, such as 0,5,10-19, counted from the first of the job [default: all whose root is on chain].
	#[arg(long, value_parser = UnitList::parse)]
	units: Option<UnitList>,
	/// The number of the device, as `ogpu-worker devices` lists them.
	#[arg(long, default_value_t = 0)]
	device: usize,
	/// The program ogpu-worker [default: the one beside ogpu].
	#[arg(long, value_name = "FILE")]
	worker: Option<PathBuf>,
	/// If a unit is false, say so on chain: that binds what the judges cost, and pays if they agree. Needs your key.
	#[arg(long)]
	challenge: bool,
}

/// The program that comes with this one, or the one on the path.
fn worker() -> PathBuf {
	let name = "ogpu-worker";
	let beside = std::env::current_exe().ok().map(|own| own.with_file_name(name));
	beside.filter(|path| path.is_file()).unwrap_or_else(|| name.into())
}

const fn word(verdict: Verdict, promised: bool) -> &'static str {
	match verdict {
		Verdict::Right => "right",
		Verdict::Wrong if !promised => "another",
		Verdict::Wrong => "false",
		Verdict::OfFalsePart => "of a part that is false",
		Verdict::Unproven => "unproven: the provider does not show how it leads to the root",
	}
}

impl Verify {
	pub(super) async fn run(&self, common: &Common) -> Result<(), Error> {
		let signer = if self.challenge { Some(common.signer()?) } else { None };
		common.say().resume_with(
			"Nothing was said on chain: give the command again; what was fetched is kept.",
		);
		let chain = common.chain().await?;
		let store = common.store().await?;
		let folder = common.folder()?.join("replays").join(self.task.to_string());
		let worker = self.worker.clone().unwrap_or_else(worker);
		let replay = Replay::prepare(&chain, &store, self.task, &folder).await?;
		if signer.is_some() {
			if !replay.promises_bits() {
				return Err(Error::Refused(
					"a job of the profile `redundant` promises no bits: that this machine comes to something else says \
					 nothing, and a challenge would most likely be lost"
						.into(),
				));
			}
			Replay::selftest(&worker).await?;
		}
		let promised = replay.promises_bits();
		let there = replay.units();
		let units = match &self.units {
			None => (0..there).collect(),
			Some(UnitList(units)) if units.iter().all(|unit| *unit < there) => units.clone(),
			Some(_) => {
				return Err(Error::Usage(format!(
					"of {there} units the root is on chain; they are counted from 0"
				)));
			}
		};
		let say = common.say();
		say.line(
			format!("replays  {} of {there} units on this machine", units.len()),
			json!({ "task": self.task, "units": units.len(), "of": there }),
		);
		let replayed = replay.run(&store, &worker, self.device, &units).await?;
		let _ = std::fs::remove_dir_all(&folder);
		store.close().await;
		for Replayed { unit, part, leaf, verdict } in &replayed {
			// Of many units only those are worth a line that are not right.
			if *verdict != Verdict::Right || common.json {
				say.line(
					format!("unit {unit}   {} ({})", word(*verdict, promised), hex(leaf)),
					json!({ "unit": unit, "part": part, "leaf": hex(leaf), "verdict": word(*verdict, promised) }),
				);
			}
		}
		let count =
			|verdict| replayed.iter().filter(|replayed| replayed.verdict == verdict).count();
		let (right, unproven) = (count(Verdict::Right), count(Verdict::Unproven));
		say.line(
			format!("verdict  {right} of {} units are right", replayed.len()),
			json!({ "task": self.task, "right": right, "unproven": unproven, "of": replayed.len() }),
		);
		let wrong = replayed.iter().find(|replayed| replayed.verdict == Verdict::Wrong);
		let challenges = signer.is_some();
		match (signer, wrong) {
			(Some(signer), Some(Replayed { unit, .. })) => {
				let (part, place) = replay.place(*unit);
				let attempt = replay.attempt(part).unwrap_or_default();
				tell_stake(common, &chain, (self.task, attempt, part)).await?;
				let call = Call::challenge(self.task, attempt, part, place);
				if send(common, &chain, &signer, &call).await?.is_some() {
					say.line(
						format!("challenged: unit {unit} is judged now"),
						json!({ "task": self.task, "challenged": unit }),
					);
				}
			}
			(Some(_), None) if right < replayed.len() => say.line(
				"nothing is challenged: a challenge names a unit that is false, and the provider shows of none what \
				 leads to the root",
				json!({ "task": self.task, "challenged": null }),
			),
			_ => {}
		}
		if right == replayed.len() {
			return Ok(());
		}
		if !replay.promises_bits() {
			return Err(Error::NotThere(
				"this machine comes to something else, which says nothing: a job of the profile `redundant` promises no bits"
					.into(),
			));
		}
		Err(if unproven + right == replayed.len() {
			Error::NotThere(
				"not all of it could be compared with what is on chain; replay all units of a part (without --units)"
					.into(),
			)
		} else {
			let how = if challenges { "" } else { "; --challenge says so on chain" };
			let what = "what was promised on chain is not what this machine comes to";
			Error::WrongResult(format!("{what}{how}"))
		})
	}
}
