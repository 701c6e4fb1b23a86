//! `check`: a ladder from the file to an answer. It stops at the first broken rung and says what mends it.

use std::path::Path;
use std::time::Instant;

use jiff::civil::date;
use serde::Serialize;

use crate::adapter::{Adapter, LoadError, Overrides};
use crate::connector::{Connector, Dataset};
use crate::error::{Lang, Text};
use crate::native::find_column;
use crate::protocol::QueryPeriod;
use crate::source::{OpenError, Question, SourceError};

/// An identity number that nobody has, for asking without asking about anybody.
const NOBODY: &str = "150000185001010010";

/// A rung: something that must hold for the next one to make sense.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rung {
    /// What holds, or should.
    pub what: Text,
    /// What mends it; `None` when it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<Text>,
    /// The fault is outside the file: the environment, the database.
    #[serde(skip)]
    pub outside: bool,
}

impl Rung {
    /// True when it holds.
    pub const fn holds(&self) -> bool {
        self.mend.is_none()
    }

    fn sound(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { what: Text::new(zh, en), mend: None, outside: false }
    }

    fn broken(what: Text, mend: Text, outside: bool) -> Self {
        Self { what, mend: Some(mend), outside }
    }
}

/// Climbs the ladder: file, source, and for each dataset its statement, its columns, and an answer.
pub async fn climb(file: &Path, overrides: Overrides) -> Vec<Rung> {
    let mut rungs = Vec::new();
    let connector = match Connector::read(file) {
        Ok(connector) => connector,
        Err(faults) => {
            for fault in faults.faults {
                let line = fault.line.map(|line| format!(":{line}")).unwrap_or_default();
                let says = |text: &str| format!("{}{line} [{}] {text}", fault.place, fault.code);
                let what = Text::new(says(&fault.what.zh), says(&fault.what.en));
                rungs.push(Rung::broken(what, fault.mend, fault.code == "connector_unreadable"));
            }
            return rungs;
        }
    };
    let (datasets, tests) = (connector.datasets.len(), connector.tests.len());
    rungs.push(Rung::sound(
        format!("文件正确：{datasets} 个数据集，{tests} 个金样测试"),
        format!("the file is sound: {datasets} dataset(s), {tests} golden test(s)"),
    ));
    let adapter = match Adapter::new(connector, overrides) {
        Ok(adapter) => adapter,
        Err(error) => {
            rungs.push(unopened(&error));
            return rungs;
        }
    };
    rungs.push(match adapter.health().await {
        Ok(()) => Rung::sound("数据源可用", "the source can be read"),
        Err(error) => refused("数据源", "the source", &error),
    });
    for dataset in &adapter.connector().datasets {
        if rungs.last().is_some_and(|rung| !rung.holds()) {
            break;
        }
        climb_dataset(&adapter, dataset, &mut rungs).await;
    }
    adapter.close().await;
    rungs
}

async fn climb_dataset(adapter: &Adapter, dataset: &Dataset, rungs: &mut Vec<Rung>) {
    let id = &dataset.id;
    let columns = match adapter.source().columns(id).await {
        Ok(columns) => columns,
        Err(error) => {
            rungs.push(refused(&format!("{id} 的语句"), &format!("the statement of {id}"), &error));
            return;
        }
    };
    rungs.push(Rung::sound(format!("{id}：语句可用"), format!("{id}: the statement can be prepared")));
    for (column, reader) in dataset.mapping.columns() {
        if find_column(&columns, column).is_none() {
            let given = columns.join(", ");
            rungs.push(Rung::broken(
                Text::new(
                    format!("{id}：{reader} 要读的列 {column} 不在语句结果里"),
                    format!("{id}: {reader} reads the column `{column}`, which the statement does not give"),
                ),
                Text::new(format!("语句给出的列：{given}"), format!("the statement gives: {given}")),
                false,
            ));
            return;
        }
    }
    rungs.push(Rung::sound(format!("{id}：所需的列都在"), format!("{id}: every column the mapping reads is there")));
    let began = Instant::now();
    let period = QueryPeriod { from: date(2024, 1, 1), to: date(2024, 12, 31) };
    let question = Question { id_numbers: vec![NOBODY], period };
    rungs.push(match adapter.source().fetch(id, &question).await {
        Ok(rows) if rows.rows.is_empty() => {
            let took = began.elapsed().as_millis();
            Rung::sound(format!("{id}：{took} 毫秒答复"), format!("{id}: answers in {took} ms"))
        }
        Ok(_) => Rung::broken(
            Text::new(
                format!("{id}：问一个不存在的人却返回了记录"),
                format!("{id}: asked about nobody, the statement returns rows"),
            ),
            Text::new(
                "检查 WHERE 条件里 OR 的括号",
                "check the WHERE clause: an OR without parentheses reads other people's rows",
            ),
            false,
        ),
        Err(error) => refused(&format!("{id} 的语句"), &format!("the statement of {id}"), &error),
    });
}

fn unopened(error: &LoadError) -> Rung {
    let (zh, en) = (error.render(Lang::Zh), error.render(Lang::En));
    let what = Text::new(format!("数据源没有设好：{zh}"), format!("the source is not set up: {en}"));
    let mend = match error {
        LoadError::Source(OpenError::Secret(_)) => Text::new(
            "设置该变量或文件，内容如 sqlite:///srv/data.sqlite；试用可加 --source-url",
            "set the variable or file to something like sqlite:///srv/data.sqlite, or pass --source-url for a trial",
        ),
        _ => Text::new("写成 sqlite:///路径/文件", "write the URL as sqlite:///path/to/file"),
    };
    Rung::broken(what, mend, true)
}

fn refused(zh: &str, en: &str, error: &SourceError) -> Rung {
    let (mend_zh, mend_en, outside) = match error {
        SourceError::Timeout(_) => (
            "给证件号列建索引，或放宽 statement_timeout",
            "index the column of the identity number, or raise statement_timeout",
            true,
        ),
        SourceError::Unavailable(_) => (
            "核对路径、读取权限，以及文件是否为数据库",
            "check the path, the permission to read it, and that it is a database",
            true,
        ),
        SourceError::Locked => {
            ("等占用它的程序结束，或改用 WAL 模式", "wait for the program that holds it, or use WAL mode", true)
        }
        SourceError::Statement(_) => ("按数据库的提示修改 sql", "change `sql` as the database says", false),
        SourceError::TooManyRows(_) => ("收窄语句，或提高 max_rows", "narrow the statement, or raise max_rows", false),
    };
    let why = error.text();
    Rung::broken(
        Text::new(format!("{zh}不可用：{}", why.zh), format!("{en} fails: {}", why.en)),
        Text::new(mend_zh, mend_en),
        outside,
    )
}
