//! The runtime that the network test upgrades to: the ordinary one, built with its feature
//! `successor`, which raises the version and adds a migration. Never part of a release.
#![cfg_attr(target_arch = "wasm32", no_std)]

#[cfg(target_arch = "wasm32")]
pub use ogpu_runtime::*;

#[cfg(not(target_arch = "wasm32"))]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));
