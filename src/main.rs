//! The `hedui` executable: parse arguments, run the command.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = hedui::cli::Cli::parse();
    let lang = cli.global.lang();
    let ended = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(hedui::cli::run(cli)));
    ended.unwrap_or_else(|error| {
        // Whoever read the output had enough of it (`hedui … | head`).
        if error.chain().any(|cause| {
            cause.downcast_ref::<std::io::Error>().is_some_and(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
        }) {
            return ExitCode::SUCCESS;
        }
        // Nobody is left to tell when even this cannot be written.
        drop(writeln!(std::io::stderr(), "hedui: {}", hedui::cli::told(&error, lang)));
        hedui::cli::exit_code_of(&error)
    })
}
