//! What one verification costs the hub in CPU, beside a bare fan-out that only forwards and joins.
//!
//! Protocol (`docs/performance.md`): load generator, departments and gateway are separate processes on
//! loopback; every contender runs once a round in a new order against the same departments; the figure
//! is the CPU time of the gateway process per verification and its ratio to `bare` in the same round.
//! This executable plays every role but the hub: it starts itself again with a role name.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    reason = "a bench prints its figures, and stops where something is not as it must be"
)]

mod backend;
mod bare;
mod chaos;
#[expect(dead_code, reason = "the tests spoil more than the bench does")]
#[path = "../../tests/it/chaos/answers.rs"]
mod chaos_answers;
#[expect(dead_code, reason = "the tests spoil more than the bench does")]
#[path = "../../tests/it/chaos/network.rs"]
mod chaos_network;
mod household;
mod hub;
mod lines;
mod load;
mod measure;
mod peers;
mod pressed;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let threads = |count| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(count)
            .enable_all()
            .build()
            .expect("the runtime starts")
    };
    match arguments.get(1).map(String::as_str) {
        Some("role-backend") => threads(1).block_on(backend::run(&arguments[2..])),
        Some("role-bare") => threads(1).block_on(bare::run(&arguments[2..])),
        Some("overload") => threads(1).block_on(pressed::overload(&arguments[2..])),
        Some("shared") => threads(1).block_on(pressed::shared(&arguments[2..])),
        Some("peers") => threads(1).block_on(peers::run(&arguments[2..])),
        Some("chaos") => threads(1).block_on(chaos::run(&arguments[2..])),
        _ => threads(1).block_on(measure::run(&arguments[1..])),
    }
    ExitCode::SUCCESS
}
