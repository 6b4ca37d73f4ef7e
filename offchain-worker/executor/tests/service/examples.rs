//! Every example by way of the service.

use crate::daemon::{Daemon, examples, roots};

#[test]
fn every_example_has_its_root() {
	let daemon = Daemon::new("");
	let runs: Vec<_> = roots()
		.into_iter()
		.map(|(name, root)| {
			let mut form = daemon.form_of(&examples().join(&name));
			form["owner"] = name.as_str().into();
			let taken = daemon.post_json("/v1/jobs", &form);
			assert_eq!(taken.status, 201, "{name}: {taken:?}");
			(name, root, taken.json()["id"].as_str().expect("an id").to_owned())
		})
		.collect();
	for (name, root, id) in runs {
		let ended = daemon.wait(&id);
		assert_eq!(ended["root"].as_str(), Some(root.as_str()), "{name}: {ended}");
	}
}
