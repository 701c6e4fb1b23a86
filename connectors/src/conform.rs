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

/// A running adapter, and how it is called.
pub(crate) struct Against {
    /// Its URL.
    pub(crate) url: String,
    /// A caller with the certificate it wants.
    pub(crate) caller: Caller,
}

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
}

impl ConformError {
    /// The error for people.
    pub(crate) fn text(&self) -> Text {
        match self {
            Self::File(_) => Text::same(self.to_string()),
            Self::Stage(cause) => Text::new(format!("本机回环地址上起不了服务：{cause}"), self.to_string()),
            Self::Caller(error) => error.text(),
        }
    }
}

/// Tries every requirement up to `level`. `now` is the time of the report.
pub(crate) async fn run(
    file: &Path,
    overrides: Overrides,
    level: u8,
    against: Option<Against>,
    now: Timestamp,
) -> Result<Report, ConformError> {
    let connector = Connector::read(file)?;
    let head = Head {
        adapter: Subject {
            id: connector.adapter.id.clone(),
            version: connector.adapter.version.clone(),
            name: connector.adapter.name.clone(),
        },
        connector_sha256: connector.sha256.clone(),
        against: against.as_ref().map(|against| against.url.clone()),
        asked_level: level,
        made_at: now,
    };
    let stage = Stage::set(connector, overrides, against.map(|against| against.caller), now).await?;
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
    Ok(report::report(head, findings))
}
