//! Secrets: named in a connector file, never written in it.
//!
//! A connector file is reviewed, copied and mailed; what opens a database must not be in it. The
//! file names an environment variable or another file, and this module reads that.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::error::Text;
use crate::words;

/// Where a secret is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretPlace {
    /// In the environment variable of this name.
    Env(String),
    /// In this file; a relative path starts at the folder of the connector file.
    File(PathBuf),
}

/// A secret text. It has no `Display`, and its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// Why a secret cannot be read. The secret itself is never part of it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable is not set, empty or not Unicode.
    #[error("the environment variable `{0}` is not set")]
    NotSet(String),
    /// The file cannot be read.
    #[error("the secret file `{path}` cannot be read: {cause}", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// The file holds nothing.
    #[error("the secret file `{path}` is empty", path = .0.display())]
    Empty(PathBuf),
}

impl SecretError {
    /// The error for people.
    pub fn text(&self) -> Text {
        let zh = match self {
            Self::NotSet(name) => format!("环境变量 `{name}` 没有设置"),
            Self::Unreadable { path, cause } => {
                format!("机密文件 `{}` 无法读取：{}", path.display(), words::of_system(cause))
            }
            Self::Empty(path) => format!("机密文件 `{}` 是空的", path.display()),
        };
        Text::new(zh, self.to_string())
    }
}

impl Secret {
    /// A secret from elsewhere: the command line of a trial.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret in clear, for the one who opens the source.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(hidden)")
    }
}

impl SecretPlace {
    /// Reads the secret; `folder` is that of the connector file.
    #[expect(
        clippy::disallowed_methods,
        reason = "the connector file names the variable; there is no other configuration"
    )]
    pub fn read(&self, folder: &Path) -> Result<Secret, SecretError> {
        match self {
            Self::Env(name) => match std::env::var(name) {
                Ok(value) if !value.trim().is_empty() => Ok(Secret(value.trim().to_owned())),
                _ => Err(SecretError::NotSet(name.clone())),
            },
            Self::File(path) => {
                let path = folder.join(path);
                match std::fs::read_to_string(&path) {
                    Ok(text) if !text.trim().is_empty() => Ok(Secret(text.trim().to_owned())),
                    Ok(_) => Err(SecretError::Empty(path)),
                    Err(cause) => Err(SecretError::Unreadable { path, cause }),
                }
            }
        }
    }
}

impl SecretPlace {
    /// The file with its mode, when every account of the machine may use it. Who is its group's is up to the one
    /// who keeps it.
    #[cfg(unix)]
    pub(crate) fn open_to_all(&self, folder: &Path) -> Option<(PathBuf, u32)> {
        use std::os::unix::fs::PermissionsExt as _;
        let Self::File(path) = self else { return None };
        let path = folder.join(path);
        // One that cannot be looked at cannot be read either, which is told by its name.
        let mode = std::fs::metadata(&path).ok()?.permissions().mode() & 0o777;
        (mode & 0o007 != 0).then_some((path, mode))
    }

    /// Only POSIX modes are looked at.
    #[cfg(not(unix))]
    pub(crate) fn open_to_all(&self, _folder: &Path) -> Option<(PathBuf, u32)> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_secret_file_that_every_account_may_read_is_noticed() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "x").unwrap();
        let place = SecretPlace::File("password".into());
        for (mode, open) in [(0o600, false), (0o640, false), (0o644, true), (0o606, true)] {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(place.open_to_all(folder.path()), open.then(|| (file.clone(), mode)), "{mode:o}");
        }
        assert_eq!(SecretPlace::Env("X".into()).open_to_all(folder.path()), None);
    }

    #[test]
    fn a_secret_is_read_from_the_file_beside_the_connector_and_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("url"), "sqlite:///srv/hrss.sqlite\n").unwrap();
        let secret = SecretPlace::File("url".into()).read(folder.path()).unwrap();
        assert_eq!(secret.reveal(), "sqlite:///srv/hrss.sqlite");
        assert!(!format!("{secret:?}").contains("hrss"));
    }

    #[test]
    fn what_is_not_there_is_said_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let error = SecretPlace::Env("HEDUI_NO_SUCH_VARIABLE_7".into()).read(folder.path()).unwrap_err();
        assert!(error.to_string().contains("HEDUI_NO_SUCH_VARIABLE_7"));
        std::fs::write(folder.path().join("empty"), " \n").unwrap();
        assert!(matches!(SecretPlace::File("empty".into()).read(folder.path()), Err(SecretError::Empty(_))));
        assert!(matches!(SecretPlace::File("none".into()).read(folder.path()), Err(SecretError::Unreadable { .. })));
    }
}
