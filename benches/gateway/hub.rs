//! The contender: the shipped executable, as an operator would start it, on throw-away keys.

use std::fmt::Write as _;
use std::path::Path;

use hedui::simulate::keys::{TRIAL_AUDIENCE, TRIAL_ISSUER};

use super::backend::DEPARTMENTS;

/// Writes the configuration of a hub before the departments on `first_port`.
pub fn write_config(folder: &Path, port: u16, monitor_port: u16, first_port: u16) -> std::path::PathBuf {
    let mut text = format!(
        r#"
[listen]
address = "127.0.0.1:{port}"
certificate = "keys/server.pem"
private_key = "keys/server.key"
[monitor]
address = "127.0.0.1:{monitor_port}"
[store]
path = "hedui.sqlite"
[seal]
key_file = "keys/seal.key"
[auth]
audience = "{TRIAL_AUDIENCE}"
[[auth.issuer]]
name = "{TRIAL_ISSUER}"
public_key = "keys/issuer.pem"
algorithm = "ES256"
[rate_limit]
per_second = 1000000
burst = 1000000
[federation]
certificate = "keys/hub.pem"
private_key = "keys/hub.key"
"#
    );
    for (index, department) in DEPARTMENTS.iter().enumerate() {
        let port = first_port + u16::try_from(index).expect("six departments");
        write!(
            text,
            "[[adapter]]\ndepartment = \"{department}\"\nendpoint = \"https://127.0.0.1:{port}\"\nca = \"keys/ca.pem\"\nquota_per_second = 1000000\nquota_burst = 1000000\n"
        )
        .expect("writing to a string cannot fail");
    }
    let file = folder.join("hedui.toml");
    std::fs::write(&file, text).expect("the configuration is written");
    file
}
