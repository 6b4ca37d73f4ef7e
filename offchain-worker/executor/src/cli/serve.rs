//! `serve`: the executor as a service.

use std::{
	fs, io,
	os::unix::fs::{DirBuilderExt, PermissionsExt},
	path::{Path, PathBuf},
};

use clap::Args;
use ogpu_worker::{
	Tools,
	service::{
		Config, Service,
		api::{Token, router},
		secret, serve,
	},
};
use tokio::{
	net::TcpListener,
	signal::unix::{SignalKind, signal},
};

use super::Trouble;

#[derive(Args)]
pub(crate) struct Serve {
	/// The configuration, a TOML file. Without one, everything is as docs/service.md says by default.
	#[arg(long, short)]
	config: Option<PathBuf>,
	/// Where everything is kept; goes before the configuration.
	#[arg(long)]
	data: Option<PathBuf>,
	/// Where to listen; goes before the configuration.
	#[arg(long)]
	listen: Option<std::net::SocketAddr>,
	/// Only see whether the configuration is right.
	#[arg(long)]
	check: bool,
	/// End when the standard input ends: for a program that starts this one and holds the other end.
	#[arg(long)]
	with_parent: bool,
}

impl Serve {
	fn configuration(&self) -> Result<Config, Trouble> {
		let mut config = match &self.config {
			None => Config::default(),
			Some(path) => {
				let name = path.display().to_string();
				let text = fs::read_to_string(path)
					.map_err(|error| Trouble::usage(format!("{name}: {error}")))?;
				let config = Config::parse(&name, &text)
					.map_err(|error| Trouble::usage(error.to_string()))?;
				Config { file: Some(path.clone()), ..config }
			}
		};
		if let Some(data) = &self.data {
			config.data.clone_from(data);
		}
		if let Some(listen) = self.listen {
			if !listen.ip().is_loopback() && !config.allow_remote {
				return Err(Trouble::usage(format!(
					"{listen} can be reached from other machines; set allow_remote = true in the configuration, \
					 with something that encrypts in front"
				)));
			}
			config.listen = listen;
		}
		Ok(config)
	}

	pub(crate) fn run(&self) -> Result<(), Trouble> {
		let config = self.configuration()?;
		if self.check {
			println!("the configuration is right");
			return Ok(());
		}
		let host = |error: &dyn std::fmt::Display| Trouble::host(error.to_string());
		let tools = Tools::find(config.compute.insecure).map_err(|error| host(&error))?;
		let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
		runtime.map_err(|error| host(&error))?.block_on(go(config, tools, self.with_parent))
	}
}

/// Has temporary files made where the next start finds what a kill leaves of them, and removes that.
fn clear_temporary(data: &Path) -> io::Result<()> {
	let folder = std::path::absolute(data)?.join("temporary");
	match fs::remove_dir_all(&folder) {
		Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
		_ => fs::create_dir(&folder)?,
	}
	tempfile::env::override_temp_dir(&folder).map_err(|path| {
		io::Error::other(format!("temporary files are made in {} already", path.display()))
	})
}

/// Waits until whoever started this program is gone, if it is to end with it.
async fn orphaned(with_parent: bool) {
	if !with_parent {
		return std::future::pending().await;
	}
	let (gone, told) = tokio::sync::oneshot::channel();
	// A thread that nobody waits for: reading cannot be interrupted.
	std::thread::spawn(move || {
		// Whether it ends or breaks is the same.
		let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
		let _ = gone.send(());
	});
	let _ = told.await;
}

async fn go(config: Config, tools: Tools, with_parent: bool) -> Result<(), Trouble> {
	let host = |what: &dyn std::fmt::Display, error: &dyn std::fmt::Display| {
		Trouble::host(format!("{what}: {error}"))
	};
	let data = config.data.clone();
	fs::DirBuilder::new()
		.recursive(true)
		.mode(0o700)
		.create(&data)
		.map_err(|error| host(&data.display(), &error))?;
	// It may have been there before.
	fs::set_permissions(&data, fs::Permissions::from_mode(0o700))
		.map_err(|error| host(&data.display(), &error))?;
	clear_temporary(&data).map_err(|error| host(&data.display(), &error))?;
	let token_path = data.join("token");
	let token = secret(&token_path).map_err(|error| host(&token_path.display(), &error))?;
	let seed_path = data.join("transfer.key");
	let seed = secret(&seed_path).map_err(|error| host(&seed_path.display(), &error))?;
	let listener = TcpListener::bind(config.listen)
		.await
		.map_err(|error| host(&format!("{} cannot be listened on", config.listen), &error))?;
	let address = listener.local_addr().map_err(|error| host(&"the address", &error))?;
	let (connections, patience) = (config.limits.connections, config.limits.request.0);
	let mut terminate =
		signal(SignalKind::terminate()).map_err(|error| host(&"signals", &error))?;
	let service = Service::start(config, tools, seed)
		.await
		.map_err(|error| Trouble::host(error.to_string()))?;
	// One line on the standard output, for programs that start this one.
	println!("listening on http://{address}, token in {}", token_path.display());
	let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
	let serving = tokio::spawn(serve(
		listener,
		router(service.clone(), Token::new(&token)),
		connections,
		patience,
		async {
			// It ends when nobody can stop it any more, too.
			let _ = stopped.await;
		},
	));
	let failure = tokio::select! {
		() = orphaned(with_parent) => None,
		_ = tokio::signal::ctrl_c() => None,
		_ = terminate.recv() => None,
		reason = service.failed() => Some(reason),
	};
	tracing::info!(target: "ogpu-worker", "ending: nothing new is taken");
	service.drain().await;
	let _ = stop.send(());
	let _ = serving.await;
	match failure {
		None => Ok(()),
		Some(reason) => Err(Trouble::host(format!("{reason}; start it again"))),
	}
}
