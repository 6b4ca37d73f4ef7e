//! The program `ogpu-node`; all of it but its version is in the library of that name.

fn main() -> std::process::ExitCode {
	ogpu_node::main(env!("SUBSTRATE_CLI_IMPL_VERSION"))
}
