//! What a user does on a bad day: everything is refused cleanly, and nothing is lost.

use std::{
	io::Write,
	time::{Duration, Instant},
};

use codec::{Decode, Encode};
use ogpu_primitives::executor::Submission;

use crate::daemon::{Daemon, answer, endless, little, until};

const STRICT: &str = "[limits]\nrequest = \"1s\"\nbody = \"64Ki\"\nconnections = 16\nruns = 4\nruns_per_owner = 2\nresults = \"1Mi\"\n\
	[blobs]\nlargest = \"1Mi\"\nquota = \"2Mi\"\n";

#[test]
fn wrong_requests_are_told_what_is_wrong() {
	let daemon = Daemon::new(STRICT);
	let bare = |token: &str| daemon.ask_with("GET", "/v1/jobs", &[token], &[]);
	for token in
		["X: y", "Authorization: Bearer", "Authorization: Bearer 00", "Authorization: Basic eA=="]
	{
		let refused = bare(token);
		assert_eq!((refused.status, refused.error().as_str()), (401, "unauthorised"), "{token}");
	}
	assert_eq!(daemon.ask_with("GET", "/v1/status", &[], &[]).status, 200);
	assert_eq!(daemon.get("/v2").status, 404);
	assert_eq!(daemon.ask("PATCH", "/v1/jobs", &[], &[]).status, 405);
	assert_eq!(daemon.get("/v1/jobs/12").status, 400);
	assert_eq!(daemon.get(&format!("/v1/jobs/{}", "ab".repeat(32))).status, 404);
	assert_eq!(daemon.get(&format!("/v1/blobs/{}", "ab".repeat(32))).status, 404);

	let post = |media: &str, body: &[u8]| {
		let media = format!("Content-Type: {media}");
		daemon.ask("POST", "/v1/jobs", &[&media], body)
	};
	for (media, body, status) in [
		("text/plain", "x", 400),
		("application/json", "{", 400),
		("application/json", "[]", 400),
		("application/json", "{\"manifest\": 1}", 400),
		("application/json", "{\"manifest\": \"\", \"colour\": 1}", 400),
		("application/json", "{\"manifest\": \"version: 1\"}", 422),
		("application/json", "{\"manifest\": \"\", \"files\": {\"a\": \"zz\"}}", 400),
		("application/octet-stream", "nonsense", 400),
		("multipart/form-data", "x", 400),
		("multipart/form-data; boundary=a", "--a\r\nbroken", 400),
		(
			"multipart/form-data; boundary=a",
			"--a\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\ny\r\n--a--\r\n",
			400,
		),
	] {
		let refused = post(media, body.as_bytes());
		assert_eq!(refused.status, status, "{media} {body}: {refused:?}");
		assert!(refused.json()["message"].as_str().is_some_and(|message| message.len() > 5));
	}
	// Everything that is wrong with a manifest, at once, with its lines.
	let mut form = little(&daemon, 1);
	form["manifest"] = form["manifest"]
		.as_str()
		.expect("text")
		.replace("exact-int", "inexact")
		.replace("global: [1024]", "global: [x]")
		.into();
	let refused = daemon.post_json("/v1/jobs", &form);
	let faults = refused.json()["faults"].as_array().expect("faults").clone();
	assert!(refused.status == 422 && faults.len() >= 2, "{faults:?}");
	let mut form = little(&daemon, 1);
	form["units"] = "99".into();
	assert_eq!(daemon.post_json("/v1/jobs", &form).status, 422);

	// SCALE with something behind it, and cut at every length.
	let good = daemon.post_json("/v1/jobs", &little(&daemon, 2)).json();
	let id = good["id"].as_str().expect("an id").to_owned();
	assert_eq!(daemon.wait(&id)["state"], "done");
	let mut submission = submission_of(&daemon);
	let bytes = submission.encode();
	for len in (0..bytes.len()).step_by(7) {
		assert_eq!(post("application/octet-stream", &bytes[..len]).status, 400);
	}
	assert_eq!(post("application/octet-stream", &[&bytes[..], &[0]].concat()).status, 400);
	// The same id for something else.
	assert_eq!(daemon.submit(&submission).status, 201);
	submission.care = ogpu_primitives::executor::Care::Alone;
	assert_eq!(daemon.submit(&submission).status, 409);
	assert_eq!(daemon.wait(&id)["state"], "done");
}

/// A submission as a hook would send it.
fn submission_of(daemon: &Daemon) -> Submission {
	let program =
		b"__kernel void f(__global uint *out, uint seed) { out[get_global_id(0)] = seed; }";
	let hash = daemon.add(program);
	let manifest = crate::daemon::little_manifest(9);
	let folder = tempfile::tempdir().expect("a folder");
	std::fs::write(folder.path().join("job.yaml"), manifest).expect("a file");
	std::fs::write(folder.path().join("f.cl"), program).expect("a file");
	let manifest = ogpu_job::Manifest::load(&folder.path().join("job.yaml")).expect("a manifest");
	assert_eq!(manifest.job.program.source.to_string(), hash);
	Submission {
		id: [9; 32],
		owner: Default::default(),
		job: manifest.job,
		units: ogpu_primitives::executor::Units::All,
		care: ogpu_primitives::executor::Care::Batched,
		peers: Default::default(),
		checkpoints: Default::default(),
	}
}

#[test]
fn what_is_too_much_is_refused() {
	let daemon = Daemon::new(STRICT);
	// Bodies and blobs.
	let long = vec![b' '; 100_000];
	let refused = daemon.ask("POST", "/v1/jobs", &["Content-Type: application/json"], &long);
	assert_eq!((refused.status, refused.error().as_str()), (413, "too_long"));
	let refused = daemon.ask("POST", "/v1/quote", &["Content-Type: application/json"], &long);
	assert_eq!(refused.status, 413);
	let refused = daemon.ask("POST", "/v1/blobs", &[], &vec![0; (1 << 20) + 1]);
	assert_eq!((refused.status, refused.error().as_str()), (413, "too_long"));
	let wrong = format!("/v1/blobs/{}", "00".repeat(32));
	assert_eq!(daemon.ask("PUT", &wrong, &[], b"bytes").status, 422);

	// Runs: of one owner, of all, and their results.
	let post = |form: &serde_json::Value, owner: &str| {
		let mut form = form.clone();
		form["owner"] = owner.into();
		daemon.post_json("/v1/jobs", &form)
	};
	let endless = endless(&daemon);
	let first = post(&endless, "a");
	assert_eq!(first.status, 201);
	assert_eq!(post(&little(&daemon, 1), "a").status, 201);
	let refused = post(&little(&daemon, 2), "a");
	assert_eq!((refused.status, refused.error().as_str()), (429, "busy"));
	assert_eq!(post(&little(&daemon, 2), "b").status, 201);
	assert_eq!(post(&little(&daemon, 3), "c").status, 201);
	assert_eq!(post(&little(&daemon, 4), "d").status, 429);
	let path = format!("/v1/jobs/{}", first.json()["id"].as_str().expect("an id"));
	assert_eq!(daemon.ask("DELETE", &path, &[], &[]).status, 202);
	until("they are done", || {
		daemon.get("/v1/jobs?state=done").json()["runs"].as_array().map(Vec::len) == Some(3)
	});
	let mut large = little(&daemon, 5);
	large["manifest"] = large["manifest"].as_str().expect("text").replace("1024", "524288").into();
	let refused = post(&large, "a");
	assert_eq!((refused.status, refused.error().as_str()), (507, "no_room"), "{refused:?}");
	let mut huge = little(&daemon, 5);
	huge["manifest"] =
		huge["manifest"].as_str().expect("text").replace("1024", "1073741824").into();
	let refused = post(&huge, "a");
	assert!(refused.status == 422 || refused.status == 507, "{refused:?}");
}

#[test]
fn slow_clients_and_crowds_are_cut_off() {
	let daemon = Daemon::new(STRICT);
	let token = std::fs::read_to_string(daemon.data().join("token")).expect("a token");
	// A head that never ends.
	let mut slow = daemon.connect();
	slow.write_all(b"GET /v1/status HTTP/1.1\r\nHost: wor").expect("sent");
	let started = Instant::now();
	let _ = answer(slow);
	assert!(started.elapsed() < Duration::from_secs(20));
	// Bodies that never end.
	for path in ["/v1/jobs", "/v1/blobs"] {
		let mut slow = daemon.connect();
		let head = format!(
			"POST {path} HTTP/1.1\r\nHost: worker\r\nContent-Type: application/json\r\nAuthorization: Bearer {}\r\n\
			 Content-Length: 1000\r\n\r\n{{",
			token.trim()
		);
		slow.write_all(head.as_bytes()).expect("sent");
		let started = Instant::now();
		let cut = answer(slow);
		assert!(cut.status == 408 || cut.status == 400, "{path}: {cut:?}");
		assert!(started.elapsed() < Duration::from_secs(20));
	}
	// More connections than there may be: the others are closed unheard.
	let crowd: Vec<_> = (0..16).map(|_| daemon.connect()).collect();
	until("a refusal", || {
		let mut more = daemon.connect();
		// It may be closed before we have spoken.
		let _ =
			more.write_all(b"GET /v1/status HTTP/1.1\r\nHost: worker\r\nConnection: close\r\n\r\n");
		answer(more).status == 0
	});
	drop(crowd);
	until("an answer", || daemon.ask_with("GET", "/v1/status", &[], &[]).status == 200);
}

#[test]
fn faults_are_told_by_whose_they_are() {
	let daemon = Daemon::new("");
	let ended = |form: &serde_json::Value| {
		let taken = daemon.post_json("/v1/jobs", form);
		assert_eq!(taken.status, 201, "{taken:?}");
		daemon.wait(taken.json()["id"].as_str().expect("an id"))
	};
	let with = |program: &str| {
		let mut form = little(&daemon, 1);
		form["files"]["f.cl"] = daemon.add(program.as_bytes()).into();
		form
	};
	let gate = ended(&with("#include \"/etc/passwd\"\n"));
	assert_eq!(
		(&gate["fault"]["of"], &gate["fault"]["what"]),
		(&"job".into(), &"inadmissible".into())
	);
	let kernel =
		|body: &str| format!("__kernel void f(__global uint *out, uint seed) {{ {body} }}\n");
	let bounds = ended(&with(&kernel(
		"out[get_global_id(0)] = seed; if (get_global_id(0) == 9) out[1030] = 1u;",
	)));
	assert_eq!(bounds["fault"]["what"], "out_of_bounds");
	let units = ended(&with(&kernel(
		"uint i = (uint)get_global_id(0); out[i] = i; out[(i + 64u) & 1023u] = i;",
	)));
	assert!(units["fault"]["of"] == "job", "{units}");
	let mut slow = endless(&daemon);
	slow["manifest"] = slow["manifest"]
		.as_str()
		.expect("text")
		.replace("step: 60s, total: 1h", "step: 1s, total: 2s")
		.into();
	let slow = ended(&slow);
	assert_eq!(slow["fault"]["of"], "time", "{slow}");
	// A run that failed leaves nothing but its record.
	let runs = std::fs::read_dir(daemon.data().join("runs")).expect("a folder");
	assert_eq!(runs.count(), 0);
	let missing = {
		let mut form = little(&daemon, 7);
		let blob = form["files"]["f.cl"].as_str().expect("a hash").to_owned();
		form["owner"] = "x".into();
		let path = format!("/v1/blobs/{blob}");
		// Nobody has it once it is gone from here; it must be known to be submitted by its manifest.
		assert_eq!(daemon.ask("DELETE", &path, &[], &[]).status, 204);
		daemon.post_json("/v1/jobs", &form)
	};
	assert_eq!(missing.status, 422, "{missing:?}");
}

#[test]
fn a_damaged_or_foreign_folder_is_told() {
	use std::process::Command;
	let folder = tempfile::tempdir().expect("a folder");
	let serve = |args: &[&str]| {
		let output = Command::new(env!("CARGO_BIN_EXE_ogpu-worker"))
			.args(["serve", "--listen", "127.0.0.1:0", "--data"])
			.arg(folder.path())
			.args(args)
			.output()
			.expect("a daemon");
		(output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
	};
	std::fs::write(folder.path().join("token"), "short").expect("a file");
	let (code, error) = serve(&[]);
	assert!(code == Some(4) && error.contains("token") && error.contains("delete it"), "{error}");
	std::fs::remove_file(folder.path().join("token")).expect("removed");
	std::fs::write(folder.path().join("journal.redb"), "no journal").expect("a file");
	let (code, error) = serve(&[]);
	assert!(code == Some(4) && error.contains("journal.redb"), "{error}");
	assert!(!error.contains("panicked"), "{error}");
	let config = folder.path().join("wrong.toml");
	std::fs::write(&config, "\n[limits]\nruns = -1\n").expect("a file");
	let (code, error) = serve(&["--check", "--config", config.to_str().expect("text")]);
	assert!(code == Some(2) && error.contains("line 3"), "{error}");
	let (code, error) = serve(&["--config", "/nowhere.toml"]);
	assert!(code == Some(2) && error.contains("/nowhere.toml"), "{error}");
	assert!(Submission::decode(&mut &[][..]).is_err());
}
