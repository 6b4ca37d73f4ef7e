//! `picture`: a result as a PNG.

use std::{fs, io::BufWriter, path::PathBuf};

use clap::Args;

use super::Trouble;

#[derive(Args)]
pub(crate) struct Picture {
	/// A result of bytes: red, green and blue for each pixel, line by line.
	result: PathBuf,
	/// Pixels in a line.
	#[arg(long, value_parser = clap::value_parser!(u32).range(1..=65_535))]
	width: u32,
	/// The file to write.
	#[arg(long, short)]
	out: PathBuf,
}

impl Picture {
	pub(crate) fn run(&self) -> Result<(), Trouble> {
		let fail = |path: &PathBuf, error: &dyn std::fmt::Display| {
			Trouble::host(format!("{}: {error}", path.display()))
		};
		let pixels = fs::read(&self.result).map_err(|error| fail(&self.result, &error))?;
		let line = self.width as usize * 3;
		if pixels.is_empty() || pixels.len() % line != 0 {
			return Err(Trouble::usage(format!(
				"{} has {} bytes, which is no number of lines of {line} bytes (3 for each of {} pixels)",
				self.result.display(),
				pixels.len(),
				self.width
			)));
		}
		let height =
			u32::try_from(pixels.len() / line).map_err(|error| fail(&self.result, &error))?;
		let file = fs::File::create(&self.out).map_err(|error| fail(&self.out, &error))?;
		let mut encoder = png::Encoder::new(BufWriter::new(file), self.width, height);
		encoder.set_color(png::ColorType::Rgb);
		encoder.set_depth(png::BitDepth::Eight);
		let mut writer = encoder.write_header().map_err(|error| fail(&self.out, &error))?;
		writer.write_image_data(&pixels).map_err(|error| fail(&self.out, &error))?;
		writer.finish().map_err(|error| fail(&self.out, &error))?;
		println!("{} by {height} pixels in {}", self.width, self.out.display());
		Ok(())
	}
}
