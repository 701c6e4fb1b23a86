//! A department registers its adapter itself, with an invitation that is good once. The hub reads the adapter's manifest
//! through the egress guard, pins the key of its certificate, and asks it nothing real.
//!
//! Who registers learns of the network only what class of thing went wrong, never what stood there, and is stopped after a
//! few failures: an invitation is no tool to look around with.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};

use connectors::protocol::Manifest;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::answer_key::AnswerKey;
use super::record::{AdapterRecord, ServedDataset};
use super::{AdapterFault, Adapters, Connecting};
use crate::access_log::{AccessEvent, Action};
use crate::domain::adapter::AdapterState;
use crate::domain::agreement::Agreement;
use crate::domain::clock::Randomness;
use crate::domain::dataset::{Catalogue, DatasetId, DepartmentId};
use crate::domain::hex::hex;
use crate::domain::id_number::IdNumber;
use crate::domain::problem::{Finding, Text};
use crate::egress::{Document, DocumentError, EgressError, Endpoint, KeyPin};
use crate::service::approvals::sha256;
use crate::store::{AdapterChanges, Changes, InvitationRow, StoreError};

/// Largest manifest, bytes.
const MAX_MANIFEST: usize = 256 * 1024;
/// What a code begins with, so that it is told apart from a token.
pub const CODE_PREFIX: &str = "hi_";
/// Keys besides the one that is seen.
const MOST_NEXT_PINS: usize = 3;
/// Codes that were not good, of one peer in a window, after which it is not heard.
const MOST_GUESSES: u32 = 8;
/// Registrations that were not good, with one invitation in a window, after which it is not heard.
const MOST_FAILURES: u32 = 20;
/// The window, seconds.
const WINDOW_SECONDS: i64 = 600;
/// Peers and invitations that are remembered before those of former windows are forgotten.
const REMEMBERED: usize = 10_000;

/// A code for an invitation: 32 random bytes.
pub fn invitation_code(randomness: &dyn Randomness) -> String {
    let mut bytes = [0_u8; 32];
    randomness.fill(&mut bytes);
    format!("{CODE_PREFIX}{}", hex(&bytes))
}

/// What a department sends.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegistrationDocument {
    /// Where the adapter is: `https://host:port`.
    #[schema(example = "https://10.20.0.5:9101")]
    pub endpoint: String,
    /// The version of the connector that is expected there.
    pub version: String,
    /// Further keys that its certificate may have later: SHA-256 of the public key (SPKI), hexadecimal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>, max_items = 3)]
    pub next_pins: Vec<KeyPin>,
    /// Thumbprint (RFC 7638) of the key that signs its conformance reports. Without one it stays where nothing real is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_key: Option<String>,
    /// What the department agrees to answer; what its manifest says a second, and nothing further, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Agreement>,
}

/// Why an adapter is not registered.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationFault {
    /// No invitation that is good, or one that was used: the same for all.
    #[error(
        "the invitation is not good: it was used, is too old, or was never given; ask the hub's operator for another one"
    )]
    Invitation,
    /// Too many failures.
    #[error("too many failed registrations; wait ten minutes")]
    TooMany,
    /// Something in the document, or at the address.
    #[error("the registration is not valid")]
    Invalid(Vec<Finding>),
    /// This hub takes no registrations.
    #[error("{0}")]
    Adapter(#[from] AdapterFault),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who failed how often in the window that began then.
#[derive(Default)]
pub(super) struct Guesses(Mutex<HashMap<String, (Timestamp, u32)>>);

impl Guesses {
    /// Whether somebody is still heard.
    fn check(&self, who: &str, most: u32, now: Timestamp) -> Result<(), RegistrationFault> {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match failures.get(who) {
            Some((began, count)) if *count >= most && is_in_window(*began, now) => Err(RegistrationFault::TooMany),
            _ => Ok(()),
        }
    }

    fn failed(&self, who: &str, now: Timestamp) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() > REMEMBERED {
            failures.retain(|_, (began, _)| is_in_window(*began, now));
        }
        let (began, count) = failures.entry(who.to_owned()).or_insert((now, 0));
        if !is_in_window(*began, now) {
            (*began, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
    }
}

fn is_in_window(began: Timestamp, now: Timestamp) -> bool {
    now.duration_since(began).as_secs() < WINDOW_SECONDS
}

fn finding(pointer: &str, code: &'static str, zh: &str, en: &str) -> RegistrationFault {
    let detail = Text::new(zh, en);
    RegistrationFault::Invalid(vec![Finding { pointer: pointer.to_owned(), code, detail }])
}

impl Adapters {
    /// Registers an adapter as a draft. `peer` is who is on the other side of the connection.
    pub async fn register(
        &self,
        code: &str,
        document: &RegistrationDocument,
        peer: Option<&str>,
        request_id: &str,
    ) -> Result<AdapterRecord, RegistrationFault> {
        let connecting = self.parts.connecting.as_ref().filter(|_| self.parts.rules.is_some());
        let connecting = connecting.ok_or(AdapterFault::Closed)?;
        let (guesser, now) = (peer.unwrap_or("unknown"), self.parts.clock.now());
        self.guesses.check(guesser, MOST_GUESSES, now)?;
        let digest = sha256(code);
        let Some(invitation) = self.good_invitation(&digest).await? else {
            self.guesses.failed(guesser, now);
            return Err(RegistrationFault::Invitation);
        };
        self.guesses.check(&digest, MOST_FAILURES, now)?;
        let department = DepartmentId::parse(&invitation.department).map_err(|_| StoreError::Corrupt("invitation"))?;
        if !self.knows(&department) {
            return Err(AdapterFault::Department.into());
        }
        let seen = match look_at(connecting, &self.parts.catalogue, document, &department).await {
            Ok(seen) => seen,
            Err(fault) => {
                self.guesses.failed(&digest, now);
                return Err(fault);
            }
        };
        let _alone = self.alone.lock().await;
        // Somebody else may have used it while the manifest was read.
        let invitation = self.good_invitation(&digest).await?.ok_or(RegistrationFault::Invitation)?;
        let record = self.draft(&invitation, department, document, seen, peer);
        let object = format!("adapter/{}/{}", record.id, record.state.as_str());
        let objects = [object.clone(), format!("endpoint/{}", record.endpoint)];
        let at = record.registered_at;
        let mut event = AccessEvent::new(self.parts.ids.next("ev"), at, Action::AdapterChanged, None, request_id);
        (event.peer, event.object, event.objects) = (peer, Some(object.as_str()), &objects);
        let used = InvitationRow { used: Some((at.as_microsecond(), record.id.clone())), ..invitation };
        let adapters =
            AdapterChanges { adapters: vec![record.to_row()?], invitations: vec![used], ..AdapterChanges::default() };
        self.parts.store.change(Changes { adapters, ..Changes::default() }, vec![event.to_row()?]).await?;
        self.replace(vec![record.clone()]);
        Ok(record)
    }

    async fn good_invitation(&self, digest: &str) -> Result<Option<InvitationRow>, StoreError> {
        let now = self.parts.clock.now().as_microsecond();
        let found = self.parts.store.invitation(digest).await?;
        Ok(found.filter(|row| row.used.is_none() && now < row.expires_at))
    }

    fn draft(
        &self,
        invitation: &InvitationRow,
        department: DepartmentId,
        document: &RegistrationDocument,
        seen: Seen,
        peer: Option<&str>,
    ) -> AdapterRecord {
        let Seen { manifest, datasets, pin, answer_key } = seen;
        let records = self.records();
        let own = records.iter().filter(|record| record.department == department);
        let number = own.map(|record| record.number).max().unwrap_or_default() + 1;
        let agreement = document.agreement.clone().unwrap_or_else(|| {
            let of = |count: u32| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
            let (per_second, burst) = (of(manifest.quota_per_second), of(manifest.quota_burst));
            Agreement { per_second, burst, ..Agreement::default() }
        });
        let next = document.next_pins.iter().filter(|next| **next != pin).cloned();
        AdapterRecord {
            id: format!("{department}-{number}"),
            department,
            number,
            endpoint: document.endpoint.trim_end_matches('/').to_owned(),
            version: document.version.clone(),
            name: Text::new(shown(&manifest.name_zh), shown(&manifest.name_en)),
            contact: shown(&manifest.contact),
            datasets,
            pins: std::iter::once(pin.clone()).chain(next).collect(),
            answer_key,
            report_key: document.report_key.clone(),
            state: AdapterState::Draft,
            notice: None,
            agreement,
            agreed: None,
            conformance: None,
            sustained_at: None,
            demotion: None,
            invited_by: invitation.invited_by.clone(),
            registered_from: peer.map(str::to_owned),
            registered_at: self.parts.clock.now(),
            steps: Vec::new(),
        }
    }
}

/// What was seen at an address.
struct Seen {
    manifest: Manifest,
    datasets: Vec<ServedDataset>,
    pin: KeyPin,
    answer_key: Option<AnswerKey>,
}

/// Reads the manifest at the address that is to be registered.
async fn look_at(
    connecting: &Connecting,
    catalogue: &Catalogue,
    document: &RegistrationDocument,
    department: &DepartmentId,
) -> Result<Seen, RegistrationFault> {
    check(document)?;
    let network = &connecting.network;
    let endpoint = Endpoint::parse(&document.endpoint).map_err(|error| egress_fault(&error))?;
    network.egress.check_endpoint(&endpoint).map_err(|error| egress_fault(&error))?;
    let (url, ca) = (format!("https://{}/v1/manifest", endpoint.authority()), network.ca.as_deref());
    let (ca, identity) = (ca.ok_or(AdapterFault::Closed)?, Some(network.identity.as_str()));
    let reading = Document::mutual(&network.egress, &url, ca, identity, &[], MAX_MANIFEST);
    let (body, pin) = reading.map_err(|error| fault(&error))?.read_with_pin().await.map_err(|error| fault(&error))?;
    let manifest: Manifest = serde_json::from_slice(&body).map_err(|_| not_an_adapter())?;
    let datasets = served(&manifest, department, &document.version, catalogue)?;
    let answer_key = manifest.answer_key.clone().map(AnswerKey::try_from).transpose().map_err(|_| {
        let zh = "适配器清单中的答复签名公钥（answer_key）不是一个 Ed25519 公钥 JWK。";
        finding(
            "/endpoint",
            "answer_key_refused",
            zh,
            "The manifest's `answer_key` is not one Ed25519 public key (JWK).",
        )
    })?;
    Ok(Seen { manifest, datasets, pin: pin.ok_or_else(certificate_fault)?, answer_key })
}

/// Whether a text has the form of a thumbprint (RFC 7638, SHA-256) and hides no identity number: it is kept in clear.
fn is_thumbprint(text: &str) -> bool {
    const CHARACTERS: usize = 43;
    let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    text.len() == CHARACTERS && text.bytes().all(is_base64url) && !IdNumber::is_in(text)
}

fn check(document: &RegistrationDocument) -> Result<(), RegistrationFault> {
    if document.next_pins.len() > MOST_NEXT_PINS {
        let (zh, en) = ("备用证书公钥至多 3 个。", "Give at most 3 further keys.");
        return Err(finding("/next_pins", "too_many", zh, en));
    }
    if document.report_key.as_ref().is_some_and(|key| !is_thumbprint(key)) {
        let (zh, en) = (
            "应为公钥指纹（RFC 7638），如 hedui adapter conform 所示。",
            "Give the thumbprint of a key (RFC 7638), as `hedui adapter conform` tells it.",
        );
        return Err(finding("/report_key", "invalid_value", zh, en));
    }
    match document.agreement.as_ref().map(Agreement::check) {
        Some(Err(fault)) => {
            let finding = Finding { pointer: "/agreement".to_owned(), code: "invalid_agreement", detail: fault.text() };
            Err(RegistrationFault::Invalid(vec![finding]))
        }
        _ => Ok(()),
    }
}

/// What a manifest serves, where it is this department's and serves all that the hub may ask of it.
fn served(
    manifest: &Manifest,
    department: &DepartmentId,
    version: &str,
    catalogue: &Catalogue,
) -> Result<Vec<ServedDataset>, RegistrationFault> {
    if manifest.adapter.id != department.as_str() {
        let zh = format!("该地址的适配器不属于受邀部门 {department}。");
        return Err(finding(
            "/endpoint",
            "other_department",
            &zh,
            &format!("The adapter there is not `{department}`'s, which the invitation is for."),
        ));
    }
    if manifest.adapter.version != version {
        let (zh, en) = ("该地址运行的是另一版本的连接文件。", "Another version of the connector is running there.");
        return Err(finding("/version", "other_version", zh, en));
    }
    let mut findings = Vec::new();
    for dataset in catalogue.datasets().iter().filter(|dataset| dataset.department == *department) {
        let found = manifest.datasets.iter().find(|served| served.id == dataset.id.as_str());
        let (code, zh, en) = match found {
            Some(served) if served.fact == dataset.fact.as_str() => continue,
            Some(_) => ("other_fact", "事实类型与目录不符", "is of another fact type than in the catalogue"),
            None => ("dataset_missing", "未提供目录中的数据集", "is in the catalogue and not served"),
        };
        let detail = Text::new(format!("{}：{zh}。", dataset.id), format!("`{}` {en}.", dataset.id));
        findings.push(Finding { pointer: "/endpoint".to_owned(), code, detail });
    }
    if !findings.is_empty() {
        return Err(RegistrationFault::Invalid(findings));
    }
    let own = manifest.datasets.iter().filter_map(|served| {
        let id = DatasetId::parse(&served.id).ok()?;
        catalogue.dataset(&id).is_some().then(|| ServedDataset { id, fact: served.fact.clone() })
    });
    Ok(own.collect())
}

/// A text of a manifest as it may be shown: short, and without what moves a terminal or a page.
fn shown(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(100).collect()
}

fn certificate_fault() -> RegistrationFault {
    finding(
        "/endpoint",
        "certificate_refused",
        "适配器的证书不可信：须由本平台 [registry] ca 所列机构签发，在有效期内，且写有该地址。",
        "The adapter's certificate is not believed: it must be of the authority of this hub's [registry] ca, in its time, and name this address.",
    )
}

fn not_an_adapter() -> RegistrationFault {
    finding(
        "/endpoint",
        "no_manifest",
        "该地址没有给出适配器清单（/v1/manifest）。",
        "The address does not answer with the manifest of an adapter (/v1/manifest).",
    )
}

fn egress_fault(error: &EgressError) -> RegistrationFault {
    match error {
        EgressError::Endpoint { why, .. } => finding(
            "/endpoint",
            "invalid_endpoint",
            "地址应写作 https://主机:端口，小写、无路径、无用户名。",
            &format!("Write https://host:port plainly: {why}."),
        ),
        EgressError::NotAllowed { .. } | EgressError::Never { .. } | EgressError::Own { .. } => finding(
            "/endpoint",
            "endpoint_not_allowed",
            "本平台不得连接该地址；请运维人员核对 [egress] allow。",
            "The hub may not connect there; let its operator look at [egress] allow.",
        ),
        EgressError::Unresolved { .. } | EgressError::Unreachable { .. } => finding(
            "/endpoint",
            "endpoint_unreachable",
            "该地址无法连接：请确认适配器已启动（hedui-adapter serve），且网络允许平台访问该地址和端口。",
            "The address cannot be connected to: is the adapter running (hedui-adapter serve), and may the hub reach that address and port?",
        ),
    }
}

/// What class of thing went wrong; never what stood there.
fn fault(error: &DocumentError) -> RegistrationFault {
    match error {
        DocumentError::Egress(error) => egress_fault(error),
        DocumentError::Tls(_) => certificate_fault(),
        DocumentError::Exchange(_) | DocumentError::Status(_) | DocumentError::Late => not_an_adapter(),
    }
}
