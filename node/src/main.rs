//! The program `ogpu-node`; all of it is in the library beside it.

fn main() -> std::process::ExitCode {
	ogpu_node::main()
}
