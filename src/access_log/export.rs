//! Taking a log out of its database: a folder in the layout of C2SP `tlog-tiles`, with proofs, a list of
//! digests, and a page that verifies it all in a browser without a network.

use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use serde::Serialize;

use crate::domain::hex::hex;
use crate::store::{EntryRow, LogReader, StoreError};
use crate::tlog::Hash;
use crate::tlog::checkpoint::SignedCheckpoint;
use crate::tlog::note::{NoteError, VerifierKey};
use crate::tlog::offline::OfflineProof;
use crate::tlog::proof::Plan;
use crate::tlog::tile::{TILE_WIDTH, TileCoordinate, TileError, TilePath, encode_bundle, encode_tile};
use crate::tlog::tree::Tree;

/// The page that verifies an exported log; `@VKEY@` stands for the public key.
const PAGE: &str = include_str!("export/verify.html");

/// Why a log or a proof cannot be taken out.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log has no head, or one that its key did not sign.
    #[error("the signed head of the log cannot be believed: {0}")]
    Head(#[from] NoteError),
    /// No head.
    #[error("the log has no signed head yet")]
    NoHead,
    /// The entry is not covered by the signed head yet.
    #[error("entry {index} is not signed yet: the head covers {signed} entries; a running hub signs every second")]
    NotSigned {
        /// The entry.
        index: u64,
        /// How many are.
        signed: u64,
    },
    /// The entries do not lead to the root that was signed.
    #[error("the entries do not lead to the root that was signed: run `hedui log verify`")]
    Altered,
    /// An entry that does not fit a bundle.
    #[error(transparent)]
    Tile(#[from] TileError),
    /// A file cannot be written.
    #[error("{} cannot be written: {source}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// What was taken out.
#[derive(Debug, Clone, Serialize)]
pub struct Exported {
    /// The log.
    pub origin: String,
    /// How many entries: those that the signed head covers.
    pub entries: u64,
    /// How many files were written.
    pub files: usize,
    /// How many proofs are among them.
    pub proofs: usize,
}

/// The signed head of a stored log, checked with `key`.
pub async fn signed_head(log: &LogReader, key: &VerifierKey) -> Result<SignedCheckpoint, ExportError> {
    let head = log.head().await?.ok_or(ExportError::NoHead)?;
    Ok(SignedCheckpoint::open(head.checkpoint.as_bytes(), key)?)
}

/// The offline proof of a stored entry under a signed head, made and checked.
pub async fn prove(log: &LogReader, head: &SignedCheckpoint, entry: &EntryRow) -> Result<OfflineProof, ExportError> {
    let (index, signed) = (entry.index, head.checkpoint().size);
    let plan = Plan::inclusion(index, signed).map_err(|_| ExportError::NotSigned { index, signed })?;
    let hashes = log.resolve(&plan).await?;
    let leaf = Hash::leaf(entry.body.as_bytes());
    crate::tlog::proof::check_inclusion(index, signed, leaf, &hashes, head.checkpoint().root)
        .map_err(|_| ExportError::Altered)?;
    Ok(OfflineProof { index, hashes, checkpoint: head.to_string() })
}

/// Writes the log that `head` covers into the empty or absent `folder`, with the proofs of `entries`.
pub async fn export(
    log: &LogReader,
    key: &VerifierKey,
    entries: &[EntryRow],
    folder: &Path,
) -> Result<Exported, ExportError> {
    let head = signed_head(log, key).await?;
    let size = head.checkpoint().size;
    let mut out = Folder { root: folder.to_owned(), digests: Vec::new() };
    let (mut tree, mut full, mut bundle) = (Tree::new(), Vec::new(), Vec::<Vec<u8>>::new());
    while tree.size() < size {
        let rows = log.entries(tree.size()).await?;
        if rows.is_empty() {
            return Err(ExportError::Altered);
        }
        for row in rows.into_iter().take(usize::try_from(size - tree.size()).unwrap_or(usize::MAX)) {
            tree.append(Hash::leaf(row.body.as_bytes()), &mut full);
            bundle.push(row.body.into_bytes());
            for tile in full.drain(..) {
                out.write(&hash_path(tile.coordinate, TILE_WIDTH), &encode_tile(&tile.hashes))?;
                if tile.coordinate.level == 0 {
                    out.bundle(tile.coordinate.index, &mut bundle)?;
                }
            }
        }
    }
    if tree.root() != head.checkpoint().root {
        return Err(ExportError::Altered);
    }
    for (level, edge) in (0_u8..).zip(tree.edges()).filter(|(_, edge)| !edge.is_empty()) {
        let index = (size >> (u32::from(level) * 8)) / TILE_WIDTH as u64;
        out.write(&hash_path(TileCoordinate { level, index }, edge.len()), &encode_tile(edge))?;
    }
    if !bundle.is_empty() {
        out.bundle(size / TILE_WIDTH as u64, &mut bundle)?;
    }
    // A witness cosigns the newest head or an earlier one: a cosignature on the newest stands in the checkpoint,
    // and what each witness cosigned last stands by itself besides.
    let mut cosigned = head.clone();
    for row in log.cosigned().await? {
        let witness = VerifierKey::parse(&row.witness)?;
        out.write(&format!("witness/{}.checkpoint", witness.id()), row.checkpoint.as_bytes())?;
        // One that the log's former key signed is of an earlier head.
        let kept = match SignedCheckpoint::open(row.checkpoint.as_bytes(), key) {
            Err(NoteError::Unsigned) => continue,
            kept => kept?,
        };
        if kept.checkpoint() == head.checkpoint() {
            let own = kept.note().signatures().iter().filter(|signature| signature.claims(&witness));
            own.for_each(|signature| cosigned.add(signature.clone()));
        }
    }
    out.write("checkpoint", cosigned.to_string().as_bytes())?;
    out.write("vkey", format!("{key}\n").as_bytes())?;
    for entry in entries {
        let proof = prove(log, &head, entry).await?;
        out.write(&format!("proofs/{}.json", entry.index), entry.body.as_bytes())?;
        out.write(&format!("proofs/{}.tlog-proof", entry.index), proof.to_string().as_bytes())?;
    }
    out.write("verify.html", PAGE.replace("@VKEY@", &key.to_string()).as_bytes())?;
    let lines: Vec<String> = out.digests.iter().map(|(digest, path)| format!("{digest}  {path}\n")).collect();
    let list = lines.concat();
    out.write("SHA256SUMS", list.as_bytes())?;
    Ok(Exported { origin: key.name().to_owned(), entries: size, files: out.digests.len(), proofs: entries.len() })
}

fn hash_path(coordinate: TileCoordinate, width: usize) -> String {
    format!("tile/{}", TilePath { entries: false, coordinate, width })
}

struct Folder {
    root: PathBuf,
    digests: Vec<(String, String)>,
}

impl Folder {
    fn bundle(&mut self, index: u64, bundle: &mut Vec<Vec<u8>>) -> Result<(), ExportError> {
        let coordinate = TileCoordinate { level: 0, index };
        let path = TilePath { entries: true, coordinate, width: bundle.len() };
        let bytes = encode_bundle(bundle.iter().map(Vec::as_slice))?;
        bundle.clear();
        self.write(&format!("tile/{path}"), &bytes)
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), ExportError> {
        let file = self.root.join(path);
        let failed = |source| ExportError::File { file: file.clone(), source };
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        std::fs::write(&file, bytes).map_err(failed)?;
        let mut context = Context::new(&SHA256);
        context.update(bytes);
        self.digests.push((hex(context.finish().as_ref()), path.to_owned()));
        Ok(())
    }
}
