//! Where a database is and how it is reached, from a URL or field by field.

use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use url::Url;

use super::super::OpenError;
use super::super::trouble::Whereabouts;
use crate::connector::{DatabasePlace, Driver, SqlInfo, TlsInfo};
use crate::secret::Secret;

/// Where the records are.
#[derive(Debug)]
pub(super) enum Endpoint {
    /// A file of `SQLite`, as the URL its driver reads.
    File(Secret),
    /// A server.
    Server(Box<Server>),
}

/// A database server.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) driver: Driver,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) database: String,
    pub(super) user: String,
    pub(super) password: Secret,
    pub(super) tls: TlsInfo,
}

impl Endpoint {
    /// The place a connector names. `url` stands in for it; relative paths start at `folder`.
    pub(super) fn of(info: &SqlInfo, url: Option<&Secret>, folder: &Path) -> Result<Self, OpenError> {
        let tls = TlsInfo {
            mode: info.tls.mode,
            ca: info.tls.ca.as_ref().map(|path| folder.join(path)),
            identity: info.tls.identity.as_ref().map(|(cert, key)| (folder.join(cert), folder.join(key))),
        };
        usable(&tls)?;
        match (&info.database, url) {
            (_, Some(url)) => Self::parse(url, tls),
            (DatabasePlace::Url(place), None) => Self::parse(&place.read(folder)?, tls),
            (DatabasePlace::Fields { driver, host, port, database, user, password }, None) => {
                Ok(Self::Server(Box::new(Server {
                    driver: *driver,
                    host: host.clone(),
                    port: port.unwrap_or(driver.port()),
                    database: database.clone(),
                    user: user.clone(),
                    password: password.read(folder)?,
                    tls,
                })))
            }
        }
    }

    fn parse(text: &Secret, tls: TlsInfo) -> Result<Self, OpenError> {
        let scheme = text.reveal().split(':').next().unwrap_or_default();
        let driver = match scheme {
            "sqlite" => return Ok(Self::File(text.clone())),
            "postgres" | "postgresql" => Driver::Postgres,
            "mariadb" | "mysql" => Driver::Mariadb,
            other => {
                let named = other.len() <= 20 && other.bytes().all(|byte| byte.is_ascii_lowercase());
                return Err(if named && other != text.reveal() {
                    OpenError::Scheme(other.to_owned())
                } else {
                    OpenError::Url
                });
            }
        };
        let url = Url::parse(text.reveal()).map_err(|_| OpenError::Url)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(OpenError::Options);
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(OpenError::Url)?;
        // An address of IPv6 stands in brackets in a URL only.
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let database = decoded(url.path().trim_start_matches('/')).ok_or(OpenError::Url)?;
        let user = decoded(url.username()).ok_or(OpenError::Url)?;
        let password = decoded(url.password().unwrap_or_default()).ok_or(OpenError::Url)?;
        if database.is_empty() || database.contains('/') || user.is_empty() {
            return Err(OpenError::Url);
        }
        let port = url.port().unwrap_or(driver.port());
        Ok(Self::Server(Box::new(Server { driver, host, port, database, user, password: Secret::new(password), tls })))
    }
}

/// Reads the files that TLS needs, so that one that is missing or empty is told by its name: the driver
/// would take an empty one for no CA at all.
fn usable(tls: &TlsInfo) -> Result<(), OpenError> {
    let certificates = [("tls_ca", tls.ca.as_ref()), ("tls_cert", tls.identity.as_ref().map(|(cert, _)| cert))];
    for (key, path) in certificates {
        let Some(path) = path else { continue };
        let failed = |cause: String| OpenError::TlsFile { key, path: path.clone(), cause };
        let mut found = CertificateDer::pem_file_iter(path).map_err(|error| failed(error.to_string()))?;
        match found.next() {
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(failed(error.to_string())),
            None => return Err(failed("PEM: no certificate".to_owned())),
        }
    }
    if let Some((_, path)) = &tls.identity {
        PrivateKeyDer::from_pem_file(path).map_err(|error| OpenError::TlsFile {
            key: "tls_key",
            path: path.clone(),
            cause: error.to_string(),
        })?;
    }
    Ok(())
}

impl Server {
    /// The path of its socket, when it is reached by one.
    pub(super) fn socket(&self) -> Option<PathBuf> {
        self.host.starts_with('/').then(|| PathBuf::from(&self.host))
    }

    /// As it may stand in a sentence.
    pub(super) fn whereabouts(&self) -> Whereabouts {
        Whereabouts {
            driver: Some(self.driver),
            host: self.host.clone(),
            port: if self.host.starts_with('/') { 0 } else { self.port },
            user: self.user.clone(),
            account: None,
            database: self.database.clone(),
        }
    }
}

/// Percent-decoded; `None` when that is no text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connector::TlsMode;

    fn parse(url: &str) -> Result<Endpoint, OpenError> {
        Endpoint::parse(&Secret::new(url), TlsInfo { mode: TlsMode::VerifyFull, ca: None, identity: None })
    }

    #[test]
    fn a_url_is_taken_apart_and_its_password_decoded() {
        let Ok(Endpoint::Server(server)) = parse("mysql://hedui:p%40ss%2Fword@db.example/%E4%BD%8F%E5%BB%BA") else {
            panic!("a server")
        };
        assert_eq!((server.driver, server.host.as_str(), server.port), (Driver::Mariadb, "db.example", 3306));
        assert_eq!((server.user.as_str(), server.password.reveal()), ("hedui", "p@ss/word"));
        assert_eq!(server.database, "住建");
        let Ok(Endpoint::Server(server)) = parse("postgres://u@[::1]:5433/d") else { panic!("a server") };
        assert_eq!((server.host.as_str(), server.port, server.password.reveal()), ("::1", 5433, ""));
    }

    #[test]
    fn a_url_that_is_not_whole_is_refused_without_being_repeated() {
        for url in [
            "postgres://hunter2@h/",
            "postgres://h/hunter2",
            "postgres:///hunter2",
            "hunter2",
            "postgres://u:hunter2@h:99999/d",
            "postgres://u:%zz@h/d",
            "oracle://u:hunter2@h/d",
            "postgres://u:hunter2@h/d?sslmode=disable",
        ] {
            let error = parse(url).unwrap_err();
            assert!(!error.text().en.contains("hunter2") && !error.text().zh.contains("hunter2"), "{url}: {error}");
        }
        assert!(matches!(parse("postgres://u:p@h/d?sslmode=disable"), Err(OpenError::Options)));
    }
}
