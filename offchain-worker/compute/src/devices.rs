//! The devices of this machine.

use ocl::core::{
	self, DeviceId, DeviceInfo, DeviceInfoResult, DeviceType, PlatformId, PlatformInfo,
};
use ogpu_compute::{Device, DeviceKey, DeviceKind};

use crate::failure::Stop;

fn trim(text: String) -> String {
	text.trim_end_matches('\0').trim().to_owned()
}

macro_rules! ask {
	($device:expr, $what:ident) => {
		match core::get_device_info($device, DeviceInfo::$what) {
			Ok(DeviceInfoResult::$what(value)) => Some(value),
			_ => None,
		}
	};
}

fn describe(platform: &str, ordinal: u32, device: DeviceId) -> Device {
	let kind = match ask!(device, Type) {
		Some(kind) if kind.contains(DeviceType::GPU) => DeviceKind::Gpu,
		Some(kind) if kind.contains(DeviceType::CPU) => DeviceKind::Cpu,
		_ => DeviceKind::Accelerator,
	};
	let single = ask!(device, SingleFpConfig).unwrap_or(core::DeviceFpConfig::empty());
	let double = ask!(device, DoubleFpConfig).unwrap_or(core::DeviceFpConfig::empty());
	let extensions = ask!(device, Extensions).unwrap_or_default();
	let exact = core::FP_DENORM | core::FP_INF_NAN | core::FP_FMA;
	Device {
		key: DeviceKey {
			platform: platform.to_owned(),
			name: ask!(device, Name).map(trim).unwrap_or_default(),
			ordinal,
		},
		kind,
		vendor: ask!(device, Vendor).map(trim).unwrap_or_default(),
		driver: ask!(device, DriverVersion).map(trim).unwrap_or_default(),
		version: device.version().map_or_else(|_| "unknown".into(), |version| version.to_string()),
		memory: ask!(device, GlobalMemSize).unwrap_or(0),
		max_buffer: ask!(device, MaxMemAllocSize).unwrap_or(0),
		local_memory: ask!(device, LocalMemSize).unwrap_or(0),
		max_group: ask!(device, MaxWorkGroupSize).unwrap_or(0) as u64,
		compute_units: ask!(device, MaxComputeUnits).unwrap_or(0),
		fp64: double.contains(exact)
			&& extensions.split_whitespace().any(|name| name == "cl_khr_fp64"),
		correctly_rounded: single.contains(core::FP_CORRECTLY_ROUNDED_DIVIDE_SQRT),
		denormals: single.contains(core::FP_DENORM),
		inf_nan: single.contains(core::FP_INF_NAN),
		usable: ask!(device, Available).unwrap_or(false)
			&& ask!(device, CompilerAvailable).unwrap_or(false)
			&& ask!(device, EndianLittle).unwrap_or(false)
			// `size_t` has 64 bits where the gate looks at it.
			&& ask!(device, AddressBits) == Some(64),
	}
}

fn all() -> Result<Vec<(PlatformId, DeviceId, Device)>, Stop> {
	let mut found: Vec<(PlatformId, DeviceId, Device)> = Vec::new();
	// A machine without a driver answers with an error, and has no devices.
	for platform in core::get_platform_ids().unwrap_or_default() {
		let name = trim(core::get_platform_info(platform, PlatformInfo::Name)?.to_string());
		for id in core::get_device_ids(platform, Some(DeviceType::ALL), None).unwrap_or_default() {
			let mut device = describe(&name, 0, id);
			let same =
				|other: &Device| other.key.platform == name && other.key.name == device.key.name;
			device.key.ordinal = found.iter().filter(|(_, _, other)| same(other)).count() as u32;
			found.push((platform, id, device));
		}
	}
	Ok(found)
}

/// Every device of every platform.
pub(crate) fn list() -> Result<Vec<Device>, Stop> {
	Ok(all()?.into_iter().map(|(_, _, device)| device).collect())
}

/// The device with this key.
pub(crate) fn find(key: &DeviceKey) -> Result<(PlatformId, DeviceId, Device), Stop> {
	all()?.into_iter().find(|(_, _, device)| device.key == *key).ok_or_else(|| {
		Stop::host(format!("the device {} of {} is not there any more", key.name, key.platform))
	})
}
