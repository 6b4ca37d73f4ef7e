//! Whether an executor answers, and can do the chain's work. That is said whenever it changes: to the chain, a provider that
//! cannot work looks like one that does not want to.

use std::{
	error::Error,
	iter::successors,
	time::{Duration, Instant},
};

use codec::DecodeAll;
use ogpu_primitives::executor::{ExecutorStatus, Health};
use ogpu_runtime::ExecutorAddress;
use reqwest::{Client, Response, StatusCode};

/// How often it is asked.
pub(super) const LOOK: Duration = Duration::from_secs(5);
/// How long one answer may take.
const ANSWER: Duration = Duration::from_secs(10);

/// What an executor is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Condition {
	/// So many of its devices are in order.
	Devices { good: usize, of: usize },
	/// It takes no new work.
	Draining,
	/// It does not speak as this chain does.
	OtherRelease,
	/// It wants another token than the one in the file.
	WrongToken,
	/// It does not answer, and why.
	Away(String),
}

impl Condition {
	fn of(status: &ExecutorStatus) -> Self {
		if !status.is_of_this_release() {
			return Self::OtherRelease;
		}
		if status.draining {
			return Self::Draining;
		}
		let good = status.devices.iter().filter(|device| device.health == Health::Good).count();
		Self::Devices { good, of: status.devices.len() }
	}

	fn tell(&self) {
		match self {
			Self::Devices { good: 0, .. } => log::warn!(
				"the executor has no device that has passed its self-test (yet), and gets no work; its log, or \
				 `ogpu-worker selftest`, says why"
			),
			Self::Devices { good, of } => {
				log::info!(
					"the executor is ready: {good} of its {of} devices passed their self-test"
				);
			}
			Self::Draining => log::warn!("the executor is ending: it takes nothing new"),
			Self::OtherRelease => log::error!(
				"the executor is of another release than this node: it gets no work until ogpu-worker is of the same"
			),
			Self::WrongToken => log::error!(
				"the executor refuses the token: the token file is another executor's, or an old one"
			),
			Self::Away(why) => log::warn!(
				"the executor does not answer: {why}; without it there are no heartbeats, and no work"
			),
		}
	}
}

/// Looks at one executor after another, and says what is new.
pub(super) struct Watch {
	http: Option<Client>,
	found: Option<Condition>,
}

impl Watch {
	pub(super) fn new() -> Self {
		// The HTTP client brings none. Whoever was first has it installed for all.
		let _ = rustls::crypto::ring::default_provider().install_default();
		let http = Client::builder().timeout(ANSWER).build();
		if let Err(error) = &http {
			log::warn!("nobody looks whether the executor answers: {error}");
		}
		Self { http: http.ok(), found: None }
	}

	/// Looks at an executor. Whether it answers.
	pub(super) async fn look(&mut self, at: &ExecutorAddress) -> bool {
		let Some(http) = &self.http else { return true };
		let found = condition(http, at).await;
		let answers = !matches!(found, Condition::Away(_));
		if self.found.as_ref() != Some(&found) {
			found.tell();
			self.found = Some(found);
		}
		answers
	}

	/// Looks at an executor again and again, until it has not answered for so long.
	pub(super) async fn until_silent(&mut self, at: &ExecutorAddress, patience: Duration) {
		let mut answered = Instant::now();
		while answered.elapsed() < patience {
			if self.look(at).await {
				answered = Instant::now();
			}
			tokio::time::sleep(LOOK).await;
		}
	}
}

async fn condition(http: &Client, at: &ExecutorAddress) -> Condition {
	let ask = async |path: &str| -> Result<Response, reqwest::Error> {
		let url = format!("{}{path}", String::from_utf8_lossy(&at.url));
		let token = String::from_utf8_lossy(&at.token);
		http.get(url).bearer_auth(token).header("accept", "application/octet-stream").send().await
	};
	let asking = async {
		let answer = ask("/v1/status").await?.error_for_status()?;
		let status = ExecutorStatus::decode_all(&mut &answer.bytes().await?[..]);
		// Its status it tells everybody.
		let known = ask("/v1/jobs?state=running").await?.status() != StatusCode::UNAUTHORIZED;
		Ok(match status {
			Err(_) => Condition::OtherRelease,
			Ok(_) if !known => Condition::WrongToken,
			Ok(status) => Condition::of(&status),
		})
	};
	asking.await.unwrap_or_else(|error: reqwest::Error| {
		// What is underneath says more than what was tried.
		let causes = successors(error.source(), |cause| (*cause).source());
		Condition::Away(causes.last().map_or_else(|| error.to_string(), ToString::to_string))
	})
}
