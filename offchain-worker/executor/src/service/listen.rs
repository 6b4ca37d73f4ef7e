//! Connections, bounded in number and in patience.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use hyper::{Request, body::Incoming, server::conn::http1};
use hyper_util::{
	rt::{TokioIo, TokioTimer},
	server::graceful::GracefulShutdown,
	service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_io_timeout::TimeoutWriter;
use tower::{ServiceExt, service_fn};

/// How long connections may take to end once the service ends.
const GOODBYE: Duration = Duration::from_secs(5);

/// Serves `router` until `end` resolves. More than `most` connections at once are closed unheard; a client
/// that takes longer than `patience` for the head of a request, or to take any of an answer, is cut off.
///
/// # Errors
///
/// When connections can no longer be accepted.
pub async fn serve(
	listener: TcpListener,
	router: Router,
	most: usize,
	patience: Duration,
	end: impl Future<Output = ()>,
) -> io::Result<()> {
	let slots = Arc::new(Semaphore::new(most));
	let graceful = GracefulShutdown::new();
	let mut end = std::pin::pin!(end);
	loop {
		let stream = tokio::select! {
			accepted = listener.accept() => match accepted {
				Ok((stream, _)) => stream,
				// Out of file descriptors, or gone before we looked: others may be better.
				Err(error) => {
					tracing::warn!(target: "ogpu-worker", "a connection could not be accepted: {error}");
					tokio::time::sleep(Duration::from_millis(50)).await;
					continue;
				}
			},
			() = &mut end => break,
		};
		let Ok(slot) = slots.clone().try_acquire_owned() else {
			drop(stream);
			continue;
		};
		let router = router.clone();
		let service = service_fn(move |request: Request<Incoming>| {
			let router = router.clone();
			async move { Ok::<_, Infallible>(never_fails(router.oneshot(request.map(Body::new)).await)) }
		});
		let mut stream = TimeoutWriter::new(stream);
		stream.set_timeout(Some(patience));
		let connection = http1::Builder::new()
			.timer(TokioTimer::new())
			.header_read_timeout(patience)
			.serve_connection(TokioIo::new(Box::pin(stream)), TowerToHyperService::new(service));
		let connection = graceful.watch(connection);
		tokio::spawn(async move {
			if let Err(error) = connection.await {
				tracing::debug!(target: "ogpu-worker", "a connection broke: {error}");
			}
			drop(slot);
		});
	}
	drop(listener);
	// Whoever still listens to events is cut off.
	let _ = tokio::time::timeout(GOODBYE, graceful.shutdown()).await;
	Ok(())
}

fn never_fails<T>(result: Result<T, Infallible>) -> T {
	match result {
		Ok(value) => value,
		Err(never) => match never {},
	}
}
