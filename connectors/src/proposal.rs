//! A dataset proposed from the columns of a table, by the names departments give them: Chinese, pinyin, English,
//! and the identifiers of the field standards (GB/T 40217 for 人社, the 医保 interface). A proposal is a start for
//! a person to correct: what could not be found stands in it as a comment, never as a guess.

use std::fmt::Write as _;

use crate::error::Text;
use crate::facts::{FACT_TYPES, FactType, Form, Target};
use crate::source::{ColumnInfo, Relation};

/// What a column is called that says whose row it is.
const SUBJECT: &[&str] = &[
    "aac002",
    "certno",
    "id_card",
    "idcard",
    "id_number",
    "idnumber",
    "id_no",
    "idno",
    "sfzh",
    "sfzhm",
    "sfzmhm",
    "gmsfhm",
    "zjhm",
    "zjh",
    "身份证号",
    "身份证号码",
    "身份证明号码",
    "公民身份号码",
    "证件号码",
    "证件号",
    "社会保障号码",
    "身份号码",
    "买受人证件号",
    "户主证件号",
];

const NAME: &[&str] =
    &["aac003", "psn_name", "name", "full_name", "xm", "syr", "姓名", "户主姓名", "买受人", "学生姓名", "人员姓名"];

const AS_OF: &[&str] = &[
    "aae036",
    "updated_at",
    "update_time",
    "updt_time",
    "gxsj",
    "xgsj",
    "jbsj",
    "opt_time",
    "更新时间",
    "修改时间",
    "经办时间",
    "经办日期",
    "更新日期",
];

/// When something was paid: one column says it for the first and for the last day.
const PAID_ON: &[&str] = &[
    "eac064",
    "aae003",
    "aae002",
    "month",
    "pay_month",
    "paid_on",
    "pay_date",
    "ffrq",
    "ffny",
    "待遇年月",
    "应缴年月",
    "发放日期",
    "发放年月",
    "发放时间",
];

/// Names of the targets of a fact type: a column by such a name, or with such a comment, is proposed for it.
const TARGETS: &[(&str, &str, &[&str])] = &[
    (
        "income",
        "kind",
        &[
            "aae140",
            "aaa036",
            "kind",
            "item",
            "dylb",
            "xm_lb",
            "险种",
            "待遇项目",
            "项目",
            "补助类别",
            "补助项目",
            "资助项目",
        ],
    ),
    (
        "income",
        "amount",
        &[
            "aae019",
            "aae180",
            "amount",
            "je",
            "ffje",
            "bzje",
            "pay_amount",
            "金额",
            "发放金额",
            "待遇金额",
            "补助金额",
            "补贴额",
            "缴费基数",
            "资助金额",
        ],
    ),
    ("income", "from", PAID_ON),
    ("income", "to", PAID_ON),
    ("income", "payer", &["aab004", "payer", "employer", "dwmc", "单位名称", "发放单位", "缴费单位"]),
    (
        "asset",
        "kind",
        &["usage", "kind", "house_usage", "yt", "fwyt", "用途", "房屋用途", "车辆类型", "cllx", "vehicle_type"],
    ),
    (
        "asset",
        "value",
        &["value", "balance", "price", "amount", "ye", "zj", "余额", "总价", "合同金额", "评估价", "价值", "合同总价"],
    ),
    ("asset", "area_m2", &["area_m2", "area", "build_area", "jzmj", "建筑面积", "面积"]),
    ("asset", "share", &["share", "gyfe", "共有份额", "份额", "占有比例"]),
    ("asset", "as_of", &["reg_date", "registered_on", "djrq", "barq", "登记日期", "备案日期"]),
    ("expenditure", "gross", &["medfee_sumamt", "gross", "total_fee", "zfy", "总费用", "总额", "费用总额"]),
    ("expenditure", "covered", &["fund_pay_sumamt", "covered", "bxje", "报销金额", "基金支付", "补助金额", "减免金额"]),
    (
        "expenditure",
        "paid_on",
        &["setl_time", "paid_on", "pay_date", "jsrq", "结算时间", "结算日期", "服务日期", "缴费日期"],
    ),
    ("enrolment", "stage", &["xd", "stage", "level", "学段", "层次", "培养层次"]),
    ("enrolment", "full_time", &["xxxs", "full_time", "study_mode", "学习形式"]),
    ("enrolment", "school", &["xxmc", "school", "school_name", "学校名称", "学校", "院校名称"]),
    ("enrolment", "enrolled_on", &["rxny", "rxrq", "enrolled_on", "入学年月", "入学日期"]),
    ("death", "died_on", &["aae138", "died_on", "death_date", "swrq", "swsj", "死亡日期", "死亡时间"]),
    ("diagnosis", "code", &["icd", "icd10", "diag_code", "dise_codg", "zddm", "诊断编码", "疾病编码", "死因编码"]),
    ("diagnosis", "diagnosed_on", &["diagnosed_on", "diag_date", "zdrq", "诊断日期", "确诊日期"]),
    ("disability", "category", &["cjlb", "category", "残疾类别", "残疾类型"]),
    ("disability", "grade", &["cjdj", "grade", "残疾等级", "残疾级别"]),
    ("employment", "employed", &["aae100", "employed", "jyzt", "就业状态", "有效标志"]),
    ("employment", "since", &["aae030", "since", "jyrq", "就业日期", "开始日期"]),
    ("employment", "employer", &["aab004", "employer", "dwmc", "单位名称", "就业单位"]),
    ("insurance", "scheme", &["insutype", "aae140", "scheme", "xzlx", "险种", "险种类型"]),
    ("insurance", "active", &["psn_insu_stas", "aac008", "active", "cbzt", "参保状态"]),
    ("disaster", "kind", &["disaster_kind", "zz", "zhzl", "灾种", "灾害种类"]),
    ("disaster", "occurred_on", &["occurred_on", "zhsj", "zqsj", "发生时间", "受灾日期", "受灾时间"]),
    ("disaster", "rooms_collapsed", &["rooms_collapsed", "dtjs", "倒塌间数", "倒损间数"]),
    ("assistance", "kind", &["aid_kind", "jzlb", "救助类别", "救助类型"]),
    ("assistance", "from", &["aid_from", "jzrq", "救助日期", "享受开始日期"]),
    ("assistance", "amount", &["aid_amount", "jzje", "救助金额"]),
];

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
        "no column has a usual name of the identity number: if one holds it, write [[dataset]] by hand with subject = \"its name\""
    )]
    NoSubject,
    /// No column has the name of a target of any fact type.
    #[error("no column has a usual name of what a fact says: say which fact it is, such as --fact {}", FACT_TYPES[0].name)]
    NoFact,
}

impl NoProposal {
    /// Stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoSubject => "no_subject_column",
            Self::NoFact => "no_fact_fits",
        }
    }

    /// Why, and what to do, for people.
    pub fn text(self) -> Text {
        let zh = match self {
            Self::NoSubject => {
                "没有一列用的是身份号码的常用列名；若确有一列是，请手写 [[dataset]]，写上 subject = \"列名\"".to_owned()
            }
            Self::NoFact => {
                format!("没有一列用的是事实字段的常用列名；请指明事实类型，如 --fact {}", FACT_TYPES[0].name)
            }
        };
        Text::new(zh, self.to_string())
    }
}

/// Proposes a dataset of `adapter` for a relation, of the fact type `fact` or of the one that fits best.
///
/// `request` is the one that a service was asked with, where the relation is a list of its answer.
pub fn propose(
    adapter: &str,
    relation: &Relation,
    fact: Option<&str>,
    request: Option<&str>,
) -> Result<Proposal, NoProposal> {
    let subject = named(relation, SUBJECT).ok_or(NoProposal::NoSubject)?;
    let score = |fact: &FactType| {
        let found = fact.targets.iter().filter(|target| column_for(relation, fact.name, target.name).is_some());
        let missing = fact.targets.iter().filter(|target| {
            target.required && !fixed(fact.name, target.name) && column_for(relation, fact.name, target.name).is_none()
        });
        (found.count(), missing.count())
    };
    let candidates = FACT_TYPES.iter().filter(|known| fact.is_none_or(|fact| fact == known.name));
    let best = candidates
        .map(|fact| (score(fact), fact))
        .filter(|((found, _), _)| *found > 0 || fact.is_some())
        // Of two that find as many, the one that misses fewer; of two that miss as many, the first.
        .min_by_key(|((found, missing), _)| (*missing, usize::MAX - *found))
        .ok_or(NoProposal::NoFact)?;
    let ((found, _), best) = best;
    Ok(Proposal { fact: best.name, found, toml: written(adapter, relation, best, subject, request) })
}

/// A required target that no column has, because all rows of a table are alike in it.
fn fixed(fact: &str, target: &str) -> bool {
    matches!((fact, target), ("income", "category" | "kind") | ("expenditure", "kind") | ("diagnosis", "severe"))
}

fn named<'a>(relation: &'a Relation, names: &[&str]) -> Option<&'a ColumnInfo> {
    // A field of an object inside a record goes by its own name.
    let own = |column: &ColumnInfo| plain(column.name.rsplit('.').next().unwrap_or_default());
    let exact = |name: &&str| relation.columns.iter().find(|column| own(column) == plain(name));
    let said = |name: &&str| {
        let says = |column: &&ColumnInfo| !name.is_ascii() && column.comment.contains(*name);
        relation.columns.iter().find(says)
    };
    names.iter().find_map(exact).or_else(|| names.iter().find_map(said))
}

/// A name without what spellings of it differ in.
fn plain(name: &str) -> String {
    name.chars().filter(|character| *character != '_').flat_map(char::to_lowercase).collect()
}

fn column_for<'a>(relation: &'a Relation, fact: &str, target: &str) -> Option<&'a ColumnInfo> {
    let (_, _, names) = TARGETS.iter().find(|(of, name, _)| *of == fact && *name == target)?;
    named(relation, names)
}

fn written(adapter: &str, relation: &Relation, fact: &FactType, subject: &ColumnInfo, request: Option<&str>) -> String {
    let (name, as_of) = (named(relation, NAME), named(relation, AS_OF));
    let mut columns: Vec<&str> = vec![&subject.written];
    columns.extend(name.into_iter().chain(as_of).map(|column| column.written.as_str()));
    for target in fact.targets {
        columns.extend(column_for(relation, fact.name, target.name).map(|column| column.written.as_str()));
    }
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
    let (window, parameters) =
        match dated(relation, fact).filter(|_| !is_file && relation.kind != "answer" && request.is_none()) {
            Some(column) => window(column),
            None => Default::default(),
        };
    let mut toml = format!("[[dataset]]\nid = \"{adapter}.{id}\"\nfact = \"{}\"\n", fact.name);
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
    if let Some(name) = name {
        line(format!("name = \"{}\"", name.name));
    }
    if let Some(as_of) = as_of {
        let (format, day) = date_form(as_of);
        line(format!("as_of = {{ column = \"{}\", format = \"{format}\"{day} }}", as_of.name));
    }
    if !parameters.is_empty() {
        line(format!("\n[dataset.parameters]\n{parameters}"));
    }
    line("\n[dataset.map]".to_owned());
    for target in fact.targets {
        match column_for(relation, fact.name, target.name) {
            Some(column) => line(mapped(target, column)),
            None if target.required => line(to_be_filled(target)),
            None => {}
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
            format!(
                "{} = {{ column = \"{name}\", codes = {{ \"1\" = \"{one}\" }}{optional} }}   # 补全代码表 · complete the code list",
                target.name
            )
        }
    }
}

/// A target that has no column: a comment, so that the file is not sound before somebody has decided.
fn to_be_filled(target: &Target) -> String {
    let form = target.form.description();
    format!(
        "# {} = {{ … }}   # 必填，没有找到对应的列：{} · required, and no column was found: {}",
        target.name, form.zh, form.en
    )
}

/// The format that a column's type or width suggests.
fn date_form(column: &ColumnInfo) -> (&'static str, &'static str) {
    let kind = column.type_name.to_ascii_lowercase();
    if kind.contains("timestamp") || kind.contains("datetime") {
        ("%Y-%m-%d %H:%M:%S", "")
    } else if kind.contains("(6)") || kind.starts_with("int") {
        ("%Y%m", ", day = \"first\"")
    } else if kind.contains("(8)") {
        ("%Y%m%d", "")
    } else {
        ("%Y-%m-%d", "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation(name: &str, columns: &[(&str, &str, &str)]) -> Relation {
        let columns = columns.iter().map(|(name, kind, comment)| ColumnInfo {
            name: (*name).to_owned(),
            written: (*name).to_owned(),
            type_name: (*kind).to_owned(),
            comment: (*comment).to_owned(),
            nulls: None,
        });
        Relation {
            name: name.to_owned(),
            kind: "table".to_owned(),
            columns: columns.collect(),
            records: None,
            sampled: None,
        }
    }

    #[test]
    fn the_field_standard_of_social_security_is_known() {
        let table = relation(
            "AC61",
            &[
                ("AAC002", "varchar(18)", ""),
                ("AAC003", "varchar(50)", ""),
                ("AAE140", "varchar(3)", ""),
                ("EAC064", "varchar(6)", ""),
                ("AAE019", "decimal(16,2)", ""),
                ("AAE036", "datetime", ""),
            ],
        );
        let proposal = propose("hrss", &table, None, None).unwrap();
        assert_eq!(proposal.fact, "income");
        for line in [
            "id = \"hrss.ac61\"",
            "subject = \"AAC002\"",
            "name = \"AAC003\"",
            "as_of = { column = \"AAE036\", format = \"%Y-%m-%d %H:%M:%S\" }",
            "amount = { column = \"AAE019\", as = \"yuan\" }",
            "to = { column = \"EAC064\", as = \"date\", format = \"%Y%m\", day = \"last\" }",
            "# category = { … }",
            "WHERE AAC002 IN (:id_numbers) AND EAC064 BETWEEN :first AND :last",
            "first = { of = \"period.from\", format = \"%Y%m\" }",
        ] {
            assert!(proposal.toml.contains(line), "{line} in\n{}", proposal.toml);
        }
    }

    #[test]
    fn chinese_names_and_comments_are_understood_and_a_table_about_nobody_is_not_proposed() {
        let table =
            relation("死亡登记", &[("公民身份号码", "text", ""), ("姓名", "text", ""), ("d", "date", "死亡日期")]);
        let proposal = propose("health", &table, None, None).unwrap();
        assert_eq!(proposal.fact, "death");
        assert!(
            proposal.toml.contains("died_on = { column = \"d\", as = \"date\", format = \"%Y-%m-%d\" }"),
            "{}",
            proposal.toml
        );
        let codes = relation("codes", &[("code", "text", ""), ("name", "text", "")]);
        assert_eq!(propose("health", &codes, None, None), Err(NoProposal::NoSubject));
    }

    #[test]
    fn a_table_whose_columns_fit_no_fact_is_proposed_once_the_fact_is_said() {
        let table = relation("t", &[("sfzh", "text", ""), ("x1", "text", "")]);
        assert_eq!(propose("health", &table, None, None), Err(NoProposal::NoFact));
        assert_eq!(propose("health", &table, Some("death"), None).map(|proposal| proposal.fact), Ok("death"));
    }

    #[test]
    fn the_columns_of_a_vehicle_registry_are_known() {
        for (subject, comment) in [("sfzmhm", ""), ("身份证明号码", ""), ("c1", "机动车所有人身份证明号码")]
        {
            let columns =
                [(subject, "varchar(18)", comment), ("syr", "text", ""), ("cllx", "text", ""), ("djrq", "date", "")];
            let proposal = propose("vehicle", &relation("veh_info", &columns), None, None).unwrap();
            assert_eq!(proposal.fact, "asset");
            assert!(proposal.toml.contains(&format!("subject = \"{subject}\"")), "{}", proposal.toml);
            assert!(proposal.toml.contains("name = \"syr\""), "{}", proposal.toml);
        }
    }

    #[test]
    fn a_complete_proposal_is_a_dataset_that_the_checker_takes() {
        let table = relation("death_reg", &[("sfzh", "char(18)", ""), ("xm", "text", ""), ("swrq", "char(8)", "")]);
        let proposal = propose("health", &table, None, None).unwrap();
        let head = "schema = \"hedui.connector/1\"\n[adapter]\nid = \"health\"\nversion = \"1\"\nname = { zh = \"卫健\", en = \"Health\" }\ncontact = \"0\"\n[source]\nkind = \"sql\"\nurl = { env = \"X\" }\nstatement_timeout = \"2s\"\nmax_connections = 1\nmax_rows = 10\n[quota]\nper_second = 1\nburst = 1\n";
        let text = format!("{head}{}", proposal.toml);
        let connector = crate::connector::Connector::parse(&text, std::path::Path::new("connector.toml"));
        assert!(connector.is_ok(), "{}\n{text}", connector.unwrap_err());
    }
}
