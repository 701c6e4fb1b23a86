//! How commands change what a hub keeps. While no hub runs on the database the change is made at once; while one does, it
//! makes the change, since it is the only writer of its log, and the command waits for its answer.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::json;

use super::Global;
use crate::app::registry::rules;
use crate::app::{catalogue, sealing_keys};
use crate::auth::token::TokenVerifier;
use crate::config::Config;
use crate::domain::clock::{Clock, SystemClock, SystemRandomness};
use crate::service::adapters::{self, Adapters};
use crate::service::approvals::{self, Approvals};
use crate::service::changes::{Answer, Change, Operations, Request};
use crate::service::clients::{self, ClientRegistry};
use crate::service::erasure::{self, Erasure};
use crate::service::ids::Ids;
use crate::service::sealing::{self, Rewrap};
use crate::store::{ChangeDesk, Store, StoreError};

/// How long a running hub is given to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// Makes the change, or lets the running hub make it.
pub(super) async fn ask(config: &Config, change: Change) -> anyhow::Result<Answer> {
    let request = Request { by: operator(), change };
    let (store, writer) = match Store::open(&config.store.path).await {
        Ok(opened) => opened,
        Err(StoreError::Locked(_)) => return ask_running(&config.store.path, &request).await,
        Err(error) => return Err(error).with_context(|| format!("the database {}", config.store.path.display())),
    };
    #[expect(clippy::disallowed_methods, reason = "joined below, before the command ends")]
    let writer = tokio::spawn(writer.run());
    let operations = operations(config, store).await?;
    let answer = operations.make(request, None).await?;
    drop(operations);
    writer.await?;
    Ok(answer)
}

async fn operations(config: &Config, store: Store) -> anyhow::Result<Operations> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let randomness = Arc::new(SystemRandomness);
    let ids = Ids::new(Arc::clone(&clock), randomness.clone());
    let keys = sealing_keys(config)?;
    let (sealer, registration) = sealing::open(&store, keys, clock.as_ref(), randomness.clone()).await?;
    registration.record(&store, &ids, clock.as_ref()).await?;
    let clients = match &config.token_endpoint {
        None => None,
        Some(endpoint) => {
            let parts = clients::Parts {
                store: store.clone(),
                sealer: sealer.clone(),
                tokens: Arc::new(TokenVerifier::new(&config.auth.audience)),
                issuer: endpoint.issuer.clone(),
                clock: Arc::clone(&clock),
                randomness,
                ids: ids.clone(),
            };
            Some(Arc::new(ClientRegistry::open(parts).await?))
        }
    };
    // What the hub ran with last says whether two are needed, not only the file as it stands now.
    let was_required = store.last_settings().await?.is_some_and(|last| last.needs_two);
    let approvals = Approvals::new(approvals::Parts {
        store: store.clone(),
        clients: clients.clone(),
        is_required: config.approval.required || was_required,
        valid_for: config.approval.valid_for,
        clock: Arc::clone(&clock),
        ids: ids.clone(),
    });
    let rewrap = Rewrap::new(store.clone(), sealer.clone(), Arc::clone(&clock), ids.clone());
    let registry = adapters::Parts {
        store: store.clone(),
        clock: Arc::clone(&clock),
        ids: ids.clone(),
        catalogue: Arc::new(catalogue(config)?),
        rules: rules(config),
        connecting: None,
    };
    let adapters = Arc::new(Adapters::open(registry).await?);
    let erasure = Arc::new(Erasure::new(erasure::Parts { store: store.clone(), sealer, clock, ids }));
    Ok(Operations { store, clients, erasure, approvals, rewrap, adapters, alone: tokio::sync::Mutex::default() })
}

async fn ask_running(database: &Path, request: &Request) -> anyhow::Result<Answer> {
    let desk = ChangeDesk::open(database).await?;
    let number = desk.ask(SystemClock.now().as_microsecond(), &serde_json::to_string(request)?).await?;
    let mut tick = tokio::time::interval(Duration::from_millis(100));
    for _ in 0..PATIENCE.as_millis() / 100 {
        tick.tick().await;
        if let Some(answer) = desk.answer(number).await? {
            if matches!(request.change, Change::Rewrap(_)) {
                desk.forget(number).await?;
            }
            return serde_json::from_str(&answer).context("the hub's answer cannot be read");
        }
    }
    if desk.withdraw(number).await? {
        bail!(
            "the running hub did not take the change up in {} s; nothing was changed; see its log",
            PATIENCE.as_secs()
        )
    }
    let answer = desk.answer(number).await?.context("the request is gone")?;
    serde_json::from_str(&answer).context("the hub's answer cannot be read")
}

/// Who runs the command, as the machine knows them. It stands in the log.
fn operator() -> String {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").map_or_else(|_| "operator".to_owned(), |me| format!("uid:{}", me.uid()))
}

/// Prints the answer of `hedui <command>`; 0 where it was done, 1 where it was refused.
pub(super) fn tell(command: &str, answer: &Answer, global: &Global) -> anyhow::Result<ExitCode> {
    let lang = global.lang();
    match answer {
        Answer::Done(object) => {
            let mut out = std::io::stdout().lock();
            if global.json {
                writeln!(out, "{}", json!({ "done": object }))?;
            } else {
                writeln!(out, "{}{object}", lang.pick("已生效并记入访问日志：", "in force and in the access log: "))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Answer::Waiting { proposal, digest, still } => {
            let mut out = std::io::stdout().lock();
            if global.json {
                writeln!(out, "{}", json!({ "waiting": proposal, "digest": digest, "still": still }))?;
            } else {
                writeln!(
                    out,
                    "{}",
                    lang.pick(
                        &format!("还须 {still} 人批准后生效：{proposal}（sha256 {digest}）\n每人先用 hedui approval show 查看，再签名：hedui approval give {proposal} --as 编号 --key 私钥"),
                        &format!("{still} more must agree before it counts: {proposal} (sha256 {digest})\nEach looks at it with `hedui approval show`, then signs: hedui approval give {proposal} --as ID --key FILE")
                    )
                )?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Answer::Rewrapped(_) => bail!("the hub's answer belongs to another request"),
        Answer::Refused(refusal) => {
            if global.json {
                writeln!(std::io::stdout().lock(), "{}", json!({ "refused": refusal }))?;
            } else {
                let code = refusal.code.as_ref().map_or_else(String::new, |code| format!(" ({code})"));
                let why = lang.pick(&refusal.why.zh, &refusal.why.en);
                writeln!(std::io::stderr().lock(), "hedui {command}: {why}{code}")?;
            }
            Ok(ExitCode::from(1))
        }
    }
}
