//! Settings of other regions' hubs: which divisions are this hub's own, which another hub answers for, and what that hub
//! may ask of this one.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::CheckAnswers;
use crate::domain::dataset::{DatasetId, DepartmentId, duration_text};
use crate::domain::division::DivisionCode;
use crate::domain::purpose::Purpose;
use crate::egress::KeyPin;

/// This hub among the hubs of other regions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peering {
    /// This hub's name, by which others know it: formed as a department's id, and no department's.
    pub name: DepartmentId,
    /// The divisions whose people its own departments answer for.
    pub divisions: Vec<DivisionCode>,
    /// Where other hubs ask this one; nobody is answered when absent.
    #[serde(default)]
    pub listen: Option<PeerListen>,
    /// The key its answers to other hubs are signed with: Ed25519, PEM. When absent it is derived from the sealing key.
    #[serde(default)]
    pub answer_key: Option<PathBuf>,
}

/// Where other hubs ask this one: mutual TLS only.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeerListen {
    /// Address and port.
    pub address: SocketAddr,
    /// Certificate chain, PEM.
    pub certificate: PathBuf,
    /// Private key, PEM.
    pub private_key: PathBuf,
    /// The authority of other hubs' certificates, PEM.
    pub client_ca: PathBuf,
}

/// A hub of another region.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Peer {
    /// Its name, as it calls itself.
    pub name: DepartmentId,
    /// What it answers for; nothing when absent.
    #[serde(default)]
    pub provides: Option<Provides>,
    /// What it may ask of this hub; nothing when absent.
    #[serde(default)]
    pub may_ask: Option<MayAsk>,
}

/// What another hub answers for, and how it is asked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provides {
    /// The divisions whose people its departments answer for.
    pub divisions: Vec<DivisionCode>,
    /// Its address: `https://…`, without path.
    pub endpoint: String,
    /// The authority that signed its certificate, PEM.
    pub ca: PathBuf,
    /// The keys that it may have; any that its authority vouches for when there are none.
    #[serde(default)]
    pub pins: Vec<KeyPin>,
    /// The public keys of its answers: a JWK set, a JWK, or PEM (Ed25519).
    pub answer_key: PathBuf,
    /// When the signature of an answer is verified.
    #[serde(default)]
    pub check_answers: CheckAnswers,
    /// How long one question may take. It asks its departments within that time.
    #[serde(default = "ask", with = "duration_text")]
    pub timeout: Duration,
    /// Questions a second it grants: one a department and household.
    #[serde(default = "super::defaults::quota_per_second")]
    pub quota_per_second: NonZeroU32,
    /// Questions at once it grants.
    #[serde(default = "super::defaults::quota_burst")]
    pub quota_burst: NonZeroU32,
    /// Questions that may be in flight to it at the same time, at most.
    #[serde(default = "super::defaults::in_flight")]
    pub in_flight: NonZeroU32,
    /// Whether a question may be asked a second time when its answer takes longer than most.
    #[serde(default = "super::defaults::hedge")]
    pub hedge: bool,
}

/// What another hub may ask of this one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MayAsk {
    /// The keys that its client certificate may have (SPKI, SHA-256): who shows no such key is not this hub.
    pub certificate_keys: Vec<KeyPin>,
    /// The public keys of its signed contexts: a JWK set, a JWK, or PEM (Ed25519).
    pub context_keys: PathBuf,
    /// The divisions whose people it may ask about; all of this hub's own when absent.
    #[serde(default)]
    pub divisions: Option<Vec<DivisionCode>>,
    /// What it may ask for.
    pub purposes: Vec<Purpose>,
    /// The datasets it may ask for; all of the catalogue when absent.
    #[serde(default)]
    pub datasets: Option<Vec<DatasetId>>,
    /// Questions a second, in the long run.
    #[serde(default = "super::defaults::quota_per_second")]
    pub quota_per_second: NonZeroU32,
    /// Questions at once.
    #[serde(default = "super::defaults::quota_burst")]
    pub quota_burst: NonZeroU32,
    /// Questions that may be under way at the same time; one more is refused.
    #[serde(default = "super::defaults::in_flight")]
    pub in_flight: NonZeroU32,
}

const fn ask() -> Duration {
    Duration::from_secs(6)
}

/// What contradicts itself in the settings of other hubs. `catalogue` is looked at where it is known, at start.
pub(super) fn check(peering: Option<&Peering>, peers: &[Peer]) -> Result<(), String> {
    let Some(own) = peering else {
        return if peers.is_empty() {
            Ok(())
        } else {
            Err("peer: [peering] with this hub's `name` and `divisions` is missing 缺少 [peering]：须写明本平台的名称 name 与辖区 divisions".to_owned())
        };
    };
    if own.divisions.is_empty() {
        return Err(
            "peering: name at least one division that is this hub's own 至少写明一个本平台的行政区划 divisions"
                .to_owned(),
        );
    }
    let mut names = vec![&own.name];
    for peer in peers {
        let name = &peer.name;
        if names.contains(&name) {
            return Err(format!("peer {name}: the name stands twice, or is this hub's own 名称重复，或与本平台相同"));
        }
        names.push(name);
        check_peer(peer, own)?;
    }
    let provided = peers.iter().filter_map(|peer| Some((&peer.name, &peer.provides.as_ref()?.divisions)));
    let all = std::iter::once((&own.name, &own.divisions)).chain(provided);
    let mut known: Vec<(&DepartmentId, DivisionCode)> = Vec::new();
    for (name, division) in all.flat_map(|(name, divisions)| divisions.iter().map(move |division| (name, *division))) {
        if let Some((other, _)) = known.iter().find(|(_, known)| *known == division) {
            return Err(format!(
                "division {division} is given to both `{other}` and `{name}`: a division has one hub that answers for it 行政区划 {division} 同时写给了 {other} 和 {name}：一个区划只能由一个平台答复"
            ));
        }
        known.push((name, division));
    }
    Ok(())
}

fn check_peer(peer: &Peer, own: &Peering) -> Result<(), String> {
    let name = &peer.name;
    if peer.provides.is_none() && peer.may_ask.is_none() {
        return Err(format!(
            "peer {name}: give [peer.provides], [peer.may_ask], or both 至少写明 [peer.provides] 或 [peer.may_ask]"
        ));
    }
    if let Some(provides) = &peer.provides {
        if provides.divisions.is_empty() {
            return Err(format!("peer {name}: `provides.divisions` names no division 没有写明任何行政区划"));
        }
        if provides.timeout.is_zero() {
            return Err(format!("peer {name}: `provides.timeout` must be more than nothing 必须大于零"));
        }
    }
    let Some(may_ask) = &peer.may_ask else { return Ok(()) };
    if own.listen.is_none() {
        return Err(format!(
            "peer {name}: it may ask, but there is no [peering.listen] where it could 该平台可以查询，但没有 [peering.listen] 监听地址"
        ));
    }
    if may_ask.certificate_keys.is_empty() || may_ask.purposes.is_empty() {
        return Err(format!(
            "peer {name}: `may_ask` names at least one of `certificate_keys` and of `purposes` 至少写明一个 certificate_keys 和一个 purposes"
        ));
    }
    let is_own = |division: &DivisionCode| own.divisions.iter().any(|around| division.is_inside(*around));
    match may_ask.divisions.iter().flatten().find(|division| !is_own(division)) {
        None => Ok(()),
        Some(foreign) => Err(format!(
            "peer {name}: `may_ask.divisions` has {foreign}, which is not this hub's own: a question is never sent on 不属于本平台的辖区：查询从不转交"
        )),
    }
}

impl Peering {
    /// The files its settings name.
    pub(super) fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let listen = self.listen.iter_mut();
        let of_listen = listen.flat_map(|own| [&mut own.certificate, &mut own.private_key, &mut own.client_ca]);
        of_listen.chain(&mut self.answer_key)
    }
}

impl Peer {
    /// The files its settings name.
    pub(super) fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let provides = self.provides.iter_mut().flat_map(|own| [&mut own.ca, &mut own.answer_key]);
        provides.chain(self.may_ask.iter_mut().map(|own| &mut own.context_keys))
    }
}
