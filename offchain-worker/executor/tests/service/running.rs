//! What a user does on a good day.

use std::io::Write;

use codec::{Decode, Encode};
use ogpu_blobs::{Blobs, Fetch, NodeOptions, Options, Question, from_hex};
use ogpu_primitives::{
	executor::{Checkpoint, ExecutorStatus, Leaves, Proof, PublishRequest, RunState},
	job::BlobId,
	merkle::{Blake2, Multiproof, Tree, lowest, verify},
	piece::Piece,
};

use crate::daemon::{Daemon, answer, endless, little, little_manifest, until};

fn scale<T: Decode>(daemon: &Daemon, path: &str) -> T {
	let answer = daemon.ask("GET", path, &["Accept: application/octet-stream"], &[]);
	assert_eq!(answer.status, 200, "{answer:?}");
	T::decode(&mut answer.body.as_slice()).expect("SCALE")
}

#[test]
fn a_job_from_form_to_result() {
	let mut daemon = Daemon::new("");
	// As `curl -F` sends it.
	let (mark, program) = (
		"----mark",
		"__kernel void f(__global uint *out, uint seed) { out[get_global_id(0)] = (uint)get_global_id(0) + seed; }",
	);
	let field = |name: &str, file: &str, text: &str| {
		format!(
			"--{mark}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{text}\r\n"
		)
	};
	let body = [
		field("manifest", "; filename=\"job.yaml\"", &little_manifest(5)),
		field("files", "; filename=\"f.cl\"", program),
		field("owner", "", "me"),
		format!("--{mark}--\r\n"),
	]
	.concat();
	let media = format!("Content-Type: multipart/form-data; boundary={mark}");
	let taken = daemon.ask("POST", "/v1/jobs", &[&media], body.as_bytes());
	assert_eq!(taken.status, 201, "{taken:?}");
	let id = taken.json()["id"].as_str().expect("an id").to_owned();
	// Sent again, it is the same run.
	let again = daemon.ask("POST", "/v1/jobs", &[&media], body.as_bytes());
	assert_eq!((again.status, &again.json()["id"]), (200, &taken.json()["id"]));

	let events = daemon.get(&format!("/v1/jobs/{id}/events"));
	let events = String::from_utf8(events.body).expect("text");
	assert!(events.trim_end().lines().rev().any(|line| line == "event: done"), "{events}");
	let state = daemon.wait(&id);
	assert_eq!(state["state"], "done", "{state}");

	let output = daemon.get(&format!("/v1/jobs/{id}/outputs/out"));
	let expected: Vec<u8> = (5..1029u32).flat_map(u32::to_le_bytes).collect();
	assert_eq!(output.body, expected);
	let part =
		daemon.ask("GET", &format!("/v1/jobs/{id}/outputs/out"), &["Range: bytes=4-11"], &[]);
	assert_eq!((part.status, part.body.as_slice()), (206, &expected[4..12]));

	// What a program reads: SCALE, and proofs that verify with the chain's code.
	let RunState::Done { root: Some(root), .. } = scale(&daemon, &format!("/v1/jobs/{id}")) else {
		panic!("a root");
	};
	let leaves: Leaves = scale(&daemon, &format!("/v1/jobs/{id}/leaves"));
	assert_eq!(leaves.leaves.len(), 16);
	let proof: Proof = scale(&daemon, &format!("/v1/jobs/{id}/proof?units=2,7-9"));
	assert_eq!(proof.leaves[1], leaves.leaves[7]);
	assert_eq!(verify::<Blake2>(&root, 16, &proof.leaves, &proof.proof), Ok(()));
	let status: ExecutorStatus = scale(&daemon, "/v1/status");
	assert_eq!(status.devices.len(), 1);

	let listed = daemon.get("/v1/jobs?owner=me&state=done").json();
	assert_eq!(listed["runs"][0]["id"].as_str(), Some(id.as_str()));
	let metrics = String::from_utf8(daemon.get("/metrics").body).expect("text");
	assert!(metrics.contains("ogpu_worker_runs_ended_total{outcome=\"done\"} 1"), "{metrics}");

	// It is still there after a restart, and gone when it is deleted.
	assert_eq!(daemon.terminate(), Some(0));
	daemon.start();
	assert_eq!(daemon.wait(&id), state);
	assert_eq!(daemon.get(&format!("/v1/jobs/{id}/outputs/out")).body, expected);
	let path = format!("/v1/jobs/{id}");
	assert_eq!(daemon.ask("DELETE", &path, &[], &[]).status, 204);
	assert_eq!(daemon.get(&path).status, 404);
	let runs = std::fs::read_dir(daemon.data().join("runs")).expect("a folder");
	assert_eq!(runs.count(), 0);
}

#[test]
fn runs_are_cancelled_wherever_they_are() {
	let daemon = Daemon::new("");
	let post = |form| {
		let answer = daemon.post_json("/v1/jobs", &form);
		assert_eq!(answer.status, 201, "{answer:?}");
		answer.json()["id"].as_str().expect("an id").to_owned()
	};
	let running = post(endless(&daemon));
	let state = |id: &str| daemon.get(&format!("/v1/jobs/{id}")).json()["state"].clone();
	until("it runs", || state(&running) == "running");
	let waiting = post(little(&daemon, 1));
	until("it waits", || state(&waiting) == "queued");
	let cancel = |id: &str| daemon.ask("DELETE", &format!("/v1/jobs/{id}"), &[], &[]).status;
	assert_eq!(cancel(&waiting), 202);
	assert_eq!(daemon.wait(&waiting)["state"], "cancelled");
	assert_eq!(cancel(&running), 202);
	assert_eq!(daemon.wait(&running)["state"], "cancelled");
	let next = post(little(&daemon, 2));
	assert_eq!(daemon.wait(&next)["state"], "done");
}

#[test]
fn a_job_is_quoted_before_it_is_sent() {
	let daemon = Daemon::new("[price]\nper_second = \"2\"\nminimum = \"50.5\"\n");
	let form = little(&daemon, 3);
	let mut quote = daemon.post_json("/v1/quote", &form).json();
	until("a quote", || {
		quote = daemon.post_json("/v1/quote", &form).json();
		quote["quote"] != "pending"
	});
	assert_eq!((&quote["quote"], &quote["price"]), (&"offer".into(), &"50.5".into()), "{quote}");
	let mut wrong = little(&daemon, 3);
	wrong["files"]["f.cl"] = daemon.add(b"__kernel void g(void) {}\n").into();
	until("a refusal", || {
		quote = daemon.post_json("/v1/quote", &wrong).json();
		quote["quote"] != "pending"
	});
	assert_eq!(
		(&quote["quote"], &quote["fault"]["what"]),
		(&"refused".into(), &"inadmissible".into())
	);
}

#[test]
fn a_price_is_changed_while_the_service_runs_and_kept() {
	let mut daemon = Daemon::new("# mine\n[price]\nminimum = \"50.5\"\n");
	let offer = |daemon: &Daemon| {
		let form = little(daemon, 3);
		let mut quote = daemon.post_json("/v1/quote", &form).json();
		until("a quote", || {
			quote = daemon.post_json("/v1/quote", &form).json();
			quote["quote"] != "pending"
		});
		quote["price"].clone()
	};
	assert_eq!(offer(&daemon), "50.5");
	let put = |daemon: &Daemon, body: &str| {
		daemon.ask("PUT", "/v1/prices", &["Content-Type: application/json"], body.as_bytes())
	};
	for wrong in ["{\"minimum\": 3}", "{\"minimum\": \"-3\"}", "{\"each\": \"3\"}", "[]"] {
		assert_eq!(put(&daemon, wrong).status, 400, "{wrong}");
	}
	let changed = put(&daemon, "{\"minimum\": \"7\"}").json();
	assert_eq!((&changed["minimum"], &changed["per_second"]), (&"7".into(), &"0.001".into()));
	assert_eq!(changed["devices"][0]["minimum"], "7", "{changed}");
	assert_eq!(offer(&daemon), "7");
	daemon.kill();
	daemon.start();
	assert_eq!((offer(&daemon), daemon.get("/v1/prices").json()), ("7".into(), changed.clone()));
	// What cannot be kept is not asked either.
	std::fs::remove_file(daemon.config()).expect("it is there");
	let refused = put(&daemon, "{\"minimum\": \"8\"}");
	assert_eq!((refused.status, refused.error().as_str()), (409, "conflict"));
	assert_eq!(daemon.get("/v1/prices").json(), changed);
}

#[test]
fn a_drained_service_goes_on_with_its_runs() {
	let mut daemon = Daemon::new("[limits]\ndrain = \"100ms\"\n");
	let long = daemon.post_json(
		"/v1/jobs",
		&daemon.form_of(&crate::daemon::examples().join("digits/train.yaml")),
	);
	let long = long.json()["id"].as_str().expect("an id").to_owned();
	let state = |daemon: &Daemon, id: &str| daemon.get(&format!("/v1/jobs/{id}")).json();
	until("it has done something", || state(&daemon, &long)["done"].as_u64() >= Some(2));
	let waiting = daemon.post_json("/v1/jobs", &little(&daemon, 4)).json()["id"].clone();
	// Requests on an open connection are refused while it ends; new connections may be, too.
	let mut open = daemon.connect();
	open.write_all(b"GET /v1/status HTTP/1.1\r\nHost: worker\r\nConnection: close\r\n\r\n")
		.expect("sent");
	assert_eq!(answer(open).status, 200);
	assert_eq!(daemon.terminate(), Some(0), "{}", daemon.log());
	daemon.start();
	let ended = daemon.wait(&long);
	assert_eq!(ended["root"], crate::daemon::roots()[0].1.as_str(), "{ended}");
	assert!(daemon.log().contains("goes on at the next start"), "{}", daemon.log());
	assert_eq!(daemon.wait(waiting.as_str().expect("an id"))["state"], "done");
}

#[test]
fn results_are_published_and_checkpoints_start_others() {
	let daemon = Daemon::new("[blobs]\nlisten = \"127.0.0.1:0\"\n");
	let other = Daemon::new("[blobs]\nlisten = \"127.0.0.1:0\"\n");
	let manifest = crate::daemon::examples().join("n-body/step.yaml");
	let form = daemon.form_of(&manifest);
	let id = daemon.post_json("/v1/jobs", &form).json()["id"].as_str().expect("an id").to_owned();
	let done = daemon.wait(&id);
	assert_eq!(done["state"], "done", "{done}");
	let whole = daemon.get(&format!("/v1/jobs/{id}/leaves")).json();

	let published = daemon
		.post_json(&format!("/v1/jobs/{id}/publish"), &serde_json::json!({ "checkpoints": [6] }));
	assert_eq!(published.status, 200, "{published:?}");
	for file in form["files"].as_object().expect("files").values() {
		// What the other needs of the inputs is published, too.
		let path = format!("/v1/blobs/{}/share", file.as_str().expect("a hash"));
		assert_eq!(daemon.ask("POST", &path, &[], &[]).status, 204);
	}
	let peer = daemon.get("/v1/status").json()["peer"].clone();
	let mut form = other.form_of(&manifest);
	form["units"] = "7-9".into();
	form["peers"] = serde_json::json!([peer]);
	form["checkpoints"] =
		serde_json::json!([{ "unit": 6, "slices": published.json()["checkpoints"]["6"] }]);
	let part = other.post_json("/v1/jobs", &form);
	assert_eq!(part.status, 201, "{part:?}");
	let part = part.json()["id"].as_str().expect("an id").to_owned();
	assert_eq!(other.wait(&part)["state"], "done", "{}", other.log());
	let leaves = other.get(&format!("/v1/jobs/{part}/leaves")).json();
	assert_eq!(leaves["leaves"][0], whole["leaves"][7]);
	assert_eq!(leaves["leaves"][2], whole["leaves"][9]);

	// A checkpoint that nobody has.
	form["checkpoints"][0]["slices"][0] = "11".repeat(32).into();
	let missing = other.post_json("/v1/jobs", &form).json();
	let missing = other.wait(missing["id"].as_str().expect("an id"));
	assert_eq!((&missing["state"], &missing["fault"]["of"]), (&"failed".into(), &"inputs".into()));
}

/// Somebody else in the network, who only fetches.
async fn somebody(folder: &std::path::Path, seed: u8) -> Blobs {
	let blobs = Blobs::open(Options::new(folder)).await.expect("a store");
	let (listen, relay) = (Some(([127, 0, 0, 1], 0).into()), None);
	let options =
		NodeOptions { seed: [seed; 32], listen, announce: Vec::new(), relay, connections: 4 };
	blobs.join(options).await.expect("a network");
	blobs
}

#[test]
fn what_is_shared_with_anybody_is_shared_after_another_start() {
	let mut daemon = Daemon::new("[blobs]\nlisten = \"127.0.0.1:0\"\n");
	let bytes = b"what a job starts from, whose client has gone".repeat(100);
	let blob = BlobId::of(&bytes);
	let [path, share] = ["", "/share"].map(|end| format!("/v1/blobs/{blob}{end}"));
	assert_eq!(daemon.ask("POST", &share, &[], &[]).status, 404);
	assert_eq!(daemon.ask("PUT", &path, &[], &bytes).status, 201);
	assert_eq!(daemon.ask("POST", &share, &[], &[]).status, 204);
	daemon.kill();
	daemon.start();
	// It is held.
	assert_eq!(daemon.ask("DELETE", &path, &[], &[]).status, 409);
	let ExecutorStatus { peer, .. } = scale(&daemon, "/v1/status");
	let peer = peer.expect("it serves blobs");
	let folder = tempfile::tempdir().expect("a folder");
	let runtime = tokio::runtime::Runtime::new().expect("a runtime");
	runtime.block_on(async {
		let other = somebody(folder.path(), 9).await;
		let stall = std::time::Duration::from_secs(5);
		let want = Fetch { id: blob, size: bytes.len() as u64, peers: &[peer], stall };
		let fetched = other.fetch(&want, |_| ()).await;
		assert!(fetched.is_ok(), "{fetched:?}");
	});
	assert_eq!(daemon.ask("DELETE", &share, &[], &[]).status, 204);
	assert_eq!(daemon.ask("DELETE", &path, &[], &[]).status, 204);
}

#[test]
fn results_are_told_and_served_to_those_they_are_for() {
	let daemon = Daemon::new("[blobs]\nlisten = \"127.0.0.1:0\"\n");
	let form = daemon.form_of(&crate::daemon::examples().join("n-body/step.yaml"));
	let id = daemon.post_json("/v1/jobs", &form).json()["id"].as_str().expect("an id").to_owned();
	assert_eq!(daemon.wait(&id)["state"], "done");
	let run = from_hex(&id).expect("an id");
	let Leaves { leaves } = scale(&daemon, &format!("/v1/jobs/{id}/leaves"));
	let of_part: Vec<_> = leaves[10..20].iter().map(|(_, leaf)| *leaf).collect();
	let tree = Tree::new::<Blake2>(of_part).expect("leaves");

	// A piece of a result, with what proves it, as a node posts it on chain.
	let Checkpoint { slices, .. } = scale(&daemon, &format!("/v1/jobs/{id}/slices?unit=19"));
	for (index, slice) in slices.iter().enumerate() {
		let piece: Piece = scale(&daemon, &format!("/v1/jobs/{id}/pieces/0?unit=19&slice={index}"));
		assert_eq!((piece.verify(slice), piece.size), (Ok(()), 16_384));
	}
	let answer = daemon.get(&format!("/v1/jobs/{id}/pieces/0?unit=19&slice=7"));
	assert_eq!(answer.status, 404, "{answer:?}");
	let blob = form["files"]["bodies.bin"].as_str().expect("a hash");
	let piece: Piece = scale(&daemon, &format!("/v1/blobs/{blob}/pieces/99"));
	assert_eq!(piece.verify(&BlobId(from_hex(blob).expect("a hash"))), Ok(()));
	assert!(piece.settles(99));

	let peer = scale::<ExecutorStatus>(&daemon, "/v1/status").peer.expect("it listens");
	let folder = tempfile::tempdir().expect("a folder");
	let runtime = tokio::runtime::Runtime::new().expect("a runtime");
	runtime.block_on(async {
		let friend = somebody(&folder.path().join("friend"), 1).await;
		let stranger = somebody(&folder.path().join("stranger"), 2).await;
		let path = Question::Path { run, unit: 19, first: 10, count: 10 };
		// Nothing is told before it is published, and then to nobody else.
		assert_eq!(friend.ask(&peer, Question::Outputs(run)).await.expect("an answer"), None);
		let key = friend.peer().expect("it listens").key;
		let request = PublishRequest {
			outputs: true,
			checkpoints: vec![6].try_into().expect("one"),
			to: vec![key].try_into().expect("one"),
		};
		let media = "Content-Type: application/octet-stream";
		for _ in 0..2 {
			let path = format!("/v1/jobs/{id}/publish");
			let published = daemon.ask("POST", &path, &[media], &request.encode());
			assert_eq!(published.status, 200, "{published:?}");
		}
		for question in [Question::Outputs(run), Question::State(run, 6)] {
			assert_eq!(stranger.ask(&peer, question).await.expect("an answer"), None);
		}
		let outputs = friend.ask(&peer, Question::Outputs(run)).await.expect("an answer");
		let outputs = outputs.expect("it is told");
		// The result of an iterative job is its last state.
		let last: Vec<_> = slices.iter().map(|slice| slice.0).collect();
		assert_eq!(outputs, last);
		// What leads to the root is told to anybody, and is no leaf.
		let told = stranger.ask(&peer, path).await.expect("an answer").expect("it is told");
		assert!(leaves.iter().all(|(_, leaf)| !told.contains(leaf)));
		assert_eq!(told[0], lowest::<Blake2>(&leaves[19].1));
		let proof = Multiproof { siblings: told[1..].to_vec() };
		assert_eq!(verify::<Blake2>(&tree.root(), 10, &[(9, leaves[19].1)], &proof), Ok(()));
		let peers = [peer.clone()];
		let want = Fetch {
			id: BlobId(outputs[0]),
			size: 16_384,
			peers: &peers,
			stall: std::time::Duration::from_secs(5),
		};
		friend.fetch(&want, |_| {}).await.expect("it is served");
		assert!(stranger.fetch(&want, |_| {}).await.is_err());
	});
}
