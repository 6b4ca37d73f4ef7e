//! Messages on a pipe.

use std::io::{self, Read, Write};

use codec::{Decode, DecodeAll, Encode};

/// The longest message. A job's text is at most a few hundred kilobytes, and leaves come in batches.
const MOST: u32 = 16 << 20;

/// Why no message could be read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
	/// The pipe is broken, or closed in the middle of a message.
	#[error("the pipe broke: {0}")]
	Io(#[from] io::Error),
	/// The message is too long.
	#[error("a message of {0} bytes is too long")]
	TooLong(u32),
	/// The message makes no sense.
	#[error("a message could not be read: {0}")]
	Malformed(#[from] codec::Error),
}

/// Writes one message.
///
/// # Errors
///
/// When the pipe is broken, or the message too long to be read again.
pub fn write_frame(pipe: &mut impl Write, message: &impl Encode) -> io::Result<()> {
	let bytes = message.encode();
	let len = u32::try_from(bytes.len())
		.ok()
		.filter(|len| *len <= MOST)
		.ok_or(io::ErrorKind::InvalidInput)?;
	pipe.write_all(&len.to_le_bytes())?;
	pipe.write_all(&bytes)?;
	pipe.flush()
}

/// Reads one message, or `None` at the end of the pipe.
///
/// # Errors
///
/// When the pipe is broken or the message is not one.
pub fn read_frame<T: Decode>(pipe: &mut impl Read) -> Result<Option<T>, FrameError> {
	let mut len = [0; 4];
	match pipe.read(&mut len)? {
		0 => return Ok(None),
		read => pipe.read_exact(&mut len[read..])?,
	}
	let len = u32::from_le_bytes(len);
	if len > MOST {
		return Err(FrameError::TooLong(len));
	}
	let mut bytes = vec![0; len as usize];
	pipe.read_exact(&mut bytes)?;
	Ok(Some(T::decode_all(&mut bytes.as_slice())?))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn messages_survive_the_pipe_and_nonsense_is_told() {
		let mut pipe = Vec::new();
		write_frame(&mut pipe, &(7u32, "x")).expect("a vector takes all");
		let mut read = pipe.as_slice();
		assert_eq!(
			read_frame::<(u32, String)>(&mut read).expect("a message"),
			Some((7, "x".into()))
		);
		assert_eq!(read_frame::<u32>(&mut read).expect("the end"), None);

		let cut = &pipe[..pipe.len() - 1];
		assert!(matches!(read_frame::<(u32, String)>(&mut &*cut), Err(FrameError::Io(_))));
		assert!(matches!(read_frame::<u32>(&mut &[255u8; 8][..]), Err(FrameError::TooLong(_))));
		assert!(matches!(
			read_frame::<String>(&mut &[1, 0, 0, 0, 9][..]),
			Err(FrameError::Malformed(_))
		));
	}
}
