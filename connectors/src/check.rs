//! `check`: a ladder from the file to an answer. It stops at the first broken rung, names it, and says what
//! mends it.

mod delivery;
mod file;
mod service;

use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::civil::date;
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::adapter::{Adapter, LoadError, Overrides};
use crate::connector::{Ask, AuthInfo, Connector, DatabasePlace, Dataset, SourceInfo, TlsMode, UrlPlace, WebInfo};
use crate::error::{Fault, Lang, Text};
use crate::native::find_column;
use crate::protocol::QueryPeriod;
use crate::secret::SecretPlace;
use crate::source::{OpenError, Plan, Question, Rung, SourceError, Trouble, Whereabouts, connect, resolve};

/// An identity number that nobody has, for asking without asking about anybody.
pub(crate) const NOBODY: &str = "150000185001010010";

/// What was found on a rung.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The rung.
    pub rung: Rung,
    /// What holds there, or the trouble with it.
    pub found: Result<Text, Box<Trouble>>,
    /// The trouble is outside the file: the environment, the network, the database.
    pub outside: bool,
}

impl Step {
    /// True when the rung holds.
    pub const fn holds(&self) -> bool {
        self.found.is_ok()
    }

    fn sound(rung: Rung, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { rung, found: Ok(Text::new(zh, en)), outside: false }
    }

    fn broken(trouble: Trouble) -> Self {
        let rung = trouble.rung;
        let outside = (Rung::Secrets..=Rung::Permission).contains(&rung);
        Self { rung, found: Err(Box::new(trouble)), outside }
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("rung", &self.rung)?;
        map.serialize_entry("holds", &self.holds())?;
        match &self.found {
            Ok(what) => map.serialize_entry("what", what)?,
            Err(trouble) => {
                map.serialize_entry("code", trouble.code)?;
                map.serialize_entry("what", &trouble.what)?;
                map.serialize_entry("mend", &trouble.mend)?;
                if let Some(command) = &trouble.command {
                    map.serialize_entry("command", command)?;
                }
                if !trouble.details.is_empty() {
                    map.serialize_entry("details", &trouble.details)?;
                }
            }
        }
        map.end()
    }
}

/// Climbs the ladder, from the file to the golden tests, up to the first rung that does not hold.
pub async fn climb(file: &Path, overrides: Overrides) -> Vec<Step> {
    let mut steps = climbed(file, overrides).await;
    for trouble in steps.iter_mut().filter_map(|step| step.found.as_mut().err()) {
        // The tables of troubles do not know the file.
        if trouble.command.as_deref() == Some("hedui-adapter discover …") {
            trouble.command = Some(format!("hedui-adapter discover {}", file.display()));
        }
    }
    steps
}

async fn climbed(path: &Path, overrides: Overrides) -> Vec<Step> {
    let mut steps = Vec::new();
    let connector = match Connector::read(path) {
        Ok(connector) => connector,
        Err(faults) => {
            let syntax = |fault: &Fault| matches!(fault.code, "connector_syntax" | "connector_unreadable");
            if !faults.faults.iter().any(syntax) {
                steps.push(Step::sound(Rung::Syntax, "文件是 TOML", "the file is TOML"));
            }
            steps.extend(faults.faults.into_iter().map(of_fault));
            return steps;
        }
    };
    steps.push(Step::sound(Rung::Syntax, "文件是 TOML", "the file is TOML"));
    let (datasets, tests) = (connector.datasets.len(), connector.tests.len());
    let notes = file::notes(&connector);
    steps.push(Step::sound(
        Rung::Schema,
        format!("{datasets} 个数据集，{tests} 个金样测试{}", notes.zh),
        format!("{datasets} dataset(s), {tests} golden test(s){}", notes.en),
    ));
    let adapter = match Adapter::new(connector, overrides) {
        Ok(adapter) => adapter,
        Err(error) => {
            steps.push(Step::broken(unopened(&error)));
            return steps;
        }
    };
    steps.push(secrets(adapter.connector()));
    let climbed = climb_to_login(&adapter, &mut steps).await;
    if climbed {
        climb_statements(&adapter, &mut steps).await;
    }
    adapter.close().await;
    if steps.iter().all(Step::holds) {
        steps.push(file::golden(adapter.connector(), path).await);
    }
    steps
}

/// That the secrets are there, and whether one of them is open to every account: the adapter runs, but somebody
/// should know.
fn secrets(connector: &Connector) -> Step {
    if matches!(connector.source, SourceInfo::File(_)) {
        return Step::sound(Rung::Secrets, "不需要机密", "no secret is needed");
    }
    let Some((path, mode)) = open_secret(connector) else {
        return Step::sound(Rung::Secrets, "文件所说的机密都在", "every secret the file names is there");
    };
    let path = path.display();
    Step::sound(
        Rung::Secrets,
        format!("文件所说的机密都在；但 `{path}`（权限 {mode:o}）本机任何账号都能用：运行 chmod o-rwx '{path}'"),
        format!(
            "every secret the file names is there; but `{path}` (mode {mode:o}) is open to every account of this machine: run chmod o-rwx '{path}'"
        ),
    )
}

/// A secret file, with its mode, that every account of the machine may use.
pub(crate) fn open_secret(connector: &Connector) -> Option<(PathBuf, u32)> {
    let mut places: Vec<&SecretPlace> = Vec::new();
    match &connector.source {
        SourceInfo::Sql(info) => match &info.database {
            DatabasePlace::Url(place) | DatabasePlace::Fields { password: place, .. } => places.push(place),
        },
        SourceInfo::File(_) => {}
        SourceInfo::Soap(info) => places.extend(of_service(&info.web)),
        SourceInfo::Http(info) => {
            places.extend(of_service(&info.web));
            places.extend(info.envelope.as_ref().and_then(|envelope| envelope.sign_key.as_ref()));
            places.extend(connector.datasets.iter().filter_map(|dataset| match &dataset.ask {
                Ask::Http(ask) => ask.service.as_ref().map(|service| &service.key),
                Ask::Sql { .. } | Ask::File { .. } | Ask::Soap(_) => None,
            }));
        }
    }
    places.into_iter().find_map(|place| place.open_to_all(connector.folder()))
}

/// The secrets of a service.
fn of_service(web: &WebInfo) -> Vec<&SecretPlace> {
    let key = match &web.auth {
        AuthInfo::Oauth2(info) => Some(&info.client_secret),
        AuthInfo::Signed(info) => Some(&info.service.key),
        AuthInfo::None | AuthInfo::Certificate => None,
    };
    let url = match &web.url {
        UrlPlace::Kept(place) => Some(place),
        UrlPlace::Address(_) => None,
    };
    key.into_iter().chain(url).collect()
}

/// DNS, TCP, TLS, login, read-only; or what a folder of deliveries has instead. True when all of them hold.
async fn climb_to_login(adapter: &Adapter, steps: &mut Vec<Step>) -> bool {
    if let Some(source) = adapter.source().soap() {
        let climbed = service::climb(source.place(), source.is_encrypted(), source.reach(), source.login(), steps);
        return Box::pin(climbed).await;
    }
    if let Some(source) = adapter.source().deliveries() {
        return delivery::climb(source, steps).await;
    }
    if let Some(source) = adapter.source().service() {
        let (reach, login) = (source.client_reach(), source.login());
        return Box::pin(service::climb(source.place(), source.is_encrypted(), reach, login, steps)).await;
    }
    let Some(source) = adapter.source().database() else { return true };
    let place = source.place();
    let tls = source.tls();
    if tls.is_some() && !climb_network(place, steps).await {
        return false;
    }
    match source.login().await {
        Err(error) => {
            let trouble = of_source(&error, Rung::Login);
            if trouble.rung > Rung::Tls
                && let Some(tls) = tls
            {
                steps.push(encrypted(tls, None));
            }
            steps.push(Step::broken(trouble));
            false
        }
        Ok((login, writable)) => {
            if let Some(tls) = tls {
                steps.push(encrypted(tls, login.cipher.as_deref()));
            }
            let server = &login.server;
            steps.push(if login.account.is_empty() {
                Step::sound(Rung::Login, format!("已打开（{server}）"), format!("opened ({server})"))
            } else {
                let account = &login.account;
                Step::sound(
                    Rung::Login,
                    format!("以 {account} 登录 {server}"),
                    format!("logged in to {server} as {account}"),
                )
            });
            match writable {
                Some(trouble) => steps.push(Step::broken(trouble)),
                None if login.account.is_empty() => {
                    steps.push(Step::sound(Rung::ReadOnly, "以只读方式打开", "opened to be read only"));
                }
                None => steps.push(Step::sound(
                    Rung::ReadOnly,
                    "账号改不了任何数据，会话也是只读的",
                    "the account cannot change a record, and its sessions are read-only besides",
                )),
            }
            steps.last().is_some_and(Step::holds)
        }
    }
}

/// DNS and TCP. True when both hold.
async fn climb_network(place: &Whereabouts, steps: &mut Vec<Step>) -> bool {
    let addresses = match resolve(place).await {
        Ok(addresses) => addresses,
        Err(trouble) => return stop(steps, Step::broken(trouble)),
    };
    let shown = addresses.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(", ");
    let host = &place.host;
    steps.push(Step::sound(Rung::Dns, format!("{host} 的地址是 {shown}"), format!("{host} is {shown}")));
    match connect(&addresses, place).await {
        Ok(address) => {
            steps.push(Step::sound(Rung::Tcp, format!("{address} 有程序在听"), format!("{address} listens")));
            true
        }
        Err(trouble) => stop(steps, Step::broken(trouble)),
    }
}

/// Tells the rung that does not hold, above which nothing is climbed.
fn stop(steps: &mut Vec<Step>, broken: Step) -> bool {
    steps.push(broken);
    false
}

fn encrypted(mode: TlsMode, cipher: Option<&str>) -> Step {
    let cipher_zh = cipher.map(|cipher| format!("（{cipher}）")).unwrap_or_default();
    let cipher_en = cipher.map(|cipher| format!(" ({cipher})")).unwrap_or_default();
    match mode {
        TlsMode::VerifyFull => Step::sound(
            Rung::Tls,
            format!("连接已加密{cipher_zh}，证书和主机名都核对过"),
            format!("the connection is encrypted{cipher_en}; certificate and host name were checked"),
        ),
        TlsMode::VerifyCa => Step::sound(
            Rung::Tls,
            format!("连接已加密{cipher_zh}，证书核对过，主机名按文件所说不核对"),
            format!(
                "the connection is encrypted{cipher_en}; the certificate was checked, its name is not, as the file says"
            ),
        ),
        TlsMode::Off => Step::sound(
            Rung::Tls,
            "连接不加密，文件写了 tls = \"off\"：网络上的人看得到记录",
            "the connection is not encrypted, as the file says (tls = \"off\"): whoever is on the network can read the records",
        ),
    }
}

/// Permission, prepare, columns, cost, answer, each for all datasets. What one dataset says may belong to
/// any of them; the lowest rung is the one that is told.
async fn climb_statements(adapter: &Adapter, steps: &mut Vec<Step>) {
    let question = || Question { id_numbers: vec![NOBODY], names: vec![""], period: period() };
    if adapter.source().database().is_none() {
        return climb_answers(adapter, &question(), steps).await;
    }
    let (mut troubles, mut plans) = (Vec::new(), Vec::new());
    for dataset in &adapter.connector().datasets {
        match adapter.source().columns(&dataset.id).await {
            Ok(columns) => troubles.extend(column_missing(dataset, &columns)),
            Err(error) => {
                troubles.push(about(dataset, of_source(&error, Rung::Prepare)));
                continue;
            }
        }
        match adapter.source().plan(&dataset.id, &dataset.mapping.subject, &question()).await {
            Ok((plan, trouble)) => {
                plans.push((dataset, plan));
                troubles.extend(trouble);
            }
            Err(error) => {
                let trouble = of_source(&error, Rung::Prepare);
                // A plan that may not be seen is no fault: the time limit stands.
                if trouble.hides_a_plan() {
                    plans.push((dataset, Plan::default()));
                } else {
                    troubles.push(about(dataset, trouble));
                }
            }
        }
    }
    let lowest = troubles.iter().map(|trouble| trouble.rung).min();
    let count = adapter.connector().datasets.len();
    for (rung, zh, en) in [
        (Rung::Permission, "语句要读的都许读", "what the statements read may be read"),
        (Rung::Prepare, "条语句都被接受", "statement(s) are accepted"),
        (Rung::Columns, "映射要用的列都在", "every column the mapping reads is there"),
    ] {
        if lowest.is_some_and(|lowest| lowest <= rung) {
            break;
        }
        steps.push(if rung == Rung::Prepare {
            Step::sound(rung, format!("{count} {zh}"), format!("{count} {en}"))
        } else {
            Step::sound(rung, zh, en)
        });
    }
    if let Some(lowest) = lowest {
        steps.extend(troubles.into_iter().filter(|trouble| trouble.rung == lowest).map(Step::broken));
        return;
    }
    steps.extend(plans.iter().map(|(dataset, plan)| affordable(dataset, plan)));
    climb_answers(adapter, &question(), steps).await;
}

async fn climb_answers(adapter: &Adapter, question: &Question<'_>, steps: &mut Vec<Step>) {
    for dataset in &adapter.connector().datasets {
        let step = answers(adapter, dataset, question).await;
        let holds = step.holds();
        steps.push(step);
        if !holds {
            return;
        }
    }
}

fn about(dataset: &Dataset, trouble: Trouble) -> Trouble {
    let command = file::granting(dataset, &trouble).or(trouble.command);
    Trouble { what: trouble.what.about(&dataset.id), command, ..trouble }
}

fn column_missing(dataset: &Dataset, columns: &[String]) -> Vec<Trouble> {
    let missing = dataset.mapping.columns().into_iter().filter(|(column, _)| find_column(columns, column).is_none());
    missing
        .map(|(column, by)| {
            let there = columns.join(", ");
            Trouble {
                code: "column_missing",
                rung: Rung::Columns,
                what: Text::new(
                    format!("{}：语句没有给出列 {column}，{by} 要用它", dataset.id),
                    format!("{}: the statement gives no column {column}, which {by} reads", dataset.id),
                ),
                mend: Text::new(
                    format!("在 SELECT 里加上，或改用已有的列：{there}"),
                    format!("select it, or use one of the columns there are: {there}"),
                ),
                command: None,
                details: String::new(),
            }
        })
        .collect()
}

fn affordable(dataset: &Dataset, plan: &Plan) -> Step {
    let id = &dataset.id;
    let scans: Vec<String> = plan
        .scans
        .iter()
        .map(|scan| match scan.rows {
            Some(rows) => format!("{} ({rows})", scan.table),
            None => scan.table.clone(),
        })
        .collect();
    let (cost_zh, cost_en) = match plan.cost {
        Some(cost) => (format!("，代价 {cost}"), format!(", cost {cost}")),
        None => Default::default(),
    };
    if scans.is_empty() {
        return Step::sound(
            Rung::Cost,
            format!("{id}：不从头到尾读任何表{cost_zh}"),
            format!("{id}: reads no table from end to end{cost_en}"),
        );
    }
    let scans = scans.join(", ");
    Step::sound(
        Rung::Cost,
        format!("{id}：从头到尾读 {scans}（行数），这是许可的{cost_zh}"),
        format!("{id}: reads {scans} (rows) from end to end, which is allowed{cost_en}"),
    )
}

async fn answers(adapter: &Adapter, dataset: &Dataset, question: &Question<'_>) -> Step {
    let id = &dataset.id;
    let began = Instant::now();
    match adapter.source().fetch(id, question).await {
        Ok(found) if found.rows.rows.is_empty() => {
            let took = began.elapsed().as_millis();
            Step::sound(Rung::Answer, format!("{id}：{took} 毫秒答复"), format!("{id}: answers in {took} ms"))
        }
        Ok(_) => Step::broken(Trouble {
            code: "answers_about_others",
            rung: Rung::Answer,
            what: Text::new(
                format!("{id}：问一个不存在的人却返回了记录"),
                format!("{id}: asked about nobody, the source gives records"),
            ),
            mend: match adapter.source().database() {
                Some(_) => Text::new(
                    "检查 WHERE 条件里 OR 的括号",
                    "check the WHERE clause: an OR without parentheses reads other people's rows",
                ),
                None => Text::new(
                    "核对所问的身份号码有没有传到、subject 是不是记录里本人的号码",
                    "check that the identity number reaches the source, and that `subject` is the one in the record itself",
                ),
            },
            command: None,
            details: String::new(),
        }),
        Err(error) => {
            let outside = !matches!(
                error,
                SourceError::Statement(_)
                    | SourceError::TooManyRows(_)
                    | SourceError::TooCostly(_)
                    | SourceError::Answer(_)
            );
            Step { outside, ..Step::broken(about(dataset, of_source(&error, Rung::Answer))) }
        }
    }
}

fn joined(texts: &[Text], lang: Lang) -> String {
    texts.iter().map(|text| text.pick(lang)).collect::<Vec<_>>().join("; ")
}

/// A period to ask about nobody in.
pub(crate) fn period() -> QueryPeriod {
    QueryPeriod { from: date(2024, 1, 1), to: date(2024, 12, 31) }
}

fn of_fault(fault: Fault) -> Step {
    let line = fault.line.map(|line| format!(":{line}")).unwrap_or_default();
    let says = |text: &str| format!("{}{line}: {text}", fault.place);
    let rung = match fault.code {
        "connector_syntax" | "connector_unreadable" => Rung::Syntax,
        _ => Rung::Schema,
    };
    let trouble = Trouble {
        code: fault.code,
        rung,
        what: Text::new(says(&fault.what.zh), says(&fault.what.en)),
        mend: fault.mend,
        command: None,
        details: String::new(),
    };
    Step { outside: fault.code == "connector_unreadable", ..Step::broken(trouble) }
}

/// The trouble behind a source that cannot be set up.
pub(crate) fn unopened(error: &LoadError) -> Trouble {
    let (code, what, mend) = match error {
        LoadError::Source(OpenError::Secret(error)) => (
            "secret_missing",
            error.text(),
            Text::new(
                "设置该变量或文件；试用时可加 --source-url",
                "set the variable or file; for a trial, pass --source-url",
            ),
        ),
        LoadError::Source(error @ OpenError::Folder) => (
            "source_url",
            error.text(),
            Text::new("改正 --source-url，或不写它", "correct --source-url, or leave it out"),
        ),
        LoadError::Source(error @ OpenError::Fixture(_)) => (
            "fixture",
            error.text(),
            Text::new(
                "核对测试数据的路径和格式；.sql 的旁边要有 schema.sql",
                "check the path and the form of the fixture; beside one in SQL there is a schema.sql",
            ),
        ),
        LoadError::Source(error @ OpenError::TlsFile { .. }) => (
            "tls_file",
            error.text(),
            Text::new(
                "核对路径、读取权限，以及是否为 PEM",
                "check the path, the permission to read it, and that it is PEM",
            ),
        ),
        LoadError::Source(error @ (OpenError::Address | OpenError::Plain)) => {
            ("source_url", error.text(), Text::new("写服务的 https 地址", "write the service's address, with https"))
        }
        LoadError::Source(error) => (
            "source_url",
            error.text(),
            Text::new(
                "改正地址；也可逐项写 driver、host、database、user、password，口令就不必转义",
                "correct it; or write driver, host, database, user and password one by one, and nothing needs an escape",
            ),
        ),
        LoadError::File(faults) => (
            "connector_schema",
            Text::new(faults.render(Lang::Zh), faults.render(Lang::En)),
            Text::new("改正文件", "correct the file"),
        ),
    };
    Trouble { code, rung: Rung::Secrets, what, mend, command: None, details: String::new() }
}

/// The trouble behind an error of a source.
fn of_source(error: &SourceError, at: Rung) -> Trouble {
    if let Some(trouble) = error.trouble() {
        return trouble.clone();
    }
    let mend = match error {
        SourceError::Timeout(_) => Text::new(
            "给证件号列建索引，或放宽 statement_timeout；连不上时看防火墙",
            "index the column of the identity number, or raise statement_timeout; where it cannot be reached, look at the firewall",
        ),
        SourceError::Locked => Text::new(
            "等占用它的程序结束；SQLite 可改用 WAL 模式",
            "wait for the program that holds it; SQLite can use WAL mode",
        ),
        _ => Text::new("收窄查询条件，或提高 max_rows", "narrow the question, or raise max_rows"),
    };
    Trouble { code: error.code(), rung: at, what: error.text(), mend, command: None, details: String::new() }
}
