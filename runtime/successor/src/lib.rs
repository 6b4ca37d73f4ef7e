//! The runtime that the network test upgrades to: the ordinary one, built with its feature
//! `successor`, which raises the version and adds a migration. Never part of a release.
//!
//! The native crate is empty: the test takes the wasm that the build script leaves in the target
//! directory.
#![no_std]

#[cfg(target_arch = "wasm32")]
pub use ogpu_runtime::*;
