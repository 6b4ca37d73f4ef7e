//! Signing, and saying what becomes of it.

use ogpu_client::{Call, Chain, Error, Receipt, Signer};
use ogpu_primitives::amount::show;
use serde_json::json;

use super::{Common, say::hex};

/// How to go on with what was interrupted before anything was signed.
pub(super) const UNSIGNED: &str = "Nothing was signed: give the command again.";

/// Says what a call costs, signs it, sends it, and says where it is, until it is final. `None` if nothing was to be sent.
pub(super) async fn send(
	common: &Common,
	chain: &Chain,
	signer: &Signer,
	call: &Call,
) -> Result<Option<Receipt>, Error> {
	let say = common.say();
	let before = say.resume_as(None);
	say.resume_as(before.clone().or_else(|| Some(UNSIGNED.into())));
	let fee = show(chain.fee(signer, call).await?);
	say.line(
		format!("fee      at most {fee} oGPU for {call}"),
		json!({ "call": call.to_string(), "fee": fee }),
	);
	if common.dry_run {
		say.resume_as(before);
		return Ok(None);
	}
	say.resume_with(
		"What was signed may still come to a block: see what there is (`ogpu tasks --mine`, `ogpu balance`) before \
		 you send it again.",
	);
	// It may come to another block while it is not final; that says nothing new.
	let mut told = false;
	let best = |receipt: &Receipt| {
		if let Ok(task) = receipt.task() {
			say.resume_with(format!(
				"It is task {task}, in a block that is not final yet: `ogpu watch {task}`."
			));
		}
		if std::mem::replace(&mut told, true) {
			return;
		}
		say.line(
			format!("best     in block {}, not final yet", hex(&receipt.block)),
			json!({ "call": call.to_string(), "best": hex(&receipt.block) }),
		);
	};
	let sent = chain.send(signer, call, best).await;
	// What becomes of it is known then, one way or the other.
	if !sent.as_ref().is_err_and(Error::is_of_the_way) {
		say.resume_as(before);
	}
	let receipt = sent?;
	say.line(
		format!("final    in block {}", hex(&receipt.block)),
		json!({
			"call": call.to_string(),
			"final": hex(&receipt.block),
			"transaction": hex(&receipt.transaction),
		}),
	);
	Ok(Some(receipt))
}

/// Does what a call does, which says all.
pub(super) async fn do_call(common: &Common, call: Call) -> Result<(), Error> {
	let signer = common.signer()?;
	let chain = common.chain().await?;
	send(common, &chain, &signer, &call).await.map(|_| ())
}
