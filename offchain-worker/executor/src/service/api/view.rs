//! How things look in JSON.

use ogpu_primitives::{
	amount,
	executor::{
		Checkpoint, ExecutorStatus, Fault, Health, JobFault, Leaves, Peer, Proof, Quote, RunId,
		RunState, string,
	},
	piece::Piece,
};
use serde_json::{Value, json};

use crate::{prelude, selftest::hex};

fn fault(fault: &Fault) -> Value {
	let job = |what: &JobFault| match what {
		JobFault::Invalid => "invalid",
		JobFault::Inadmissible => "inadmissible",
		JobFault::OutOfBounds => "out_of_bounds",
		JobFault::OutOfUnit => "out_of_unit",
		JobFault::InputWritten => "input_written",
		JobFault::NotIndependent => "not_independent",
	};
	match fault {
		Fault::Job(what) => json!({ "of": "job", "what": job(what) }),
		Fault::Unavailable(blob) => json!({ "of": "inputs", "blob": blob.to_string() }),
		Fault::Host => json!({ "of": "host" }),
		Fault::Unfinished => json!({ "of": "time" }),
	}
}

/// The word for a state.
pub(super) fn word(state: &RunState) -> &'static str {
	match state {
		RunState::Fetching => "fetching",
		RunState::Queued => "queued",
		RunState::Running { .. } => "running",
		RunState::Done { .. } => "done",
		RunState::Failed { .. } => "failed",
		RunState::Cancelled => "cancelled",
	}
}

pub(super) fn run(id: &RunId, state: &RunState) -> Value {
	let mut value = json!({ "id": hex(id), "state": word(state) });
	match state {
		RunState::Fetching | RunState::Queued | RunState::Cancelled => {}
		RunState::Running { done, of } => {
			value["done"] = (*done).into();
			value["of"] = (*of).into();
			value["percent"] = (u64::from(*done) * 100 / u64::from((*of).max(1))).into();
		}
		RunState::Done { root, run_ms } => {
			value["root"] = root.as_ref().map(hex).into();
			value["run_ms"] = (*run_ms).into();
		}
		RunState::Failed { fault: whose, message } => {
			value["fault"] = fault(whose);
			value["message"] = string(message).into();
		}
	}
	value
}

fn pairs(leaves: &[(u32, [u8; 32])]) -> Value {
	leaves.iter().map(|(unit, leaf)| json!([unit, hex(leaf)])).collect()
}

pub(super) fn leaves(leaves: &Leaves) -> Value {
	json!({ "leaves": pairs(&leaves.leaves) })
}

pub(super) fn proof(proof: &Proof) -> Value {
	json!({
		"leaves": pairs(&proof.leaves),
		"siblings": proof.proof.siblings.iter().map(hex).collect::<Vec<_>>(),
	})
}

pub(super) fn piece(piece: &Piece) -> Value {
	json!({
		"size": piece.size,
		"index": piece.index,
		"bytes": piece.bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
		"siblings": piece.siblings.iter().map(hex).collect::<Vec<_>>(),
	})
}

pub(super) fn checkpoint(checkpoint: &Checkpoint) -> Value {
	json!({
		"unit": checkpoint.segment,
		"slices": checkpoint.slices.iter().map(ToString::to_string).collect::<Vec<_>>(),
	})
}

pub(super) fn quote(quote: &Quote) -> Value {
	match quote {
		Quote::Pending => json!({ "quote": "pending" }),
		Quote::Refused { fault: whose, message } => {
			json!({ "quote": "refused", "fault": fault(whose), "message": string(message) })
		}
		Quote::Offer { price, run_ms, wait_ms, device } => json!({
			"quote": "offer",
			"price": amount::show(*price),
			"run_ms": run_ms,
			"wait_ms": wait_ms,
			"device": device,
		}),
	}
}

fn peer(peer: &Peer) -> Value {
	let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
	json!({
		"key": hex(&peer.key),
		"addresses": peer.addresses.iter().map(|address| text(address)).collect::<Vec<_>>(),
		"relay": peer.relay.as_ref().map(|relay| text(relay)),
	})
}

pub(super) fn status(status: &ExecutorStatus) -> Value {
	let devices = status.devices.iter().map(|device| {
		json!({
			"name": String::from_utf8_lossy(&device.name),
			"fingerprint": hex(&device.fingerprint),
			"memory": device.memory,
			"exact_f32": device.exact_f32,
			"fp64": device.fp64,
			"waiting": device.waiting,
			"busy": device.busy,
			"health": match device.health {
				Health::Good => "good",
				Health::Failed => "failed",
				Health::Quarantined => "quarantined",
			},
		})
	});
	json!({
		"api": status.api,
		"job_format": status.job_format,
		"preludes": status.preludes.iter().map(|prelude| prelude::name(*prelude)).collect::<Vec<_>>(),
		"devices": devices.collect::<Vec<_>>(),
		"peer": status.peer.as_ref().map(peer),
		"draining": status.draining,
	})
}
