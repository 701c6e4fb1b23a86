//! A dataset proposed from the columns of a table, by the names departments give them: Chinese, pinyin, English,
//! and the identifiers of the field standards (GB/T 40217 for 人社, the 医保 interface). A proposal is a start for
//! a person to correct: what could not be found stands in it as a comment, never as a guess.

mod comment;
mod names;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::error::Text;
use crate::facts::{FACT_TYPES, FactType, Form, Target};
use crate::source::{ColumnInfo, Relation};
use names::{AS_OF, KINDS, NAME, NAME_WORDS, SUBJECT, TARGETS};

/// A dataset proposed for a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The fact type that fits best.
    pub fact: &'static str,
    /// How many of its targets were found.
    pub found: usize,
    /// `[[dataset]]` as it can be pasted into a connector file.
    pub toml: String,
}

/// Why no dataset is proposed for a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoProposal {
    /// No column has a name under which identity numbers are known.
    #[error(
        "no column has a usual name of the identity number, and none has the form of one: say which it is with --subject"
    )]
    NoSubject,
    /// The table has no column of the name that was given for the identity number.
    #[error("it has no column of the name that --subject gives: write one of those that are listed")]
    SubjectUnknown,
    /// The table has no column of the name that was given for the person's name.
    #[error("it has no column of the name that --name-column gives: write one of those that are listed")]
    NameUnknown,
    /// No column has the name of a target of any fact type.
    #[error("no column has a usual name of what a fact says: say which fact it is, such as --fact {}", FACT_TYPES[0].name)]
    NoFact,
    /// The file reads it already.
    #[error("the file has a dataset that reads it already: change that one, or remove it first")]
    AlreadyThere,
}

impl NoProposal {
    /// Stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoSubject => "no_subject_column",
            Self::SubjectUnknown => "subject_column_unknown",
            Self::NameUnknown => "name_column_unknown",
            Self::NoFact => "no_fact_fits",
            Self::AlreadyThere => "dataset_already_there",
        }
    }

    /// Why, and what to do, for people.
    pub fn text(self) -> Text {
        let zh = match self {
            Self::NoSubject => {
                "没有一列用的是身份号码的常用列名，也没有一列像是身份号码；若确有一列是，用 --subject 指明".to_owned()
            }
            Self::SubjectUnknown => "没有 --subject 所指的列：列名照列出的写".to_owned(),
            Self::NameUnknown => "没有 --name-column 所指的列：列名照列出的写".to_owned(),
            Self::NoFact => {
                format!("没有一列用的是事实字段的常用列名；请指明事实类型，如 --fact {}", FACT_TYPES[0].name)
            }
            Self::AlreadyThere => "文件里已有读它的数据集；要改就改那一个，或先删掉".to_owned(),
        };
        Text::new(zh, self.to_string())
    }
}

/// The datasets a file has: their ids, and what their statements read.
#[derive(Debug, Default)]
pub struct Taken {
    ids: BTreeSet<String>,
    statements: Vec<String>,
}

impl Taken {
    /// What the text of a connector file has, whether or not its datasets are sound yet.
    pub fn of(text: &str) -> Self {
        let mut taken = Self::default();
        let Ok(file) = text.parse::<toml::Table>() else { return taken };
        for dataset in file.get("dataset").and_then(toml::Value::as_array).into_iter().flatten() {
            let text = |key: &str| dataset.get(key).and_then(toml::Value::as_str);
            taken.ids.extend(text("id").map(str::to_owned));
            taken.statements.extend(text("sql").map(str::to_lowercase));
        }
        taken
    }

    /// The ids only: a table may be proposed again where nothing is written.
    #[must_use]
    pub fn ids_only(self) -> Self {
        Self { statements: Vec::new(), ..self }
    }

    /// True when a statement reads this table or view.
    fn reads(&self, relation: &str) -> bool {
        let relation = relation.to_lowercase();
        let ends = |character: char| character.is_whitespace() || matches!(character, ',' | ')' | ';');
        let reads = |statement: &String| statement.split(ends).any(|word| word == relation);
        self.statements.iter().any(reads)
    }

    /// `id`, or the first with a number after it that no dataset has yet.
    fn free(&mut self, id: String) -> String {
        let numbered = (2_u32..).map(|number| format!("{id}_{number}"));
        let free = std::iter::once(id.clone()).chain(numbered).find(|id| !self.ids.contains(id)).unwrap_or(id);
        self.ids.insert(free.clone());
        free
    }
}

/// What whoever asks for a proposal knows already.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// The fact type; otherwise the one that fits best.
    pub fact: Option<&'a str>,
    /// The request that a service was asked with, where the relation is a list of its answer.
    pub request: Option<&'a str>,
    /// The column of the identity number.
    pub subject: Option<&'a str>,
    /// The column of the name.
    pub name: Option<&'a str>,
}

/// Proposes a dataset of `adapter` for a relation. Its id is none of those `taken`, and is taken from then on.
pub fn propose(
    adapter: &str,
    relation: &Relation,
    known: Known<'_>,
    taken: &mut Taken,
) -> Result<Proposal, NoProposal> {
    if taken.reads(&relation.name) {
        return Err(NoProposal::AlreadyThere);
    }
    let subject = if let Some(subject) = known.subject {
        called(relation, subject).ok_or(NoProposal::SubjectUnknown)?
    } else {
        named(relation, SUBJECT, None).or_else(|| of_form(relation)).ok_or(NoProposal::NoSubject)?
    };
    let score = |fact: &FactType| {
        let found = fact.targets.iter().filter(|target| column_for(relation, fact.name, target.name).is_some());
        let missing = fact.targets.iter().filter(|target| {
            let by_name = target.name == "kind" && kind_of(relation, fact.name).is_some();
            let known = by_name || fixed(fact.name, target.name);
            target.required && !known && column_for(relation, fact.name, target.name).is_none()
        });
        (found.count(), missing.count())
    };
    let candidates = FACT_TYPES.iter().filter(|one| known.fact.is_none_or(|fact| fact == one.name));
    let best = candidates
        .map(|fact| (score(fact), fact))
        .filter(|((found, _), _)| *found > 0 || known.fact.is_some())
        // Of two that find as many, the one that misses fewer; of two that miss as many, the first.
        .min_by_key(|((found, missing), _)| (*missing, usize::MAX - *found))
        .ok_or(NoProposal::NoFact)?;
    let ((found, _), best) = best;
    let name = match known.name {
        Some(name) => Some(called(relation, name).ok_or(NoProposal::NameUnknown)?),
        None => named(relation, NAME, Some(subject)).or_else(|| by_words(relation, NAME_WORDS, subject)),
    };
    let toml = written(adapter, relation, best, (subject, name), known.request, taken);
    Ok(Proposal { fact: best.name, found, toml })
}

/// The column that somebody says by its name.
fn called<'a>(relation: &'a Relation, name: &str) -> Option<&'a ColumnInfo> {
    relation.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
}

/// The column whose values nearly all have the form of an identity number, where there is one.
fn of_form(relation: &Relation) -> Option<&ColumnInfo> {
    relation.columns.iter().find(|column| {
        let filled = relation.sampled.zip(column.nulls).map(|(all, nulls)| all - nulls);
        // A few that are something else (a passport, a mistake) make no other column of it.
        filled.zip(column.numbers).is_some_and(|(filled, numbers)| numbers > 0 && numbers * 10 >= filled * 9)
    })
}

/// The column of texts that has one of these words in its name: `CUST_NM_CN`.
fn by_words<'a>(relation: &'a Relation, words: &[&str], other_than: &ColumnInfo) -> Option<&'a ColumnInfo> {
    relation.columns.iter().find(|column| {
        let name = column.name.to_lowercase();
        let is_text = ["char", "text"].iter().any(|kind| column.type_name.to_lowercase().contains(kind));
        *column != other_than && is_text && name.split('_').any(|word| words.contains(&word))
    })
}

/// A required target that no column has, because all rows of a table are alike in it.
fn fixed(fact: &str, target: &str) -> bool {
    matches!((fact, target), ("income", "category" | "kind") | ("expenditure", "kind") | ("diagnosis", "severe"))
}

/// The column of one of these names: exactly so, else with it in a longer name, else with it in its comment.
fn named<'a>(relation: &'a Relation, names: &[&str], other_than: Option<&ColumnInfo>) -> Option<&'a ColumnInfo> {
    // A field of an object inside a record goes by its own name.
    let own = |column: &ColumnInfo| plain(column.name.rsplit('.').next().unwrap_or_default());
    let column = |fits: &dyn Fn(&ColumnInfo) -> bool| {
        relation.columns.iter().find(|column| other_than != Some(column) && fits(column))
    };
    let exact = |name: &&str| column(&|column| own(column) == plain(name));
    let within = |name: &&str| column(&|column| !name.is_ascii() && column.name.contains(*name));
    let said = |name: &&str| column(&|column| !name.is_ascii() && column.comment.contains(*name));
    let found = names.iter().find_map(exact).or_else(|| names.iter().find_map(within));
    found.or_else(|| names.iter().find_map(said))
}

/// The kind of all rows of a table by its name, unless one of its columns tells more.
fn kind_of(relation: &Relation, fact: &str) -> Option<&'static str> {
    let name = relation.name.to_lowercase();
    let (_, _, kind, column_tells_more) =
        KINDS.iter().find(|(of, words, ..)| *of == fact && words.iter().any(|word| name.contains(word)))?;
    let column = column_for(relation, fact, "kind");
    (!column_tells_more || column.is_none()).then_some(*kind)
}

/// A name without what spellings of it differ in.
fn plain(name: &str) -> String {
    name.chars().filter(|character| *character != '_').flat_map(char::to_lowercase).collect()
}

fn column_for<'a>(relation: &'a Relation, fact: &str, target: &str) -> Option<&'a ColumnInfo> {
    let (_, _, names) = TARGETS.iter().find(|(of, name, _)| *of == fact && *name == target)?;
    named(relation, names, None)
}

fn written(
    adapter: &str,
    relation: &Relation,
    fact: &FactType,
    (subject, name): (&ColumnInfo, Option<&ColumnInfo>),
    request: Option<&str>,
    taken: &mut Taken,
) -> String {
    let as_of = named(relation, AS_OF, Some(subject));
    let kind = kind_of(relation, fact.name);
    let source = |target: &Target| {
        let by_name = kind.is_some() && target.name == "kind";
        column_for(relation, fact.name, target.name).filter(|_| !by_name)
    };
    let read = |column: &ColumnInfo| fact.targets.iter().any(|target| source(target) == Some(column));
    let status = relation.columns.iter().find(|column| comment::is_status(column) && !read(column));
    let gone = status.map(comment::gone).unwrap_or_default();
    let mut columns: Vec<&str> = vec![&subject.written];
    columns.extend(name.into_iter().chain(as_of).map(|column| column.written.as_str()));
    columns.extend(status.filter(|_| !gone.is_empty()).map(|column| column.written.as_str()));
    columns.extend(fact.targets.iter().filter_map(source).map(|column| column.written.as_str()));
    let mut once: Vec<&str> = Vec::new();
    for column in columns {
        if !once.contains(&column) {
            once.push(column);
        }
    }
    let is_file = relation.kind == "file";
    let stem = match relation.kind.as_str() {
        "file" => relation.name.rsplit_once('.').map_or(relation.name.as_str(), |(stem, _)| stem),
        // The path of the records says nothing of them.
        "answer" => "",
        _ => relation.name.as_str(),
    };
    let id: String = plain(stem).chars().filter(char::is_ascii_alphanumeric).take(30).collect();
    let id = if id.len() >= 2 && id.starts_with(|first: char| first.is_ascii_lowercase()) {
        id
    } else {
        fact.name.to_owned()
    };
    let id = taken.free(format!("{adapter}.{id}"));
    let (window, parameters) =
        match dated(relation, fact).filter(|_| !is_file && relation.kind != "answer" && request.is_none()) {
            Some(column) => window(column),
            None => Default::default(),
        };
    let mut toml = format!("[[dataset]]\nid = \"{id}\"\nfact = \"{}\"\n", fact.name);
    let keys = if let Some(request) = request {
        format!("request = {request}\nrecords = \"{}\"\n{}", relation.name, nested(relation, &once))
    } else if is_file || relation.kind == "answer" {
        file_keys(relation, fact)
    } else {
        let (columns, table, number) = (once.join(", "), &relation.name, &subject.written);
        format!("sql = '''\nSELECT {columns}\nFROM {table} WHERE {number} IN (:id_numbers){window}'''\n")
    };
    toml.push_str(&keys);
    let mut line = |text: String| writeln!(toml, "{text}").expect("writing to a String cannot fail");
    line(format!("subject = \"{}\"", subject.name));
    match name {
        Some(name) => line(format!("name = \"{}\"", name.name)),
        None => line(
            "# name = \"…\"   # 没有找到姓名列：写上才核对姓名、才认 15 位旧号 · no column of names was found: with one, names are compared and old numbers of 15 digits read"
                .to_owned(),
        ),
    }
    if let Some(as_of) = as_of {
        let (format, day) = date_form(as_of);
        line(format!("as_of = {{ column = \"{}\", format = \"{format}\"{day} }}", as_of.name));
    }
    match status {
        Some(status) if gone.is_empty() => line(format!(
            "# skip = [{{ column = \"{}\", equals = [\"…\"] }}]   # 注销、作废的不算？ · leave out what no longer counts?",
            status.name
        )),
        Some(status) => line(format!("skip = [{{ column = \"{}\", equals = {gone:?} }}]", status.name)),
        None => {}
    }
    if !parameters.is_empty() {
        line(format!("\n[dataset.parameters]\n{parameters}"));
    }
    line("\n[dataset.map]".to_owned());
    for target in fact.targets {
        match (source(target), kind.filter(|_| target.name == "kind")) {
            (Some(column), _) => line(mapped(target, column)),
            (None, Some(kind)) => line(format!(
                "kind = {{ value = \"{kind}\" }}   # 按表名提出，请核对 · from the table's name: check it"
            )),
            (None, None) if target.required => line(to_be_filled(target, relation, &once)),
            (None, None) => {}
        }
    }
    toml
}

/// What names a file or the records of an answer, and the day that chooses them by period.
fn file_keys(relation: &Relation, fact: &FactType) -> String {
    let name = toml::Value::String(relation.name.clone());
    let records = relation.records.as_ref().map(|path| format!("records = \"{path}\"\n")).unwrap_or_default();
    let within = dated(relation, fact).map(|column| {
        let (format, day) = date_form(column);
        format!("within = {{ column = \"{}\", format = \"{format}\"{day} }}\n", column.name)
    });
    let within = within.unwrap_or_default();
    match relation.kind.as_str() {
        "file" => format!("file = {name}\n{records}{within}"),
        _ => format!(
            "{records}{within}# soap = {{ path = \"…\", action = \"…\", envelope = '''…''' }}   # 必填 · required\n"
        ),
    }
}

/// `columns` for those that stand inside an object of the record.
fn nested(relation: &Relation, once: &[&str]) -> String {
    let inside =
        relation.columns.iter().filter(|column| column.written != column.name && once.contains(&&*column.written));
    let paths: Vec<_> = inside.map(|column| format!("\"{}\" = \"{}\"", column.name, column.written)).collect();
    if paths.is_empty() { String::new() } else { format!("columns = {{ {} }}\n", paths.join(", ")) }
}

/// The column that says when something was paid, for facts that are asked for within a period.
fn dated<'a>(relation: &'a Relation, fact: &FactType) -> Option<&'a ColumnInfo> {
    match fact.name {
        "income" => column_for(relation, "income", "from"),
        "expenditure" => column_for(relation, "expenditure", "paid_on"),
        _ => None,
    }
}

/// The condition that keeps a statement within the period, and its parameters.
fn window(column: &ColumnInfo) -> (String, String) {
    let kind = column.type_name.to_ascii_lowercase();
    let (format, _) = date_form(column);
    // The last day of a period ends at midnight of the next.
    let (value, format) = if format.contains("%H") {
        (format!("CAST({} AS date)", column.written), "%Y-%m-%d")
    } else {
        (column.written.clone(), format)
    };
    let form = if kind.contains("int") { ", as = \"integer\"" } else { "" };
    let parameter = |name, of| format!("{name} = {{ of = \"period.{of}\", format = \"{format}\"{form} }}");
    (
        format!(" AND {value} BETWEEN :first AND :last"),
        format!("{}\n{}", parameter("first", "from"), parameter("last", "to")),
    )
}

/// A target from its column, in the form its type suggests.
fn mapped(target: &Target, column: &ColumnInfo) -> String {
    let name = &column.name;
    let kind = column.type_name.to_ascii_lowercase();
    let optional = if target.required { "" } else { ", optional = true" };
    let float = ["double", "real", "float"].iter().any(|word| kind.contains(word));
    let note = if float { "   # 浮点列：在 sql 里转换 · a float: convert it in `sql`" } else { "" };
    match target.form {
        Form::Money if ["int", "bigint"].iter().any(|word| kind.contains(word)) => {
            format!(
                "{} = {{ column = \"{name}\", as = \"fen\"{optional} }}   # 核对单位是分还是元 · check: fen or yuan?",
                target.name
            )
        }
        Form::Money => format!("{} = {{ column = \"{name}\", as = \"yuan\"{optional} }}{note}", target.name),
        Form::Date => {
            let (format, day) = date_form(column);
            let day = if target.name == "to" { day.replace("first", "last") } else { day.to_owned() };
            format!("{} = {{ column = \"{name}\", as = \"date\", format = \"{format}\"{day}{optional} }}", target.name)
        }
        Form::Text => format!("{} = {{ column = \"{name}\", as = \"text\"{optional} }}", target.name),
        Form::Boolean => {
            let yes = if kind.starts_with("bool") { "true" } else { "1" };
            format!(
                "{} = {{ column = \"{name}\", as = \"boolean\", true_values = [\"{yes}\"]{optional} }}   # 核对代码 · check the codes",
                target.name
            )
        }
        Form::Count => format!("{} = {{ column = \"{name}\", as = \"integer\"{optional} }}", target.name),
        Form::Decimal => format!("{} = {{ column = \"{name}\", as = \"decimal\"{optional} }}{note}", target.name),
        Form::Kind | Form::OneOf(_) => {
            let one = match target.form {
                Form::OneOf(list) => list.first().copied().unwrap_or("OTHER"),
                _ => "OTHER",
            };
            let listed = comment::codes(&column.comment);
            let (mut codes, mut meanings) = (vec![format!("\"1\" = \"{one}\"")], String::new());
            if !listed.is_empty() {
                codes = listed.iter().map(|code| format!("\"{}\" = \"{one}\"", code.code)).collect();
                meanings =
                    listed.iter().fold(String::new(), |text, code| format!("{text}{} {}，", code.code, code.meaning));
            }
            format!(
                "{} = {{ column = \"{name}\", codes = {{ {} }}{optional} }}   # {meanings}补全代码表 · complete the code list",
                target.name,
                codes.join(", ")
            )
        }
    }
}

/// A target that has no column: a comment, so that the file is not sound before somebody has decided. It names the
/// columns that may be meant: those of a fitting type that nothing else reads.
fn to_be_filled(target: &Target, relation: &Relation, read: &[&str]) -> String {
    let form = target.form.description();
    let fits = |column: &&ColumnInfo| {
        let kind = column.type_name.to_ascii_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| kind.contains(word));
        let is_free = !read.contains(&column.written.as_str());
        is_free
            && match target.form {
                Form::Money => {
                    has(&["numeric", "decimal", "money", "number", "digits"]) || column.comment.contains('元')
                }
                Form::Date => {
                    has(&["date", "timestamp"])
                        || matches!(column.width, Some(6..=8 | 10 | 19))
                        || has(&["(8)", "(10)"])
                }
                Form::Decimal | Form::Count => has(&["numeric", "decimal", "int", "digits"]),
                Form::Text | Form::Boolean | Form::Kind | Form::OneOf(_) => !has(&["date", "timestamp"]),
            }
    };
    let free: Vec<&str> = relation.columns.iter().filter(fits).take(8).map(|column| column.name.as_str()).collect();
    let (zh, en) = if free.is_empty() {
        Default::default()
    } else {
        (format!("；可能是 {}", free.join("、")), format!("; it may be {}", free.join(", ")))
    };
    let how = match target.form {
        Form::Money => "column = \"…\", as = \"yuan\"",
        Form::Date => "column = \"…\", as = \"date\", format = \"%Y%m%d\"",
        Form::Kind | Form::OneOf(_) => "value = \"…\"",
        _ => "…",
    };
    format!(
        "# {} = {{ {how} }}   # 必填，没有找到对应的列：{}{zh} · required, and no column was found: {}{en}",
        target.name, form.zh, form.en
    )
}

/// The format that a column's type or width suggests.
fn date_form(column: &ColumnInfo) -> (&'static str, &'static str) {
    let kind = column.type_name.to_ascii_lowercase();
    if kind.contains("timestamp") || kind.contains("datetime") || column.width == Some(19) {
        ("%Y-%m-%d %H:%M:%S", "")
    } else if kind == "date" {
        ("%Y-%m-%d", "")
    } else if column.width == Some(8) {
        ("%Y%m%d", "")
    } else if column.width == Some(7) {
        ("%Y-%m", ", day = \"first\"")
    } else if kind.contains("(6)") || kind.starts_with("int") || column.width == Some(6) {
        ("%Y%m", ", day = \"first\"")
    } else if kind.contains("(8)") {
        ("%Y%m%d", "")
    } else {
        ("%Y-%m-%d", "")
    }
}

#[cfg(test)]
mod tests;
