//! The queue of a device with real runs.

use ogpu_worker::{
	queue::{Bounds, DeviceQueue, Full},
	run::RunError,
};

use crate::case::{Case, How, tools};

#[tokio::test]
async fn runs_are_queued_refused_and_cancelled() {
	let slow = Case::simple("__kernel void f(__global uint *out) { for (;;) out[0] += 1u; }");
	let quick = Case::simple("__kernel void f(__global uint *out) { out[get_global_id(0)] = 7u; }");
	let queue = DeviceQueue::new(Bounds { total: 3, per_owner: 2 });
	let request = |case: &Case, name: &str| case.request(How { out: case.out(name), ..case.how() });

	let mut running = queue.submit("a", tools(), request(&slow, "0")).expect("room");
	while queue.waiting() > 0 {
		tokio::task::yield_now().await;
	}
	let mut second = queue.submit("a", tools(), request(&quick, "1")).expect("room");
	let mut third = queue.submit("a", tools(), request(&quick, "2")).expect("room");
	assert_eq!(queue.submit("a", tools(), request(&quick, "3")).err(), Some(Full::Lane(2)));
	let mut other = queue.submit("b", tools(), request(&quick, "4")).expect("room");
	assert_eq!(queue.submit("b", tools(), request(&quick, "5")).err(), Some(Full::Queue(3)));

	third.cancel.cancel();
	running.cancel.cancel();
	assert_eq!(running.wait().await, Err(RunError::Cancelled));
	assert!(second.wait().await.is_ok());
	assert!(other.wait().await.is_ok());
	assert_eq!(third.wait().await, Err(RunError::Cancelled));
}
