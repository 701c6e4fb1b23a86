//! `new`, `discover` and `diff`: a connector file begins, grows and changes.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::beginning::{authority, delivered, served};
use super::{FileArgs, NO, OUTSIDE, Style, WRONG, service};
use crate::adapter::{Adapter, LoadError, Overrides};
use crate::connector::{Connector, Driver, SourceInfo, is_name, name_form};
use crate::difference;
use crate::error::Text;
use crate::facts::{FACT_TYPES, fact_type};
use crate::ledger::Ledger;
use crate::proposal::{Known, Taken, propose};
use crate::source::{Relation, Trouble, of_answer};
use crate::text::TextEncoding;
use crate::words;

/// Arguments of `new`.
#[derive(Debug, Args)]
pub struct NewArgs {
    /// The file to write; an existing one is not overwritten.
    pub file: PathBuf,
    /// Where the records are: a kind of database, a folder that files are delivered into, or a service that answers in
    /// JSON (http) or in XML (soap).
    #[arg(long, value_enum, visible_alias = "from")]
    pub driver: Option<DriverArg>,
    /// The department's id in the catalogue, such as `housing`.
    #[arg(long)]
    pub id: Option<String>,
    /// The department's name in Chinese.
    #[arg(long)]
    pub name_zh: Option<String>,
    /// The department's name in English.
    #[arg(long)]
    pub name_en: Option<String>,
    /// Whom to call when the adapter is down; callers see it.
    #[arg(long)]
    pub contact: Option<String>,
    /// Name or address of the database's machine. For `SQLite` the path of the file: the command that sets the
    /// variable to it is printed, and written into the file as a comment.
    #[arg(long)]
    pub host: Option<String>,
    /// The folder that files are delivered into.
    #[arg(long)]
    pub folder: Option<String>,
    /// Encoding of the delivered files or of the service's messages, `utf-8` or `gb18030`.
    #[arg(long, default_value = "gb18030")]
    pub encoding: String,
    /// Address of the service, https.
    #[arg(long)]
    pub url: Option<String>,
    /// How one shows the service who asks: signed, hmac, oauth2, mtls or none.
    #[arg(long)]
    pub auth: Option<String>,
    /// Port of the database; the usual one of its kind when absent. A service's stands in its address.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: Option<u16>,
    /// The authority of the database's or service's certificate, PEM: a CA of its own, or a self-signed certificate. A path
    /// from the folder of the connector file, or a whole one.
    #[arg(long, value_name = "PEM")]
    pub tls_ca: Option<String>,
    /// Name of the database.
    #[arg(long)]
    pub database: Option<String>,
    /// The account, which should be able to read only.
    #[arg(long)]
    pub user: Option<String>,
    /// Environment variable that holds the password, or the URL of a `SQLite` file.
    #[arg(long, value_name = "VARIABLE")]
    pub secret_env: Option<String>,
    /// Ask nothing: what is not given here is an error.
    #[arg(long)]
    pub non_interactive: bool,
}

/// Where records are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DriverArg {
    /// `PostgreSQL`.
    Postgres,
    /// `MariaDB` or `MySQL`.
    Mariadb,
    /// A file of `SQLite`.
    Sqlite,
    /// A folder of delivered files.
    File,
    /// A service that answers in XML.
    Soap,
    /// A service that answers in JSON.
    Http,
}

/// Arguments of `discover`.
#[derive(Debug, Args)]
pub struct DiscoverArgs {
    /// The connector file, which need not have a dataset yet, and its source.
    #[command(flatten)]
    pub connector: FileArgs,
    /// Only tables and views whose name contains this; of a service, only the list at this path.
    #[arg(long, value_name = "TEXT")]
    pub table: Option<String>,
    /// Of a service of XML: an answer about a test person, kept in a file. The service is not asked.
    #[arg(long, value_name = "FILE")]
    pub answer: Option<PathBuf>,
    /// Of a service: the request to make about a test person, as `request` of a dataset has it, such as
    /// `{ path = "/house", json = { sfzh = ":id_number" } }`.
    #[arg(long, value_name = "TOML")]
    pub request: Option<String>,
    /// Of a service: the identity number of the test person; `-` reads it from standard input.
    #[arg(long, value_name = "NUMBER")]
    pub id_number: Option<String>,
    /// Of a service: the name of the test person.
    #[arg(long, default_value = "")]
    pub name: String,
    /// The column of the identity number, where it is not found by its name or form.
    #[arg(long, value_name = "COLUMN")]
    pub subject: Option<String>,
    /// The column of the person's name, where it is not found by its name.
    #[arg(long, value_name = "COLUMN")]
    pub name_column: Option<String>,
    /// Propose datasets of this fact type.
    #[arg(long, value_name = "TYPE")]
    pub fact: Option<String>,
    /// Append what is proposed to the file.
    #[arg(long)]
    pub append: bool,
}

/// Arguments of `diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The file as it was.
    pub old: PathBuf,
    /// The file as it is to be.
    pub new: PathBuf,
}

pub(super) fn begin(args: NewArgs, style: Style) -> u8 {
    let questions = Questions { ask: !args.non_interactive && std::io::stdin().is_terminal(), style };
    match written(&args, &questions) {
        Ok(Begun { text, export }) => {
            let file = std::fs::OpenOptions::new().write(true).create_new(true).open(&args.file);
            if let Err(cause) = file.and_then(|mut file| file.write_all(text.as_bytes())) {
                not_begun(&args.file, &cause, style);
                return OUTSIDE;
            }
            style.began(&args.file, export.as_deref());
            0
        }
        Err(Unanswered::Missing(flag)) => {
            style.failed(
                "answer_missing",
                &Text::new(
                    format!("缺少 --{flag}：补上，或在终端里不带 --non-interactive 运行"),
                    format!("--{flag} is missing: give it, or run this in a terminal without --non-interactive"),
                ),
            );
            WRONG
        }
        Err(Unanswered::Wrong { code, what }) => {
            style.failed(code, &what);
            WRONG
        }
    }
}

fn not_begun(file: &Path, cause: &std::io::Error, style: Style) {
    let path = file.display();
    if cause.kind() == std::io::ErrorKind::AlreadyExists {
        let what = Text::new(
            format!(
                "`{path}` 已经有了，不覆盖：换个文件名，或先把它移走；只想加数据集时运行 hedui-adapter discover {path} --append"
            ),
            format!(
                "`{path}` is there already and is not overwritten: give another name, or move it away; to add datasets to it, run hedui-adapter discover {path} --append"
            ),
        );
        return style.failed("file_exists", &what);
    }
    cannot_write(file, cause, style);
}

pub(super) fn cannot_write(file: &Path, cause: &std::io::Error, style: Style) {
    let path = file.display();
    let what = Text::new(
        format!("`{path}` 写不成（{}）：核对文件夹在不在、能不能写、磁盘满没满", words::of_system(cause)),
        format!(
            "`{path}` cannot be written ({cause}): check that its folder is there, that you may write to it, and that the disk is not full"
        ),
    );
    style.failed("cannot_write", &what);
}

/// Why a file is not begun.
pub(super) enum Unanswered {
    /// What this flag asks for was not said.
    Missing(&'static str),
    /// What was said cannot be used.
    Wrong { code: &'static str, what: Text },
}

/// A connector file that is about to be written.
struct Begun {
    text: String,
    /// The command that puts the URL of a `SQLite` file where the connector file looks for it.
    export: Option<String>,
}

struct Questions {
    ask: bool,
    style: Style,
}

impl Questions {
    /// The answer given by a flag, else typed in.
    fn answer(&self, flag: &'static str, given: Option<&String>, zh: &str, en: &str) -> Result<String, Unanswered> {
        if let Some(given) = given.filter(|given| !given.trim().is_empty()) {
            return Ok(given.trim().to_owned());
        }
        if !self.ask {
            return Err(Unanswered::Missing(flag));
        }
        let mut error = std::io::stderr().lock();
        // A terminal that is gone gives no answer either.
        drop(write!(error, "{}: ", self.style.pick(zh, en)).and_then(|()| error.flush()));
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        let line = line.trim();
        if read.is_err() || line.is_empty() { Err(Unanswered::Missing(flag)) } else { Ok(line.to_owned()) }
    }
}

/// What was said that this kind of source has no use for: rather told than left out.
fn unused(args: &NewArgs, driver: DriverArg) -> Result<(), Unanswered> {
    let (flag, zh, en) = match driver {
        DriverArg::Http | DriverArg::Soap if args.port.is_some() => {
            ("port", "网络服务的端口写在 --url 里", "a service's port stands in --url")
        }
        DriverArg::Sqlite | DriverArg::File if args.port.is_some() => {
            ("port", "SQLite 文件和交换文件夹没有端口", "a file of SQLite and a folder of deliveries have no port")
        }
        DriverArg::Sqlite | DriverArg::File if args.tls_ca.is_some() => (
            "tls-ca",
            "SQLite 文件和交换文件夹不经网络",
            "a file of SQLite and a folder of deliveries are not on a network",
        ),
        _ => return Ok(()),
    };
    let what =
        Text::new(format!("--{flag} 用不上：{zh}；去掉它"), format!("--{flag} is of no use here: {en}; leave it out"));
    Err(Unanswered::Wrong { code: "flag_unused", what })
}

fn written(args: &NewArgs, questions: &Questions) -> Result<Begun, Unanswered> {
    let answer = |flag, given: &Option<String>, zh: &str, en: &str| questions.answer(flag, given.as_ref(), zh, en);
    let driver = match args.driver {
        Some(driver) => driver,
        None => match answer(
            "driver",
            &None,
            "数据在哪里 (postgres/mariadb/sqlite/file/http/soap)",
            "where the records are (postgres/mariadb/sqlite/file/http/soap)",
        )?
        .as_str()
        {
            "postgres" => DriverArg::Postgres,
            "mariadb" | "mysql" => DriverArg::Mariadb,
            "sqlite" => DriverArg::Sqlite,
            "file" => DriverArg::File,
            "soap" => DriverArg::Soap,
            "http" => DriverArg::Http,
            _ => return Err(Unanswered::Missing("driver")),
        },
    };
    let id = answer("id", &args.id, "部门标识，如 housing", "the department's id, such as housing")?;
    if !is_name(&id) {
        let form = name_form();
        let what = Text::new(
            format!("--id `{id}` 不是部门标识：{}", form.zh),
            format!("--id `{id}` is not a department id: {}", form.en),
        );
        return Err(Unanswered::Wrong { code: "adapter_id", what });
    }
    let zh = answer("name-zh", &args.name_zh, "部门中文名", "the department's name in Chinese")?;
    let en = answer("name-en", &args.name_en, "部门英文名", "the department's name in English")?;
    let contact = answer("contact", &args.contact, "联系方式（停机时给调用方看）", "whom to call when it is down")?;
    let secret =
        |default: &str| args.secret_env.clone().unwrap_or_else(|| format!("HEDUI_{}_{default}", id.to_uppercase()));
    unused(args, driver)?;
    let ca = args.tls_ca.as_deref();
    let mut export = None;
    let source = match driver {
        DriverArg::Soap => {
            let url = answer("url", &args.url, "服务地址（https://…）", "address of the service (https://…)")?;
            served((&url, ca), &args.encoding, &secret("KEY"))
        }
        DriverArg::File => {
            let folder = answer("folder", &args.folder, "交换文件夹的路径", "path of the folder of deliveries")?;
            delivered(&folder, &args.encoding)
        }
        DriverArg::Http => {
            let url = answer("url", &args.url, "服务的地址 https://…", "address of the service, https://…")?;
            let auth = answer(
                "auth",
                &args.auth,
                "如何表明身份 (signed/hmac/oauth2/mtls/none)",
                "how one shows who asks (signed/hmac/oauth2/mtls/none)",
            )?;
            service::source((&url, ca), &auth, &id)?
        }
        DriverArg::Sqlite => {
            let variable = secret("DATABASE");
            let file = match &args.host {
                None if !questions.ask => None,
                host => Some(answer("host", host, "SQLite 文件的路径", "path of the SQLite file")?),
            };
            let url = file.as_deref().map(sqlite_url);
            export = url.as_ref().map(|url| format!("export {variable}='{}'", url.replace('\'', "'\\''")));
            let example = url.as_deref().unwrap_or("sqlite:///srv/data.sqlite");
            format!(
                "kind = \"sql\"\nurl = {{ env = {} }}   # 该变量的内容 · the variable holds: {example}\n",
                quoted(&variable)
            ) + BOUNDS
        }
        DriverArg::Postgres | DriverArg::Mariadb => {
            let host = answer("host", &args.host, "数据库主机", "the database's machine")?;
            let database = answer("database", &args.database, "数据库名", "name of the database")?;
            let user = answer("user", &args.user, "只读账号", "account that can only read")?;
            let server = if driver == DriverArg::Postgres { Driver::Postgres } else { Driver::Mariadb };
            let name = if server == Driver::Postgres { "postgres" } else { "mariadb" };
            format!(
                "kind = \"sql\"\ndriver = \"{name}\"\nhost = {}\n{}\ndatabase = {}\nuser = {}\n\
                 password = {{ env = {} }}   # 或 or {{ file = \"路径 path\" }}；不写在本文件里 · never in this file\n\
                 # tls = \"verify-full\"             # \"verify-ca\" 不核对主机名 any host name；\"off\" 不加密 not encrypted\n\
                 {}# 自建 CA 或自签证书 · a CA of your own, or a self-signed certificate\n",
                quoted(&host),
                args.port.map_or_else(|| format!("# port = {}", server.port()), |port| format!("port = {port}")),
                quoted(&database),
                quoted(&user),
                quoted(&secret("PASSWORD")),
                authority(ca, "# tls_ca = \"ca.pem\"                ")
            ) + BOUNDS
        }
    };
    let text = format!(
        "# 接入文件，写法见 connectors/README.md · the connector file, explained in connectors/README.md\n\
         schema = \"hedui.connector/1\"\n\
         quota = {{ per_second = 50, burst = 100 }}   # 贵部门同意回答多少 · what you agree to answer\n\n[adapter]\nid = {id}\n\
         version = \"1.0.0\"                 # 改了映射就换 · change it with the mapping\n\
         name = {{ zh = {zh}, en = {en} }}\ncontact = {contact}\n\n[source]\n{source}\
         # 数据集：hedui-adapter discover 提出草稿 · datasets: hedui-adapter discover proposes them\n",
        id = quoted(&id),
        zh = quoted(&zh),
        en = quoted(&en),
        contact = quoted(&contact),
    );
    Ok(Begun { text, export })
}

/// What a database is held to, in a new file.
const BOUNDS: &str = "statement_timeout = \"2s\"          # 数据库自己计时，到时停止 · kept by the database itself\n\
     max_connections = 4\n\
     max_rows = 5000                   # 超出即报错，不截断 · more is an error, never a short list\n\n\
     # [source.explain]\n\
     # max_full_scan = 10000           # 行数更多的表不许从头读到尾 · a larger table is not read from end to end\n\n";

/// The URL of a `SQLite` file, from wherever it is read; what a URL or a comment would end at is percent-encoded.
fn sqlite_url(file: &str) -> String {
    let whole = std::path::absolute(file).unwrap_or_else(|_| file.into());
    whole.to_string_lossy().chars().fold("sqlite://".to_owned(), |url, character| match character {
        '%' | '?' | '\0'..=' ' | '\x7f' => url + &format!("%{:02X}", u32::from(character)),
        other => url + other.encode_utf8(&mut [0; 4]),
    })
}

/// A text of TOML.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

pub(super) async fn discover(args: DiscoverArgs, style: Style) -> u8 {
    if let Some(fact) = &args.fact
        && fact_type(fact).is_none()
    {
        let known = FACT_TYPES.map(|fact| fact.name).join(", ");
        style.failed("fact_unknown", &Text::new(format!("事实类型只有：{known}"), format!("fact types are {known}")));
        return WRONG;
    }
    let file = &args.connector.file;
    let connector = match Connector::read_beginning(file) {
        Ok(connector) => connector,
        Err(faults) => return style.unloaded(&LoadError::from(faults)),
    };
    let id = connector.adapter.id.clone();
    let relations = match relations(&args, connector, style).await {
        Ok(relations) => relations,
        Err(code) => return code,
    };
    let taken = std::fs::read_to_string(file).map(|text| Taken::of(&text)).unwrap_or_default();
    let mut taken = if args.append { taken } else { taken.ids_only() };
    let known = Known {
        fact: args.fact.as_deref(),
        request: args.request.as_deref(),
        subject: args.subject.as_deref(),
        name: args.name_column.as_deref(),
    };
    let found: Vec<_> = relations
        .into_iter()
        .map(|relation| {
            let proposal = propose(&id, &relation, known, &mut taken);
            (relation, proposal)
        })
        .collect();
    let proposed = || found.iter().filter_map(|(_, proposal)| proposal.as_ref().ok());
    let none = proposed().next().is_none();
    if args.append && !none {
        let text = proposed().fold(String::new(), |text, proposal| text + "\n" + &proposal.toml);
        let appended =
            std::fs::OpenOptions::new().append(true).open(file).and_then(|mut file| file.write_all(text.as_bytes()));
        if let Err(cause) = appended {
            cannot_write(file, &cause, style);
            return OUTSIDE;
        }
    }
    style.discovered(file, &found, args.append);
    if none { NO } else { 0 }
}

/// What there is in the source of a file, of what is wanted.
async fn relations(args: &DiscoverArgs, connector: Connector, style: Style) -> Result<Vec<Relation>, u8> {
    let wanted =
        |name: &str| args.table.as_ref().is_none_or(|table| name.to_lowercase().contains(&table.to_lowercase()));
    if let SourceInfo::Soap(info) = &connector.source {
        // The service is not asked, so that nothing it wants to see has to be there yet.
        if let Some(kept) = &args.answer {
            return Ok(vec![answered(kept, info.encoding, style)?]);
        }
        let file = connector.file.display();
        let what = Text::new(
            format!(
                "XML 接口不会列出自己的字段：把一份对测试人员的答复存成文件，运行 hedui-adapter discover {file} --answer 答复.xml --append"
            ),
            format!(
                "a service of XML does not list its fields: keep an answer about a test person in a file, and run hedui-adapter discover {file} --answer answer.xml --append"
            ),
        );
        style.failed("answer_missing", &what);
        return Err(WRONG);
    }
    let overrides = Overrides { ledger: Ledger::Silent, ..args.connector.overrides() };
    let adapter = Adapter::new(connector, overrides).map_err(|error| style.unloaded(&error))?;
    let found = match adapter.source().service() {
        Some(source) => {
            let probe = service::request(args, adapter.connector(), style)?;
            source.explore(&probe.ask, (&probe.id_number, &args.name), args.table.as_deref()).await
        }
        None => adapter.source().relations(wanted).await,
    };
    adapter.close().await;
    let mut relations = found.map_err(|error| {
        style.refused(&error);
        OUTSIDE
    })?;
    relations.retain(|relation| wanted(&relation.name));
    Ok(relations)
}

/// The records of an answer that was kept in a file.
fn answered(file: &Path, usual: TextEncoding, style: Style) -> Result<Relation, u8> {
    let shown = file.display().to_string();
    let bytes = std::fs::read(file).map_err(|cause| {
        style.failed(
            "answer_unreadable",
            &Text::new(format!("`{shown}` 读不了：{cause}"), format!("`{shown}` cannot be read: {cause}")),
        );
        OUTSIDE
    })?;
    of_answer(&shown, &bytes, usual).map_err(|flaw| {
        style.troubled(&Trouble::of_delivery(&flaw, "", ""));
        NO
    })
}

pub(super) fn diff(args: DiffArgs, style: Style) -> u8 {
    let read = |file: &Path| Connector::read(file);
    match (read(&args.old), read(&args.new)) {
        (Ok(old), Ok(new)) => {
            let changes = difference::changes(&old, &new);
            style.differ(&changes);
            if changes.iter().any(|change| change.breaking) { 2 } else { 0 }
        }
        (old, new) => {
            // Not 2, which says that the new file breaks something.
            for faults in [old.err(), new.err()].into_iter().flatten() {
                style.faults(&faults);
            }
            OUTSIDE
        }
    }
}
