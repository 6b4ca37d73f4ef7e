//! The HTTP interface. SCALE for programs, JSON for people: `Content-Type` and `Accept` tell which.
//!
//! | call | |
//! | --- | --- |
//! | `GET /v1/status` | what this executor is; needs no token |
//! | `POST /v1/quote` | what a job would cost here |
//! | `GET`, `PUT /v1/prices` | what devices ask; another price |
//! | `POST /v1/jobs` | run a job, or some of its units; returns at once |
//! | `GET /v1/jobs` | all runs |
//! | `GET /v1/jobs/{id}?wait=ms` | how a run stands, at the latest after so long |
//! | `GET /v1/jobs/{id}/events` | the same, as it changes (server-sent events) |
//! | `GET /v1/jobs/{id}/leaves`, `/proof?units=0,5-9`, `/slices?unit=3` | what it came to |
//! | `GET /v1/jobs/{id}/outputs/{buffer}` | a result |
//! | `POST /v1/jobs/{id}/publish` | serve results, or a checkpoint, to others |
//! | `DELETE /v1/jobs/{id}` | cancel it, or forget it once it has ended |
//! | `POST /v1/blobs`, `PUT`, `GET`, `DELETE /v1/blobs/{hash}` | the store |
//! | `GET /v1/blobs/{hash}/pieces/{n}`, `/v1/jobs/{id}/pieces/{n}?unit=3&slice=0` | 64 KiB, with what proves them |
//! | `POST /v1/blobs/{hash}/fetch` | get a blob from others; returns at once |
//! | `POST /v1/states` | what a state is made of that somebody else's run came to; returns at once |
//! | `POST`, `DELETE /v1/blobs/{hash}/share` | serve a blob to others, or no longer |
//! | `GET /metrics` | for Prometheus |

mod auth;
mod blobs;
mod bodies;
mod error;
mod form;
mod jobs;
mod prices;
mod publish;
mod status;
mod view;

pub use auth::Token;

use axum::{
	Router,
	extract::{DefaultBodyLimit, MatchedPath, Request, State},
	middleware::{self, Next},
	response::{IntoResponse, Response},
	routing::{get, post},
};

use super::Service;
use error::ApiError;

/// The whole interface.
pub fn router(service: Service, token: Token) -> Router {
	let body = usize::try_from(service.0.config.limits.body.0).unwrap_or(usize::MAX);
	let request = service.0.config.limits.request.0;
	let small = Router::new()
		.route("/v1/quote", post(status::quote))
		.route("/v1/prices", get(prices::get).put(prices::put))
		.route("/v1/jobs", get(jobs::list))
		.route("/v1/jobs/{id}", get(jobs::get).delete(jobs::delete))
		.route("/v1/jobs/{id}/leaves", get(jobs::leaves))
		.route("/v1/jobs/{id}/proof", get(jobs::proof))
		.route("/v1/jobs/{id}/slices", get(jobs::slices))
		.route("/v1/jobs/{id}/pieces/{piece}", get(jobs::piece))
		.route("/v1/states", post(blobs::state))
		.route("/v1/blobs/{hash}/pieces/{piece}", get(blobs::piece))
		.route("/v1/blobs/{hash}/fetch", post(blobs::fetch))
		.route("/v1/blobs/{hash}/share", post(publish::share).delete(publish::unshare))
		.route("/metrics", get(status::metrics))
		.layer(DefaultBodyLimit::max(body))
		.layer(middleware::from_fn(move |from: Request, next: Next| async move {
			// A body that trickles in; waiting for a run has a bound of its own.
			let patience = request + jobs::LONGEST_WAIT;
			match tokio::time::timeout(patience, next.run(from)).await {
				Ok(response) => response,
				Err(_) => ApiError::TooSlow(patience).into_response(),
			}
		}));
	let large = Router::new()
		.route("/v1/jobs", post(jobs::submit))
		.route("/v1/jobs/{id}/publish", post(publish::publish))
		.route("/v1/jobs/{id}/events", get(jobs::events))
		.route("/v1/jobs/{id}/outputs/{buffer}", get(jobs::output))
		.route("/v1/blobs", post(blobs::add).get(blobs::usage))
		.route("/v1/blobs/{hash}", get(blobs::get).put(blobs::put).delete(blobs::delete))
		.layer(DefaultBodyLimit::disable());
	small
		.merge(large)
		.fallback(|| async { ApiError::NotFound("there is no such path".into()) })
		.method_not_allowed_fallback(|| async { ApiError::Method })
		.layer(middleware::from_fn_with_state(token, auth::check))
		.route("/v1/status", get(status::status))
		.layer(middleware::from_fn_with_state(service.clone(), count))
		.with_state(service)
}

/// Counts answers by path and status.
async fn count(
	State(service): State<Service>,
	path: Option<MatchedPath>,
	request: Request,
	next: Next,
) -> Response {
	let response = next.run(request).await;
	let path = path.as_ref().map_or("other", |path| path.as_str());
	service.0.metrics.answered(path, response.status().as_u16());
	response
}
