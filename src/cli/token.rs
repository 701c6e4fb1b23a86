//! `hedui token`: mint an access token with an issuer's private key, for trials.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use jsonwebtoken::{Algorithm, EncodingKey, Header};

use super::Global;
use super::obstacle::Obstacle;
use crate::auth::token::Claims;
use crate::domain::actor::Role;
use crate::domain::clock::{Clock, Randomness, SystemClock, SystemRandomness};
use crate::domain::dataset::DepartmentId;
use crate::domain::division::DivisionCode;
use crate::domain::purpose::Purpose;
use crate::service::ids::Ids;
use crate::simulate::keys::{TRIAL_AUDIENCE, TRIAL_ISSUER};

/// Arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  hedui token --key trial/keys/issuer.key --division 150000")]
pub struct Args {
    /// The issuer's private key, PEM (ES256).
    #[arg(long)]
    key: PathBuf,
    /// What the token carries in `iss`.
    #[arg(long, default_value = TRIAL_ISSUER)]
    issuer: String,
    /// What the token carries in `aud`.
    #[arg(long, default_value = TRIAL_AUDIENCE)]
    audience: String,
    /// The client's id.
    #[arg(long, default_value = "trial-caseworker")]
    client: String,
    /// The organisation the client acts for.
    #[arg(long, default_value = "试用民政局")]
    organisation: String,
    /// The division inside which the client may ask; 000000 is the whole country.
    #[arg(long, default_value = "000000")]
    division: String,
    /// The purposes for which it may ask; all by default.
    #[arg(long, value_delimiter = ',')]
    purposes: Vec<String>,
    /// What the client is: caseworker, officer, operator, administrator or department.
    #[arg(long, value_parser = role, default_value = "caseworker", conflicts_with = "officer")]
    role: Role,
    /// The department it acts for; with `--role department` alone.
    #[arg(long, value_name = "DEPARTMENT", required_if_eq("role", "department"))]
    department: Option<String>,
    /// The same as `--role officer`: looks at the access log and asks for no verification.
    #[arg(long)]
    officer: bool,
    /// How long the token lives, seconds; at most 600.
    #[arg(long, default_value_t = 600)]
    lifetime: i64,
}

/// Runs the command.
pub fn run(args: Args, global: &Global) -> anyhow::Result<ExitCode> {
    let key = std::fs::read(&args.key).with_context(|| {
        format!("the private key {} cannot be read; give the issuer's key with --key", args.key.display())
    })?;
    let department = args.department.as_deref().map(department).transpose()?;
    let is_department = !args.officer && args.role == Role::Department;
    if department.is_some() != is_department {
        bail!(Obstacle::new(
            "--department 只与 --role department 一起使用",
            "--department belongs to --role department and to no other"
        ));
    }
    let purposes = if is_department {
        Vec::new()
    } else if args.purposes.is_empty() {
        Purpose::ALL.to_vec()
    } else {
        purposes(&args.purposes)?
    };
    if !(1..=600).contains(&args.lifetime) {
        bail!("--lifetime must be 1 to 600 seconds: longer tokens are refused by every hub");
    }
    let token = mint(
        &key,
        &args.issuer,
        &args.audience,
        &Subject {
            client: &args.client,
            organisation: &args.organisation,
            division: DivisionCode::parse(&args.division)?,
            purposes,
            role: if args.officer { Role::Officer } else { args.role },
            department,
            lifetime: args.lifetime,
        },
    )?;
    let mut out = std::io::stdout().lock();
    if global.json {
        writeln!(
            out,
            "{}",
            serde_json::json!({ "access_token": token, "token_type": "Bearer", "expires_in": args.lifetime })
        )?;
    } else {
        writeln!(out, "{token}")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The role of this name, among those that hold tokens.
pub(super) fn role(name: &str) -> Result<Role, String> {
    let roles = Role::OF_CLIENTS;
    roles
        .into_iter()
        .find(|role| role.as_str() == name)
        .ok_or_else(|| format!("a role is one of {}", roles.map(Role::as_str).join(", ")))
}

/// The department of this name.
pub(super) fn department(name: &str) -> anyhow::Result<DepartmentId> {
    DepartmentId::parse(name).map_err(|error| {
        let name = name.escape_debug();
        let zh = format!("`{name}` 不是部门编号：应为 2 到 40 个小写字母、数字或下划线，以字母开头");
        Obstacle::new(zh, error.to_string()).into()
    })
}

/// The purposes of these names.
pub(super) fn purposes(names: &[String]) -> anyhow::Result<Vec<Purpose>> {
    let parse = |name: &String| {
        let all = || Purpose::ALL.map(Purpose::as_str).join(", ");
        Purpose::parse(name).with_context(|| format!("`{name}` is not a purpose; use one of {}", all()))
    };
    names.iter().map(parse).collect()
}

/// Whom a token is for.
pub struct Subject<'a> {
    /// The client's id.
    pub client: &'a str,
    /// The organisation it acts for.
    pub organisation: &'a str,
    /// The division inside which it may ask.
    pub division: DivisionCode,
    /// Its purposes.
    pub purposes: Vec<Purpose>,
    /// What it may do at all.
    pub role: Role,
    /// The department it acts for, in the role of one.
    pub department: Option<DepartmentId>,
    /// Seconds.
    pub lifetime: i64,
}

/// An access token (RFC 9068) signed with an ES256 key in PEM.
pub fn mint(key: &[u8], issuer: &str, audience: &str, subject: &Subject<'_>) -> anyhow::Result<String> {
    let clock = SystemClock;
    let now = clock.now().as_second();
    let randomness: std::sync::Arc<dyn Randomness> = std::sync::Arc::new(SystemRandomness);
    let claims = Claims {
        iss: issuer.to_owned(),
        sub: subject.client.to_owned(),
        aud: audience.into(),
        exp: now + subject.lifetime,
        iat: now,
        nbf: None,
        jti: Ids::new(std::sync::Arc::new(clock), randomness).next("tk"),
        client_id: subject.client.to_owned(),
        scope: subject.role.scope().unwrap_or_default().to_owned(),
        organisation: subject.organisation.to_owned(),
        division_code: subject.division,
        purposes: subject.purposes.clone(),
        role: subject.role,
        department: subject.department.clone(),
        cnf: None,
    };
    let header = Header { typ: Some("at+jwt".to_owned()), ..Header::new(Algorithm::ES256) };
    let key = EncodingKey::from_ec_pem(key).context("the private key is not an ES256 key in PEM (PKCS#8)")?;
    Ok(jsonwebtoken::encode(&header, &claims, &key)?)
}
