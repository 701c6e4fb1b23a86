//! The command line. One file a command; each prints for people, or JSON with `--json`.
//!
//! Exit codes are stable: 0 done, 1 done but the answer is no (a failed case, a failed check),
//! 2 the command or its input is wrong, 3 something outside failed (file, network, server).

pub mod adapter;
pub mod alert;
pub mod approval;
mod caller;
pub mod case;
mod change;
pub mod client;
mod credentials;
pub mod demo;
pub mod evidence;
pub mod log;
mod obstacle;
pub mod peer;
pub mod policy;
pub mod reach;
pub mod sample;
pub mod seal;
pub mod serve;
pub mod simulate;
pub mod token;
mod told;
pub mod verdict;
pub mod verify;
pub mod witness;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

/// Hedui (核对): one question about one household to six departments, one income-and-assets verdict.
#[derive(Debug, Parser)]
#[command(name = "hedui", version, propagate_version = true)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, clap::Args)]
pub struct Global {
    /// Print JSON for programs instead of text for people.
    #[arg(long, global = true)]
    pub json: bool,
    /// Language of the text; by default that of the locale.
    #[arg(long, global = true, value_enum, env = "HEDUI_LANG")]
    pub lang: Option<Lang>,
}

/// Language of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    /// 中文.
    Zh,
    /// English.
    En,
}

impl Global {
    /// The language to print in: `--lang`, else the locale's (`LC_ALL`, `LC_MESSAGES`, `LANG`), else English.
    #[expect(clippy::disallowed_methods, reason = "the locale is the terminal's, not a setting of the hub")]
    pub fn lang(&self) -> Lang {
        self.lang.unwrap_or_else(|| {
            let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
                .into_iter()
                .filter_map(|name| std::env::var(name).ok())
                .find(|value| !value.is_empty())
                .unwrap_or_default();
            if locale.starts_with("zh") { Lang::Zh } else { Lang::En }
        })
    }
}

impl Lang {
    /// The text in this language.
    pub const fn pick<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start everything on this machine with synthetic people, ask, and print a verdict.
    Demo(demo::Args),
    /// Run the hub.
    Serve(serve::Args),
    /// Ask a running hub to verify a household, and print the verdict.
    Verify(verify::Args),
    /// Work with verdicts: judge worked cases, explain, replay.
    #[command(subcommand)]
    Verdict(verdict::Command),
    /// Check, show, compare and weigh policy packs.
    #[command(subcommand)]
    Policy(policy::Command),
    /// Run and check a department's adapter.
    #[command(subcommand)]
    Adapter(adapter::Command),
    /// Show this hub to another region's, and check whether that one can be asked.
    #[command(subcommand)]
    Peer(peer::Command),
    /// Verify the signed answers behind a verdict.
    #[command(subcommand)]
    Evidence(evidence::Command),
    /// Check, prove and take out the access log.
    #[command(subcommand)]
    Log(log::Command),
    /// Check and try the rules by which the access log is watched.
    #[command(subcommand)]
    Alert(alert::Command),
    /// Draw a sample of the access log again, without a hub.
    #[command(subcommand)]
    Sample(sample::Command),
    /// Register and revoke the systems that may get tokens at this hub.
    #[command(subcommand)]
    Client(client::Command),
    /// Cosign the heads of access logs, on another machine than theirs.
    #[command(subcommand)]
    Witness(witness::Command),
    /// Agree to changes that need two persons, or refuse them.
    #[command(subcommand)]
    Approval(approval::Command),
    /// Erase what the hub keeps of a case, and confirm the clock that sweeps erase by.
    #[command(subcommand)]
    Case(case::Command),
    /// Change the sealing key of what the hub keeps.
    #[command(subcommand)]
    Seal(seal::Command),
    /// Make the departments' native stores, for trials and tests.
    Simulate(simulate::Args),
    /// Mint an access token with an issuer's private key, for trials.
    Token(token::Args),
}

pub use obstacle::told;

/// Runs the command.
pub async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let global = cli.global;
    match cli.command {
        Command::Demo(args) => demo::run(args, &global).await,
        Command::Serve(args) => serve::run(args, &global).await,
        Command::Verify(args) => verify::run(args, &global).await,
        Command::Verdict(command) => verdict::run(command, &global).await,
        Command::Policy(command) => policy::run(command, &global),
        Command::Adapter(command) => adapter::run(command, &global).await,
        Command::Peer(command) => peer::run(command, &global).await,
        Command::Evidence(command) => evidence::run(command, &global).await,
        Command::Log(command) => log::run(command, &global).await,
        Command::Alert(command) => alert::run(command, &global).await,
        Command::Sample(command) => sample::run(command, &global).await,
        Command::Client(command) => client::run(command, &global).await,
        Command::Witness(command) => witness::run(command, &global).await,
        Command::Approval(command) => approval::run(command, &global).await,
        Command::Case(command) => case::run(command, &global).await,
        Command::Seal(command) => seal::run(command, &global).await,
        Command::Simulate(args) => simulate::run(args, &global).await,
        Command::Token(args) => token::run(args, &global),
    }
}

/// Says what is wrong with the command line, or gives the help that was asked for.
#[expect(clippy::disallowed_methods, reason = "the language is the terminal's, not a setting of the hub")]
pub fn refused(error: &clap::Error) -> ExitCode {
    use connectors::cli::usage;
    use connectors::error::Lang as Told;
    let arguments: Vec<String> = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let locale = match (Global { json: false, lang: None }).lang() {
        Lang::Zh => Told::Zh,
        Lang::En => Told::En,
    };
    let environment = std::env::var("HEDUI_LANG").ok();
    usage::refused(error, usage::language(&arguments, environment.as_deref(), locale))
}

/// The exit code of a command that failed: 3 when something outside did (a file, the network), else 2.
pub fn exit_code_of(error: &anyhow::Error) -> ExitCode {
    let outside = error.chain().any(|cause| cause.is::<std::io::Error>() || caller::is_network(cause));
    ExitCode::from(if outside { 3 } else { 2 })
}
