//! The `hedui` executable: parse arguments, run the command.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser;

// Linked in with the feature `override`, mimalloc is the `malloc` of the whole process: of SQLite and TLS too, and of Rust
// without the detour over aligned allocation that its own `GlobalAlloc` takes. Without huge pages (`no_thp`) a third less
// stays resident, at no cost in time.
use mimalloc as _;

fn main() -> ExitCode {
    let cli = match hedui::cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return hedui::cli::refused(&error),
    };
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
