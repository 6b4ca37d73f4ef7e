//! Plots, as SVG.

use std::{
	fs,
	path::{Path, PathBuf},
};

use plotters::{coord::Shift, prelude::*};

/// Width and height in pixels.
const SIZE: (u32, u32) = (720, 420);
/// A logarithmic axis begins here at the lowest.
const LEAST: f64 = 1e-12;

/// An axis of a plot.
#[derive(Clone, Copy, Debug)]
pub struct Axis {
	/// What it says.
	pub name: &'static str,
	/// Whether it is logarithmic.
	pub log: bool,
}

/// A line of a plot.
#[derive(Clone, Debug)]
pub struct Series {
	/// What it is.
	pub name: String,
	/// Its points, from left to right.
	pub points: Vec<(f64, f64)>,
}

/// Where plots go.
#[derive(Clone, Debug)]
pub struct Plots {
	folder: PathBuf,
	link: String,
}

impl Plots {
	/// Plots in a folder, to which a page refers as `link`.
	///
	/// # Errors
	///
	/// When the folder cannot be made.
	pub fn new(folder: &Path, link: &str) -> Result<Self, String> {
		fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
		Ok(Self { folder: folder.to_owned(), link: link.to_owned() })
	}

	/// Draws lines with their points. The Markdown that shows the plot.
	///
	/// # Errors
	///
	/// When the file cannot be written.
	pub fn lines(
		&self,
		file: &str,
		title: &str,
		x: Axis,
		y: Axis,
		series: &[Series],
	) -> Result<String, String> {
		let path = self.folder.join(format!("{file}.svg"));
		let area = SVGBackend::new(&path, SIZE).into_drawing_area();
		let drawn = draw(&area, title, x, y, series).and_then(|()| area.present().map_err(told));
		drawn.map_err(|error| format!("{}: {error}", path.display()))?;
		Ok(format!("![{title}]({}/{file}.svg)\n\n", self.link))
	}
}

fn told(error: impl std::error::Error) -> String {
	error.to_string()
}

/// From where to where an axis goes: all points, and zero if it is linear.
fn range(values: impl Iterator<Item = f64> + Clone, log: bool) -> (f64, f64) {
	let least = values.clone().fold(f64::INFINITY, f64::min);
	let most = values.fold(f64::NEG_INFINITY, f64::max);
	match log {
		true => (least.max(LEAST), most.max(2.0 * LEAST)),
		false => (least.min(0.0), most.max(0.0) + f64::EPSILON),
	}
}

fn draw(
	area: &DrawingArea<SVGBackend<'_>, Shift>,
	title: &str,
	x: Axis,
	y: Axis,
	series: &[Series],
) -> Result<(), String> {
	let points = || series.iter().flat_map(|series| series.points.iter());
	let (left, right) = range(points().map(|point| point.0), x.log);
	let (bottom, top) = range(points().map(|point| point.1), y.log);
	area.fill(&WHITE).map_err(told)?;
	let mut builder = ChartBuilder::on(area);
	builder
		.caption(title, ("sans-serif", 18))
		.margin(12)
		.x_label_area_size(40)
		.y_label_area_size(64);
	// Types differ by axes; what is drawn does not.
	macro_rules! drawn {
		($x:expr, $y:expr) => {{
			let mut chart = builder.build_cartesian_2d($x, $y).map_err(told)?;
			let number = |value: &f64, log: bool| match log && *value < 0.01 {
				true => format!("{value:.0e}"),
				false => format!("{}", (value * 1000.0).round() / 1000.0),
			};
			chart
				.configure_mesh()
				.light_line_style(WHITE)
				.x_desc(x.name)
				.y_desc(y.name)
				.x_label_formatter(&|value| number(value, x.log))
				.y_label_formatter(&|value| number(value, y.log))
				.draw()
				.map_err(told)?;
			for (index, Series { name, points }) in series.iter().enumerate() {
				let colour = Palette99::pick(index).to_rgba();
				chart
					.draw_series(
						LineSeries::new(points.iter().copied(), colour.stroke_width(2))
							.point_size(3),
					)
					.map_err(told)?
					.label(name)
					.legend(move |(x, y)| {
						Rectangle::new([(x, y - 1), (x + 18, y + 1)], colour.filled())
					});
			}
			chart
				.configure_series_labels()
				.background_style(WHITE.mix(0.8))
				.border_style(BLACK.mix(0.3))
				.draw()
				.map_err(told)?;
		}};
	}
	match (x.log, y.log) {
		(false, false) => drawn!(left..right, bottom..top),
		(false, true) => drawn!(left..right, (bottom..top).log_scale()),
		(true, false) => drawn!((left..right).log_scale(), bottom..top),
		(true, true) => drawn!((left..right).log_scale(), (bottom..top).log_scale()),
	}
	Ok(())
}
