//! The audit of a stored log, without the hub and without any secret: every leaf, every tile, every root,
//! every signature, every anchor. Says at which index the first thing is wrong, and what.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::domain::problem::Text;
use crate::store::{CosignedRow, EntryRow, LogReader, StoreError, TileRow};
use crate::tlog::Hash;
use crate::tlog::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::tlog::note::{NoteError, VerifierKey};
use crate::tlog::tile::{TileCoordinate, encode_tile};
use crate::tlog::tree::{FullTile, Tree};

/// Most faults that are listed; the first is what matters.
const MAX_FAULTS: usize = 20;

/// A checkpoint from elsewhere that the log must go on from.
#[derive(Debug, Clone)]
pub struct Anchor {
    /// Where it is from, for the report.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Something that is not as it was signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The first entry that is concerned; for a fault of a root, the first that can be.
    pub index: u64,
    /// Stable code.
    pub code: &'static str,
    /// What is wrong.
    pub detail: Text,
}

/// A head that a witness cosigned, kept with the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cosigned {
    /// The witness's public key.
    pub witness: String,
    /// How many entries it covers.
    pub size: u64,
    /// When it was cosigned, seconds since 1970.
    pub time: u64,
    /// Whether the key was given. Otherwise it came from the log itself, and proves nothing about who cosigned.
    pub is_key_given: bool,
}

/// An entry that says that one key of the log took the place of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyChange {
    /// The entry.
    pub index: u64,
    /// The public key of before.
    pub former: String,
    /// The public key from then on.
    pub current: String,
}

/// What an audit found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Nothing is wrong.
    pub is_intact: bool,
    /// The log, as its key names it.
    pub origin: String,
    /// The public key that the signatures were checked with.
    pub key: String,
    /// Where the log's key gave way to another one.
    pub key_changes: Vec<KeyChange>,
    /// Whether that key came from the log itself: then it proves nothing about who signed.
    pub is_key_from_log: bool,
    /// How many entries are there.
    pub entries: u64,
    /// How many of them the signed head covers.
    pub signed: u64,
    /// How many of them the anchors cover.
    pub anchored: Option<u64>,
    /// The newest head that each witness cosigned.
    pub cosigned: Vec<Cosigned>,
    /// The root over the entries that the head covers.
    pub root: Option<Hash>,
    /// The first thing that is wrong, lowest index first, at most 20.
    pub faults: Vec<Fault>,
}

/// Audits what is signed of a log that goes on meanwhile, resting after each stretch so that it costs the work little. `keys`
/// as for [`audit`].
pub async fn audit_slowly(log: &LogReader, keys: &[VerifierKey], rest: Duration) -> Result<Report, StoreError> {
    audit_as(log, keys, &[], &[], Some(rest)).await
}

/// Audits a log. `keys` are its key and those it had before, the newest first; without any, the one that the log names is
/// used. The head must be the newest key's: whoever has a former one could take the log back to where it signed. Elsewhere
/// a former key counts where an entry of the log says which key took its place. Every one of `witnesses` must have
/// cosigned it.
pub async fn audit(
    log: &LogReader,
    keys: &[VerifierKey],
    anchors: &[Anchor],
    witnesses: &[VerifierKey],
) -> Result<Report, StoreError> {
    audit_as(log, keys, anchors, witnesses, None).await
}

async fn audit_as(
    log: &LogReader,
    keys: &[VerifierKey],
    anchors: &[Anchor],
    witnesses: &[VerifierKey],
    rest: Option<Duration>,
) -> Result<Report, StoreError> {
    let head = log.head().await?;
    let is_key_from_log = keys.is_empty();
    let mut audit = Audit::default();
    let named = head.as_ref().map(|head| head.key.as_str());
    let mut keys = keys.to_vec();
    if is_key_from_log {
        keys.extend(named.and_then(|named| VerifierKey::parse(named).ok()));
    }
    let key = keys.first().cloned();
    if let (Some(key), Some(named)) = (&key, named)
        && named != key.to_string()
    {
        audit.fault(
            0,
            "foreign_key",
            format!("日志自称由 {named} 签署，不是所给的公钥。"),
            format!("the log says that {named} signs it, which is not the key that was given."),
        );
    }
    if head.is_none() {
        audit.fault(0, "no_head", "日志没有签名的头。", "the log has no signed head.");
    }
    let mut marks: BTreeMap<u64, Vec<(String, Checkpoint)>> = BTreeMap::new();
    let mut signed_size = 0;
    let mut anchored = None;
    let mut cosigned = Vec::new();
    if let Some(key) = &key {
        if let Some(head) = &head {
            match SignedCheckpoint::open(head.checkpoint.as_bytes(), key) {
                Ok(signed) => {
                    let checkpoint = signed.checkpoint().clone();
                    signed_size = checkpoint.size;
                    if head.size != checkpoint.size
                        || head.root != checkpoint.root.as_bytes()
                        || signed.to_string() != head.checkpoint
                    {
                        audit.fault(
                            0,
                            "head_altered",
                            "签名头的各列与其签名文本不符。",
                            "the columns of the signed head are not those of its signed text.",
                        );
                    }
                    marks.entry(checkpoint.size).or_default().push(("head".to_owned(), checkpoint));
                }
                Err(error) => audit.signature("日志的签名头", "the signed head of the log", &error),
            }
        }
        for anchor in anchors {
            match SignedCheckpoint::open_any(&anchor.bytes, &keys) {
                Ok(signed) => {
                    audit.signed_by(&anchor.name, &signed, &keys);
                    let checkpoint = signed.checkpoint().clone();
                    anchored = anchored.max(Some(checkpoint.size));
                    marks.entry(checkpoint.size).or_default().push((anchor.name.clone(), checkpoint));
                }
                Err(error) => {
                    audit.signature(&format!("锚点 {}", anchor.name), &format!("the anchor {}", anchor.name), &error);
                }
            }
        }
        for (found, checkpoint) in audit.cosigned(&log.cosigned().await?, &keys, witnesses) {
            marks.entry(found.size).or_default().push((format!("witness {}", found.witness), checkpoint));
            cosigned.push(found);
        }
    } else {
        audit.fault(
            0,
            "no_key",
            "没有可用的公钥：请用 --vkey 给出。",
            "there is no usable public key: give one with --vkey.",
        );
    }
    // What came after the head that was read is the next audit's.
    audit.entries(log, &mut marks, rest.map(|rest| (rest, signed_size))).await?;
    audit.former_keys();
    if rest.is_none() {
        audit.tiles(log).await?;
    }
    let entries = log.size().await?;
    for (size, checkpoints) in marks {
        for (name, _) in checkpoints {
            let zh = format!("{name} 签署时有 {size} 条，现在只有 {entries} 条：日志被截断或恢复成了旧状态。");
            let en = format!(
                "{size} entries were signed in {name} and {entries} are there: the log was cut, or a former state was restored."
            );
            audit.fault(entries, "cut", zh, en);
        }
    }
    audit.faults.sort_by_key(|fault| fault.index);
    audit.faults.truncate(MAX_FAULTS);
    Ok(Report {
        is_intact: audit.faults.is_empty(),
        origin: key.as_ref().map_or_else(String::new, |key| key.name().to_owned()),
        key: key.as_ref().map_or_else(String::new, ToString::to_string),
        key_changes: audit.key_changes,
        is_key_from_log,
        entries,
        signed: signed_size,
        anchored,
        cosigned,
        root: audit.signed_root,
        faults: audit.faults,
    })
}

/// How the object of an entry about a log key begins, as it stands in the entry.
const KEY_CHANGE: &str = "\"object\":\"log_key/";

/// The change of keys that an entry tells of.
fn key_change(row: &EntryRow) -> Option<KeyChange> {
    #[derive(Deserialize)]
    struct Told {
        action: String,
        objects: Vec<String>,
    }
    let told: Told = serde_json::from_str(&row.body).ok()?;
    let [former, current] = told.objects.try_into().ok()?;
    (told.action == "key_changed").then_some(KeyChange { index: row.index, former, current })
}

#[derive(Default)]
struct Audit {
    faults: Vec<Fault>,
    tree: Tree,
    /// Full tiles that the entries make and that are to be compared.
    full: Vec<FullTile>,
    /// How many full tiles the entries make.
    made: u64,
    /// How far roots are known to be good.
    good: u64,
    signed_root: Option<Hash>,
    /// Where a key gave way to another.
    key_changes: Vec<KeyChange>,
    /// What a former key signed: by what name it is known, and the key.
    former_heads: Vec<(String, String)>,
    /// The entries are no longer a sequence, so that no root over them means anything.
    is_broken: bool,
}

impl Audit {
    fn fault(&mut self, index: u64, code: &'static str, zh: impl Into<String>, en: impl Into<String>) {
        if self.faults.len() < 10 * MAX_FAULTS {
            self.faults.push(Fault { index, code, detail: Text::new(zh, en) });
        }
    }

    /// Remembers what a former key signed, for [`Self::key_changes`].
    fn signed_by(&mut self, name: &str, head: &SignedCheckpoint, keys: &[VerifierKey]) {
        let Some((current, former)) = keys.split_first() else { return };
        if head.note().verify(std::slice::from_ref(current)).is_err()
            && let Some(key) = former.iter().find(|key| head.note().verify(std::slice::from_ref(*key)).is_ok())
        {
            self.former_heads.push((name.to_owned(), key.to_string()));
        }
    }

    /// A former key counts only where the log itself says what took its place.
    fn former_keys(&mut self) {
        for (name, key) in std::mem::take(&mut self.former_heads) {
            if !self.key_changes.iter().any(|change| change.former == key) {
                let zh = format!("{name} 由旧公钥 {key} 签署，而日志中没有该公钥被替换的记录。");
                let en = format!(
                    "{name} was signed by the former key {key}, and no entry of the log says that it gave way to another."
                );
                self.fault(0, "key_change_missing", zh, en);
            }
        }
    }

    fn signature(&mut self, zh: &str, en: &str, error: &NoteError) {
        self.fault(
            0,
            "bad_signature",
            format!("{zh}不能相信：{error}。"),
            format!("{en} cannot be believed: {error}."),
        );
    }

    /// The heads that witnesses cosigned, each with its signatures checked.
    fn cosigned(
        &mut self,
        rows: &[CosignedRow],
        keys: &[VerifierKey],
        witnesses: &[VerifierKey],
    ) -> Vec<(Cosigned, Checkpoint)> {
        for witness in witnesses.iter().map(ToString::to_string) {
            if !rows.iter().any(|row| row.witness == witness) {
                let zh = format!("见证 {witness} 没有联署过该日志。");
                let en = format!("the witness {witness} has cosigned nothing of this log.");
                self.fault(0, "not_cosigned", zh, en);
            }
        }
        let mut found = Vec::new();
        for row in rows {
            let opened = VerifierKey::parse(&row.witness).and_then(|witness| {
                let head = SignedCheckpoint::open_any(row.checkpoint.as_bytes(), keys)?;
                let own = [witness];
                let time = head.witnesses(&own)?.first().and_then(|verified| verified.time);
                Ok((head.checkpoint().clone(), time.ok_or(NoteError::Unsigned)?))
            });
            let is_key_given = witnesses.iter().any(|witness| witness.to_string() == row.witness);
            match opened {
                Ok((checkpoint, time)) if checkpoint.size == row.size => {
                    let size = checkpoint.size;
                    found.push((Cosigned { witness: row.witness.clone(), size, time, is_key_given }, checkpoint));
                }
                Ok(_) => {
                    let (zh, en) = (
                        "联署的头的列与其签名文本不符。",
                        "the columns of a cosigned head are not those of its signed text.",
                    );
                    self.fault(0, "head_altered", zh, en);
                }
                Err(error) => {
                    let (zh, en) = (
                        format!("见证 {} 联署的头", row.witness),
                        format!("the head that the witness {} cosigned", row.witness),
                    );
                    self.signature(&zh, &en, &error);
                }
            }
        }
        found
    }

    /// Walks through all entries, growing the tree, and looks at each root that was signed.
    async fn entries(
        &mut self,
        log: &LogReader,
        marks: &mut BTreeMap<u64, Vec<(String, Checkpoint)>>,
        slowly: Option<(Duration, u64)>,
    ) -> Result<(), StoreError> {
        self.roots(marks);
        let mut next = 0;
        loop {
            let mut rows = log.entries(next).await?;
            if let Some((rest, until)) = slowly {
                rows.retain(|row| row.index < until);
                tokio::time::sleep(rest).await;
            }
            let Some(last) = rows.last() else { return Ok(()) };
            next = last.index.saturating_add(1);
            for row in rows {
                self.entry(&row);
                if self.is_broken {
                    continue;
                }
                self.tree.append(Hash::leaf(row.body.as_bytes()), &mut self.full);
                for tile in std::mem::take(&mut self.full) {
                    self.made += 1;
                    let stored = log.stored_tile(tile.coordinate).await?;
                    self.tile(&tile, stored.as_ref());
                }
                self.roots(marks);
            }
            if self.is_broken {
                marks.clear();
                return Ok(());
            }
        }
    }

    /// An entry is where it should be, is what its leaf hash says, and its columns are those of its text.
    fn entry(&mut self, row: &EntryRow) {
        #[derive(Deserialize)]
        struct Named<'a> {
            id: &'a str,
            at: Timestamp,
        }
        let expected = self.tree.size();
        if row.index != expected && !self.is_broken {
            let zh = format!("第 {expected} 条不见了，其后是第 {} 条。", row.index);
            let en = format!("entry {expected} is missing; the next one is {}.", row.index);
            self.fault(expected, "missing", zh, en);
            self.is_broken = true;
        }
        if Hash::leaf(row.body.as_bytes()).as_bytes().as_slice() != row.leaf {
            self.fault(
                row.index,
                "altered",
                "该条内容与其叶哈希不符：内容被改动。",
                "the entry is not what its leaf hash says: it was altered.",
            );
            return;
        }
        let is_named = serde_json::from_str::<Named<'_>>(&row.body)
            .is_ok_and(|named| named.id == row.id && named.at.as_microsecond() == row.at);
        if row.body.contains(KEY_CHANGE) {
            self.key_changes.extend(key_change(row));
        }
        if !is_named {
            self.fault(
                row.index,
                "columns_altered",
                "该条的编号或时间列与其内容不符。",
                "the id or time beside the entry is not the one in it.",
            );
        }
    }

    fn tile(&mut self, made: &FullTile, stored: Option<&TileRow>) {
        let TileCoordinate { level, index } = made.coordinate;
        let span = 1_u64.checked_shl(u32::from(level) * 8).unwrap_or(0);
        let first = index.saturating_mul(256).saturating_mul(span);
        let place = format!("tile/{level}/{index}");
        let Some(stored) = stored else {
            self.fault(first, "tile_missing", format!("缺少 {place}。"), format!("{place} is missing."));
            return;
        };
        let bytes = encode_tile(&made.hashes);
        if stored.hashes != bytes {
            let same =
                bytes.chunks(32).zip(stored.hashes.chunks(32)).take_while(|(made, stored)| made == stored).count();
            let at = first.saturating_add((same as u64).saturating_mul(span));
            let zh = format!("{place} 的哈希与条目不符：该条或哈希被改动。");
            let en = format!("a hash in {place} is not the one of the entries: the entry or the hash was altered.");
            self.fault(at, "tile_altered", zh, en);
        } else if stored.root != made.root.as_bytes() {
            self.fault(
                first,
                "tile_altered",
                format!("{place} 的根哈希被改动。"),
                format!("the root of {place} was altered."),
            );
        }
    }

    /// The roots that were signed over as many entries as there are so far.
    fn roots(&mut self, marks: &mut BTreeMap<u64, Vec<(String, Checkpoint)>>) {
        let size = self.tree.size();
        let Some(checkpoints) = marks.remove(&size) else { return };
        let root = self.tree.root();
        let mut is_good = true;
        for (name, checkpoint) in checkpoints {
            if name == "head" {
                self.signed_root = Some(root);
            }
            if checkpoint.root == root {
                continue;
            }
            is_good = false;
            let good = self.good;
            // What changed is at the first entry that is known to be wrong, or somewhere among these.
            let first = self
                .faults
                .iter()
                .filter(|fault| fault.code != "bad_signature")
                .map(|fault| fault.index)
                .find(|index| (good..size).contains(index));
            let zh = format!(
                "{name} 签署的是另外的前 {size} 条：第 {good} 到 {} 条之间有改动、换位或增删。",
                size.saturating_sub(1)
            );
            let en = format!(
                "{name} signed other first {size} entries: something was altered, moved, added or removed among {good} to {}.",
                size.saturating_sub(1)
            );
            self.fault(first.unwrap_or(good), "root", zh, en);
        }
        if is_good {
            self.good = size;
        }
    }

    /// Nothing is stored as a tile that the entries do not make.
    async fn tiles(&mut self, log: &LogReader) -> Result<(), StoreError> {
        let stored = log.stored_tiles().await?;
        if stored > self.made && !self.is_broken {
            let size = self.tree.size();
            let zh = format!("存有 {stored} 块瓦片，而条目只构成 {} 块。", self.made);
            let en = format!("{stored} tiles are stored and the entries make {}.", self.made);
            self.fault(size, "tile_without_entries", zh, en);
        }
        Ok(())
    }
}
