//! Conformance: what an adapter must be like before a hub relies on it, level by level, each requirement tried for
//! real and told with what was asked and answered.
//!
//! L0 reachable, L1 shaped, L2 meaning, L3 resilient, L4 private. The requirements with their words stand in
//! `requirements.toml`. The adapter is asked over mutual TLS: its own endpoint, started on loopback from the same
//! file, or a running one. Level 5 is measured by the hub, on real traffic in shadow.

mod meaning;
pub mod page;
mod private;
mod reachable;
mod report;
mod requirement;
mod resilient;
mod shaped;
mod signature;
mod stage;
mod told;

use std::path::Path;

use jiff::Timestamp;

use crate::adapter::Overrides;
use crate::caller::{CallError, Caller};
use crate::connector::Connector;
use crate::error::{Faults, Text};
use report::Head;
pub use report::{Counts, Exchange, HIGHEST, Outcome, Report, RequirementResult, SCHEMA, Subject, level_name};
pub use requirement::{Requirement, all as requirements};
pub use signature::{KeyError, MAX_REPORT, ReportKey, Verified, VerifyError, verify};
use stage::Stage;

/// Why nothing could be tried.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConformError {
    /// The connector file has faults.
    #[error(transparent)]
    File(#[from] Faults),
    /// No endpoint could be started on loopback.
    #[error("no endpoint could be started on this machine's loopback: {0}")]
    Stage(String),
    /// A caller cannot be made.
    #[error(transparent)]
    Caller(#[from] CallError),
    /// The running adapter showed certificates of different keys.
    #[error(
        "the running adapter showed certificates of two different keys while it was tried: wait until the new one is in place everywhere, then run it again"
    )]
    KeyChanged,
}

impl ConformError {
    /// The error for people.
    pub(crate) fn text(&self) -> Text {
        match self {
            Self::File(_) => Text::same(self.to_string()),
            Self::Stage(cause) => Text::new(format!("本机回环地址上起不了服务：{cause}"), self.to_string()),
            Self::Caller(error) => error.text(),
            Self::KeyChanged => Text::new(
                "试的过程中，运行中的适配器先后出示了两把公钥的证书：等新证书都换好后再运行一次",
                self.to_string(),
            ),
        }
    }
}

/// The key of the certificate that a running adapter shows; none where it cannot be seen, which level 0 tells.
async fn key_of(against: Option<&Caller>) -> Option<String> {
    against?.certificate_key().await.ok()
}

/// Tries every requirement up to `level`. `now` is the time of the report.
pub(crate) async fn run(
    file: &Path,
    overrides: Overrides,
    level: u8,
    against: Option<Caller>,
    now: Timestamp,
) -> Result<Report, ConformError> {
    let connector = Connector::read(file)?;
    let key_before = key_of(against.as_ref()).await;
    let head = Head {
        adapter: Subject {
            id: connector.adapter.id.clone(),
            version: connector.adapter.version.clone(),
            name: connector.adapter.name.clone(),
        },
        connector_sha256: connector.sha256.clone(),
        against: against.as_ref().map(|against| against.address().to_owned()),
        certificate_key: key_before.clone(),
        asked_level: level,
        made_at: now,
    };
    let stage = Stage::set(connector, overrides, against.clone(), now).await?;
    let mut findings = reachable::findings(&stage).await;
    if level >= 1 {
        findings.extend(shaped::findings(&stage));
    }
    if level >= 2 {
        findings.extend(meaning::findings(&stage).await);
    }
    if level >= 3 {
        findings.extend(resilient::findings(&stage).await);
    }
    if level >= 4 {
        findings.extend(private::findings(&stage).await);
    }
    stage.strike().await;
    // What was tried in between was the adapter with this key, and no other.
    if key_of(against.as_ref()).await != key_before {
        return Err(ConformError::KeyChanged);
    }
    Ok(report::report(head, findings))
}
