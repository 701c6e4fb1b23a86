//! The witness (T2; A8 to A11, A54): its protocol over the wire, and what a hub and its witness make of each other.

mod followed;
mod odd;
mod protocol;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hedui::app::witness::WitnessServer;
use hedui::config::WitnessConfig;
use hedui::simulate::keys::TrialKeys;
use hedui::tlog::Hash;
use hedui::tlog::checkpoint::{Checkpoint, SignedCheckpoint};
use hedui::tlog::note::{KeyKind, SignerKey, VerifierKey};
use hedui::tlog::proof::Plan;
use hedui::tlog::tile::TileCoordinate;
use hedui::tlog::tree::Tree;
use hedui::tlog::witness::AddCheckpoint;

use super::hub::write_secret;

const LOG: &str = "log.example/toy";

fn witness_key() -> SignerKey {
    // As good as drawn: a witness does not start with a key that repeats itself.
    let seed = std::array::from_fn(|index| u8::try_from((index * index * 7 + index * 3 + 11) % 251).unwrap());
    SignerKey::from_seed("witness.example/w1", KeyKind::Witness, &seed).unwrap()
}

/// A log of at most 256 entries, which may be told in two ways from some index on.
struct Toy {
    key: SignerKey,
    fork: u64,
}

impl Toy {
    fn new() -> Self {
        Self { key: SignerKey::from_seed(LOG, KeyKind::Log, &[4; 32]).unwrap(), fork: u64::MAX }
    }

    /// The same log, another history from this entry on.
    fn forked(at: u64) -> Self {
        Self { fork: at, ..Self::new() }
    }

    fn leaf(&self, number: u64) -> Hash {
        Hash::leaf(format!("{number} {}", number >= self.fork).as_bytes())
    }

    fn checkpoint(&self, size: u64) -> SignedCheckpoint {
        let (mut tree, mut full) = (Tree::new(), Vec::new());
        (0..size).for_each(|number| tree.append(self.leaf(number), &mut full));
        Checkpoint::new(LOG, size, tree.root()).sign(&self.key, 0)
    }

    fn proof(&self, old: u64, new: u64) -> Vec<Hash> {
        let tile = TileCoordinate { level: 0, index: 0 };
        let tiles = BTreeMap::from([(tile, (0..new).map(|number| self.leaf(number)).collect())]);
        Plan::consistency(old, new).unwrap().resolve(&tiles).unwrap()
    }

    fn request(&self, old: u64, new: u64) -> String {
        let checkpoint = self.checkpoint(new).to_string();
        AddCheckpoint { old, proof: self.proof(old, new), checkpoint }.to_string()
    }
}

/// Writes the files of a witness into `folder`: its key, and a configuration for these logs. With the keys of a
/// trial it speaks TLS.
fn configure(folder: &Path, address: &str, keys: Option<&TrialKeys>, logs: &[&VerifierKey]) -> PathBuf {
    std::fs::create_dir_all(folder).unwrap();
    write_secret(&folder.join("witness.key"), &witness_key().reveal());
    let tls = keys.map_or_else(String::new, |keys| {
        let (certificate, key) = (keys.server.display(), keys.server_key.display());
        format!("certificate = \"{certificate}\"\nprivate_key = \"{key}\"\n")
    });
    let logs: Vec<String> = logs.iter().map(ToString::to_string).collect();
    let text = format!(
        "address = \"{address}\"\n{tls}prefix = \"/w\"\nkey_file = \"witness.key\"\nstate = \"state\"\nlogs = {logs:?}\n"
    );
    let file = folder.join("witness.toml");
    std::fs::write(&file, text).unwrap();
    file
}

fn start(config: &Path) -> WitnessServer {
    WitnessServer::start(&WitnessConfig::load(config).unwrap()).unwrap()
}
