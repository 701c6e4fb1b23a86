//! `conform`: tries the requirements of a level and writes the signed report; checks a report somebody hands over.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::Value;

use super::explore::cannot_write;
use super::{NO, OUTSIDE, Style, WRONG};
use crate::adapter::Overrides;
use crate::caller::{CallError, Caller, CallerPem};
use crate::clock::Clock;
use crate::conform::{self, ConformError, MAX_REPORT, Report, ReportKey, Verified, VerifyError, page};
use crate::error::Text;
use crate::secret::Secret;
use crate::words;

/// How a running adapter is called.
#[derive(Debug, Args)]
pub struct CallerArgs {
    /// The certificate that is shown to the running adapter, PEM.
    #[arg(long, value_name = "PEM")]
    pub cert: Option<PathBuf>,
    /// Its private key, PEM.
    #[arg(long, value_name = "PEM")]
    pub cert_key: Option<PathBuf>,
    /// The CA of the running adapter's own certificate, PEM.
    #[arg(long, value_name = "PEM")]
    pub ca: Option<PathBuf>,
}

/// Arguments of `conform`.
#[derive(Debug, Args)]
pub struct ConformArgs {
    /// The connector file.
    #[arg(required_unless_present = "verify")]
    pub file: Option<PathBuf>,
    /// URL of the source, instead of the variable or file that the connector names.
    #[arg(long, value_name = "URL")]
    pub source_url: Option<String>,
    /// The highest level to try: 0 reachable, 1 shaped, 2 meaning, 3 resilient, 4 private.
    #[arg(long, default_value_t = conform::HIGHEST, value_parser = clap::value_parser!(u8).range(0..=4))]
    pub level: u8,
    /// Look at the running adapter at this URL from outside, instead of one started on loopback. Needs --cert,
    /// --cert-key and --ca.
    #[arg(long, value_name = "URL", requires_all = ["cert", "cert_key", "ca"])]
    pub against: Option<String>,
    /// How the running adapter is called.
    #[command(flatten)]
    pub caller: CallerArgs,
    /// The folder for the report; by default that of the connector file.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The key that the report is signed with, made when there is none; by default `conformance.key` beside the
    /// connector file.
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Check the signature of a report, JSON or HTML, instead of making one.
    #[arg(long, value_name = "REPORT", conflicts_with_all = ["file", "against", "out", "key"])]
    pub verify: Option<PathBuf>,
    /// With --verify: the thumbprint of the key it must be signed with, as the department tells it.
    #[arg(long, value_name = "THUMBPRINT", requires = "verify")]
    pub signed_by: Option<String>,
}

impl CallerArgs {
    /// A caller of the adapter at `url`; `None` says that a certificate, key or CA was not given.
    pub(super) fn caller(&self, url: &str) -> Option<Result<Caller, CallError>> {
        let (cert, key, ca) = (self.cert.as_ref()?, self.cert_key.as_ref()?, self.ca.as_ref()?);
        let read =
            |path: &Path| std::fs::read(path).map_err(|cause| CallError::Unreadable { path: path.to_owned(), cause });
        let made = || {
            let pem = CallerPem { identity: Some((read(cert)?, read(key)?)), ca: read(ca)? };
            Caller::new(url, &pem)
        };
        Some(made())
    }
}

pub(super) async fn conform(args: ConformArgs, style: Style) -> u8 {
    if let Some(report) = &args.verify {
        return check(report, args.signed_by.as_deref(), style);
    }
    let Some(file) = &args.file else { return WRONG };
    let against = match args.against.as_deref().map(|url| (url, args.caller.caller(url))) {
        None | Some((_, None)) => None,
        Some((_, Some(Ok(caller)))) => Some(caller),
        Some((_, Some(Err(error)))) => {
            style.failed(error.code(), &error.text());
            return WRONG;
        }
    };
    let folder = file.parent().unwrap_or(Path::new("")).to_owned();
    let key_file = args.key.clone().unwrap_or_else(|| folder.join("conformance.key"));
    let (key, made) = match ReportKey::read_or_make(&key_file) {
        Ok(key) => key,
        Err(error) => {
            style.failed(error.code(), &error.text().about(&key_file.display().to_string()));
            return OUTSIDE;
        }
    };
    let overrides = Overrides { source_url: args.source_url.as_ref().map(Secret::new), ..Overrides::default() };
    let report = match Box::pin(conform::run(file, overrides, args.level, against, now())).await {
        Ok(report) => report,
        Err(ConformError::File(faults)) => {
            style.faults(&faults);
            return WRONG;
        }
        Err(error) => {
            style.failed("cannot_try", &error.text());
            return OUTSIDE;
        }
    };
    let signed = key.sign(&report);
    let out = args.out.unwrap_or(folder);
    let name = format!("{}.conformance", report.adapter.id);
    let (json_file, page_file) = (out.join(format!("{name}.json")), out.join(format!("{name}.html")));
    let html = page::page(&report, &signed, &key.id());
    let written = std::fs::create_dir_all(if out.as_os_str().is_empty() { Path::new(".") } else { &out })
        .map_err(|cause| (out.clone(), cause))
        .and_then(|()| write(&json_file, &format!("{signed:#}\n")))
        .and_then(|()| write(&page_file, &html));
    if let Err((path, cause)) = written {
        cannot_write(&path, &cause, style);
        return OUTSIDE;
    }
    style.conformed(&report, &signed, &[&json_file, &page_file], made.then_some((&key_file, &*key.id())));
    if report.level == Some(report.asked_level) { 0 } else { NO }
}

fn write(path: &Path, text: &str) -> Result<(), (PathBuf, std::io::Error)> {
    std::fs::write(path, text).map_err(|cause| (path.to_owned(), cause))
}

/// The time of the report, to the second.
fn now() -> jiff::Timestamp {
    let now = Clock::system().now();
    jiff::Timestamp::from_second(now.as_second()).unwrap_or(now)
}

fn check(file: &Path, signed_by: Option<&str>, style: Style) -> u8 {
    let text = match std::fs::metadata(file)
        .and_then(|found| if found.len() > 2 * MAX_REPORT as u64 { Ok(Vec::new()) } else { std::fs::read(file) })
    {
        Ok(text) => text,
        Err(cause) => {
            let path = file.display();
            style.failed(
                "report_unreadable",
                &Text::new(
                    format!("`{path}` 无法读取（{}）：核对路径和读取权限", words::of_system(&cause)),
                    format!("`{path}` cannot be read ({cause}): check the path and the permission to read it"),
                ),
            );
            return OUTSIDE;
        }
    };
    let is_page = text.trim_ascii_start().starts_with(b"<");
    let verified = match std::str::from_utf8(&text) {
        Ok(text) if is_page => page::verify_page(text),
        _ => conform::verify(&text),
    };
    let verified = verified.and_then(|verified| match signed_by {
        Some(key) if key != verified.key_id => Err(VerifyError::OtherKey),
        _ => Ok(verified),
    });
    match verified {
        Ok(verified) => {
            style.verified(&verified, signed_by.is_some());
            0
        }
        Err(error) => {
            style.failed(error.code(), &error.text());
            NO
        }
    }
}

impl Style {
    /// What came of the requirements, and where the report is.
    fn conformed(self, report: &Report, signed: &Value, files: &[&Path], made: Option<(&PathBuf, &str)>) {
        let mut lines = Vec::new();
        for result in &report.results {
            let mark = match result.outcome {
                conform::Outcome::Pass => "✓",
                conform::Outcome::Skip => "–",
                conform::Outcome::Fail | conform::Outcome::Error => "✗",
            };
            let colon = self.pick("：", ": ");
            let (title, what) = (result.title.pick(self.lang), result.what.pick(self.lang));
            let outcome = match result.outcome {
                conform::Outcome::Pass => String::new(),
                other => format!(" [{}]", other.text().pick(self.lang)),
            };
            lines.push(format!("{mark} {} {title}{outcome}{colon}{what}", result.id));
            if let Some(fix) = &result.fix {
                lines.push(format!("    {}{colon}{}", self.pick("修改", "to mend it"), fix.pick(self.lang)));
            }
        }
        lines.push(String::new());
        if let Some((file, id)) = made {
            let file = file.display();
            lines.push(match self.lang {
                super::Lang::Zh => {
                    format!("做了签名密钥 {file}（只有属主可读），指纹 {id}；请把指纹告诉平台，私钥留好")
                }
                super::Lang::En => format!(
                    "made the signing key {file} (readable by its owner only), thumbprint {id}; tell the hub the thumbprint and keep the key"
                ),
            });
        }
        if report.against.is_none() {
            lines.push(
                self.pick(
                    "! 这份报告没有对着运行中的适配器作出；登记到平台要用加了 --against 的报告",
                    "! this report was not taken from a running adapter; to register at a hub, make one with --against",
                )
                .to_owned(),
            );
        }
        let written: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        lines.push(format!("{} {}", self.pick("报告", "report"), written.join(", ")));
        lines.push(report.summary.pick(self.lang).to_owned());
        self.out(&lines.join("\n"), || signed.clone());
    }

    /// A report whose signature holds.
    fn verified(self, verified: &Verified, key_was_named: bool) {
        let Verified { report, key_id } = verified;
        let (id, version, made) = (&report.adapter.id, &report.adapter.version, report.made_at);
        let mut lines = vec![match self.lang {
            super::Lang::Zh => format!("✓ 签名有效：{id} {version}，{made}，密钥指纹 {key_id}"),
            super::Lang::En => format!("✓ the signature holds: {id} {version}, {made}, key thumbprint {key_id}"),
        }];
        if !key_was_named {
            lines.push(
                self.pick(
                    "! 没有指明是谁的密钥：与部门核对指纹，或加 --signed-by 指纹",
                    "! whose key it is was not said: compare the thumbprint with the department, or add --signed-by",
                )
                .to_owned(),
            );
        }
        match (&report.against, &report.certificate_key) {
            (Some(address), Some(key)) => lines.push(match self.lang {
                super::Lang::Zh => format!("对象 {address}，证书公钥 {key}"),
                super::Lang::En => format!("taken from {address}, certificate key {key}"),
            }),
            _ => lines.push(self.pick("不是对着运行中的适配器作的", "not taken from a running adapter").to_owned()),
        }
        lines.push(report.summary.pick(self.lang).to_owned());
        self.out(&lines.join("\n"), || {
            serde_json::json!({"key_id": key_id, "adapter": report.adapter, "level": report.level, "made_at": report.made_at,
                "against": report.against, "certificate_key": report.certificate_key,
                "connector_sha256": report.connector_sha256, "summary": report.summary})
        });
    }
}
