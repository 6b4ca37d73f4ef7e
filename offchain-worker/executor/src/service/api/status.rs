//! What this executor is, what a job would cost, and what an operator watches.

use std::sync::atomic::Ordering;

use axum::{
	extract::{Request, State},
	http::{StatusCode, header},
	response::{IntoResponse, Response},
};
use bounded_collections::BoundedVec;
use ogpu_primitives::{
	executor::{API_VERSION, DeviceStatus, ExecutorStatus, QuoteRequest},
	job::{Prelude, VERSION},
};

use super::{
	bodies::{Answer, SCALE, json, scale, sends},
	error::ApiError,
	form::Form,
	jobs::small_body,
	view,
};
use crate::service::Service;

pub(super) async fn status(State(service): State<Service>, answer: Answer) -> Response {
	let core = &service.0;
	let devices = core.pool.devices.iter().map(|offered| {
		let device = &offered.device;
		DeviceStatus {
			name: BoundedVec::truncate_from(device.key.name.clone().into_bytes()),
			fingerprint: offered.fingerprint,
			memory: 1 << device.memory.max(1).ilog2(),
			exact_f32: device.exact_f32(),
			fp64: device.fp64,
			waiting: offered.queue.waiting() as u32,
			busy: offered.queue.is_busy(),
			health: offered.health(),
		}
	});
	let status = ExecutorStatus {
		api: API_VERSION,
		job_format: VERSION,
		preludes: BoundedVec::truncate_from(vec![Prelude::Dm1]),
		devices: BoundedVec::truncate_from(devices.collect()),
		peer: core.blobs.peer().cloned(),
		draining: core.draining.load(Ordering::Relaxed),
	};
	answer.with(StatusCode::OK, &status, |status| {
		let mut value = view::status(status);
		value["version"] = env!("CARGO_PKG_VERSION").into();
		value["runs"] = core.runs().live().into();
		value["uptime_s"] = core.started.elapsed().as_secs().into();
		value
	})
}

pub(super) async fn quote(
	State(service): State<Service>,
	answer: Answer,
	request: Request,
) -> Result<Response, ApiError> {
	let (headers, body) = small_body(request, &service).await?;
	let request = if sends(&headers, SCALE) {
		scale::<QuoteRequest>(&body)?
	} else {
		let submission = json::<Form>(&body)?.read(&service)?;
		QuoteRequest { job: submission.job, peers: submission.peers }
	};
	let quote = service.quote(&request).await?;
	Ok(answer.with(StatusCode::OK, &quote, view::quote))
}

pub(super) async fn metrics(State(service): State<Service>) -> Result<Response, ApiError> {
	let text = service.0.metrics.text(&service.0);
	let text = text.map_err(|error| ApiError::Internal(error.to_string()))?;
	let media = "application/openmetrics-text; version=1.0.0; charset=utf-8";
	Ok(([(header::CONTENT_TYPE, media)], text).into_response())
}
