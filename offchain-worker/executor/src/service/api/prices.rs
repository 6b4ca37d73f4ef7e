//! What work costs here.

use axum::{
	Json,
	extract::{Request, State},
};
use ogpu_primitives::amount;
use serde_json::{Value, json};

use super::{bodies, error::ApiError, jobs::small_body};
use crate::service::{Service, config::Price};

fn shown(Price { per_second, minimum }: &Price) -> Value {
	json!({ "per_second": amount::show(per_second.0), "minimum": amount::show(minimum.0) })
}

pub(super) async fn get(State(service): State<Service>) -> Json<Value> {
	let devices = service.prices().into_iter().map(|(name, price)| {
		let mut device = shown(&price);
		device["device"] = name.into();
		device
	});
	let mut prices = shown(&service.price());
	prices["devices"] = devices.collect();
	Json(prices)
}

pub(super) async fn put(
	State(service): State<Service>,
	request: Request,
) -> Result<Json<Value>, ApiError> {
	let (_, body) = small_body(request, &service).await?;
	service.change_price(bodies::json(&body)?).await.map_err(ApiError::Conflict)?;
	Ok(get(State(service)).await)
}
