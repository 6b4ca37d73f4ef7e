//! Secrets in files that their owner alone can read.

use std::{
	fs,
	io::{self, Read, Write},
	os::unix::fs::OpenOptionsExt,
	path::Path,
};

/// The secret in a file, as 64 hexadecimal digits; a new one if there is no such file.
///
/// # Errors
///
/// When the file cannot be read or made, or holds something else.
pub fn secret(path: &Path) -> io::Result<[u8; 32]> {
	match fs::read_to_string(path) {
		Ok(text) => from_hex(text.trim()).ok_or_else(|| {
			let message =
				"it does not hold 64 hexadecimal digits; delete it, and a new one is made";
			io::Error::new(io::ErrorKind::InvalidData, message)
		}),
		Err(error) if error.kind() == io::ErrorKind::NotFound => {
			let mut secret = [0; 32];
			fs::File::open("/dev/urandom")?.read_exact(&mut secret)?;
			// Complete when it has its name.
			let partial = path.with_extension("partial");
			let mut file = fs::File::options()
				.write(true)
				.create(true)
				.truncate(true)
				.mode(0o600)
				.open(&partial)?;
			let digits: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
			writeln!(file, "{digits}")?;
			file.sync_all()?;
			fs::rename(partial, path)?;
			Ok(secret)
		}
		Err(error) => Err(error),
	}
}

/// 32 bytes from their 64 hexadecimal digits.
pub fn from_hex(digits: &str) -> Option<[u8; 32]> {
	if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
		return None;
	}
	let mut bytes = [0; 32];
	for (byte, pair) in bytes.iter_mut().zip(digits.as_bytes().chunks(2)) {
		*byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
	}
	Some(bytes)
}
