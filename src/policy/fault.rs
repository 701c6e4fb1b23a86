//! `Fault`: one mistake in a pack, told so that it can be mended: where, which key, a stable code, what, how.

use std::fmt;
use std::sync::Arc;

use serde::{Serialize, Serializer};

use crate::domain::problem::Text;

/// How grave a fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The packs do not load.
    Error,
    /// The packs load; somebody should look.
    Warning,
}

macro_rules! codes {
    ($($severity:ident $name:ident $code:literal: $zh:literal, $en:literal;)*) => {
        /// The kinds of fault. A code is stable: programs may rely on it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $(#[doc = $en] $name,)*
        }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The code as programs see it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code),* }
            }

            /// Whether the packs load all the same.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity),* }
            }

            /// What it means, in Chinese and English.
            pub const fn meaning(self) -> (&'static str, &'static str) {
                match self { $(Self::$name => ($zh, $en)),* }
            }
        }
    };
}

codes! {
    Error FileUnreadable "file_unreadable": "文件或文件夹无法读取", "A file or folder cannot be read.";
    Error FileNotUtf8 "file_not_utf8": "文件不是 UTF-8 编码", "A file is not UTF-8.";
    Error FileTooLarge "file_too_large": "文件过大", "A file is too large.";
    Error MoreFaults "more_faults": "同一文件错误过多，其余未列出", "A file has more mistakes than are listed.";
    Error FolderEmpty "folder_empty": "文件夹里没有政策包", "A folder holds no pack.";
    Error FolderName "folder_name": "文件夹名不是行政区划代码", "A folder is not named by a division code.";
    Error Syntax "syntax": "不是合法的 TOML", "The text is not TOML.";
    Error KeyUnknown "key_unknown": "键名未定义", "A key is not known.";
    Error KeyMissing "key_missing": "缺少必填的键", "A key that must be there is missing.";
    Error ValueType "value_type": "值的类型不对", "A value is of the wrong type.";
    Error TextEmpty "text_empty": "文字为空", "A text is empty.";
    Error DateInvalid "date_invalid": "日期不合法", "A date is not valid.";
    Error AmountInvalid "amount_invalid": "金额写法不对", "An amount is not written as amounts are.";
    Error FactorInvalid "factor_invalid": "倍数或百分比写法不对", "A factor or percentage is not written as they are.";
    Error OutOfRange "out_of_range": "超出允许范围", "A number is outside what can be.";
    Error ChoiceUnknown "choice_unknown": "不在可选值之内", "A value is not one of the choices.";
    Error ListInvalid "list_invalid": "清单为空、重复或不全", "A list is empty, repeats itself or is not complete.";
    Error ParameterUnknown "parameter_unknown": "没有这个参数", "There is no such parameter.";
    Error SourceMissing "source_missing": "数字没有出处", "A figure has no source.";
    Error StatusUnknown "status_unknown": "核实状态不在可选值之内", "A status is not one of those known.";
    Error DivisionUnknown "division_unknown": "GB/T 2260 中没有这个代码", "A code is not in the list of GB/T 2260.";
    Error DivisionMismatch "division_mismatch": "代码与文件夹名不一致", "A code is not that of the folder.";
    Error DivisionOutside "division_outside": "不在本文件所属区划之内", "A division lies outside that of the file.";
    Error DateMismatch "date_mismatch": "生效日期与文件名不一致", "A first day is not that of the file name.";
    Error VariantName "variant_name": "并行规则的文件名缺后缀", "The file of a variant lacks a suffix.";
    Error NameTaken "name_taken": "名称已被另一地使用", "A name belongs to another place already.";
    Error PeriodReversed "period_reversed": "止期早于起期", "A last day is before the first.";
    Error PeriodOutside "period_outside": "超出文件的有效期", "A period reaches outside that of the file.";
    Error RowDuplicate "row_duplicate": "同一参数同地同日重复", "One parameter stands twice for the same place and day.";
    Error CaseInvalid "case_invalid": "自带案例写法不对", "A case inside a pack cannot be read.";
    Error CaseFailed "case_failed": "自带案例的结论与预期不符", "A case inside a pack has another verdict than it expects.";
    Warning FileIgnored "file_ignored": "文件不会被读取", "A file is not read.";
    Warning DivisionWithdrawn "division_withdrawn": "代码已被撤销", "A code was withdrawn.";
    Warning ValueUnusual "value_unusual": "数值异常，可能填错单位", "A value is unusual; the unit may be wrong.";
    Warning KindUnknown "kind_unknown": "清单里有通常不用的名称", "A list has a name that is not usual in it.";
    Warning StandardJump "standard_jump": "标准涨幅异常", "A standard rises by more than half at once.";
    Warning StandardFalls "standard_falls": "标准下降", "A standard falls.";
    Warning RuralAboveUrban "rural_above_urban": "农村标准高于城镇标准", "The rural standard is above the urban one.";
    Warning PeriodOverlap "period_overlap": "有效期重叠", "Periods of one parameter overlap.";
    Warning OlderReturns "older_returns": "旧数字会重新生效", "An older figure comes back when a newer one ends.";
    Warning OlderShadows "older_shadows": "下级旧标准遮住上级新标准", "An older standard of a nearer level hides a newer one of a wider level.";
    Warning StandardGap "standard_gap": "有一段时间没有标准", "There are days without a standard.";
    Warning StandardExpired "standard_expired": "标准已到期", "A standard has ended and none follows.";
    Warning SideMissing "side_missing": "只有城镇或农村一侧的标准", "A place has a standard for one side only.";
    Warning PlacesMissing "places_missing": "区域内有旗县没有标准", "Places inside a division have no standard.";
    Warning ParameterMissing "parameter_missing": "缺少作出结论所需的参数", "A place lacks parameters that a verdict needs.";
    Warning CareFloor "care_floor": "全护理标准低于最低工资的规定比例", "Full care costs less than its share of the minimum wage.";
    Warning RuleExpiring "rule_expiring": "规定即将到期", "A rule ends within 90 days.";
    Warning RuleExpired "rule_expired": "规定已到期", "A rule has ended and none follows.";
    Warning FigureStale "figure_stale": "数字过旧", "A figure is of an old year.";
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A place in a file: line and column as editors count them, from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// The file, relative to the folder of packs.
    pub file: Arc<str>,
    /// The line; 0 for the file as a whole.
    pub line: usize,
    /// The column, in characters; 0 for the file as a whole.
    pub column: usize,
}

impl Spot {
    /// The file as a whole.
    pub fn file(file: &Arc<str>) -> Self {
        Self { file: Arc::clone(file), line: 0, column: 0 }
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => formatter.write_str(&self.file),
            line => write!(formatter, "{}:{line}:{}", self.file, self.column),
        }
    }
}

/// One mistake, or one thing to look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// How grave.
    pub severity: Severity,
    /// What kind.
    pub code: Code,
    /// The file, relative to the folder of packs.
    pub file: Arc<str>,
    /// The line from 1; absent for the file as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// The column from 1, in characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    /// The key, such as `parameter[2].value.amount`; rows count from 1. Empty for the file as a whole.
    pub key: String,
    /// What is wrong.
    pub detail: Text,
    /// How to mend it.
    pub fix: Text,
    /// The divisions it is about, where there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub places: Vec<crate::domain::division::DivisionCode>,
}

impl Fault {
    pub(super) fn new(code: Code, spot: &Spot, key: impl Into<String>, detail: Text, fix: Text) -> Self {
        let of_file = spot.line == 0;
        Self {
            severity: code.severity(),
            code,
            file: Arc::clone(&spot.file),
            line: (!of_file).then_some(spot.line),
            column: (!of_file).then_some(spot.column),
            key: key.into(),
            detail,
            fix,
            places: Vec::new(),
        }
    }

    /// A fault of a case inside a pack, which is judged outside this module.
    pub fn of_case(code: Code, spot: &Spot, key: impl Into<String>, detail: Text, fix: Text) -> Self {
        Self::new(code, spot, key, detail, fix)
    }

    /// True when the packs do not load.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// `file:line:column`, as editors and terminals take it.
    pub fn location(&self) -> String {
        match (self.line, self.column) {
            (Some(line), Some(column)) => format!("{}:{line}:{column}", self.file),
            _ => self.file.to_string(),
        }
    }

    /// The whole fault as one line in both languages.
    pub fn text(&self) -> Text {
        let (location, code) = (self.location(), self.code.as_str());
        let (zh_severity, en_severity) = match self.severity {
            Severity::Error => ("错误", "error"),
            Severity::Warning => ("警告", "warning"),
        };
        let (zh_key, en_key) = match self.key.as_str() {
            "" => (String::new(), String::new()),
            key => (format!("`{key}` "), format!("`{key}` ")),
        };
        Text::new(
            format!(
                "{location}: {zh_severity}[{code}] {zh_key}{}。{}",
                self.detail.zh,
                ended(&self.fix.zh, '？', '。')
            ),
            format!("{location}: {en_severity}[{code}] {en_key}{}. {}", self.detail.en, ended(&self.fix.en, '?', '.')),
        )
    }
}

/// A sentence with its end: a question has one already.
fn ended(sentence: &str, question: char, stop: char) -> String {
    if sentence.ends_with(question) { sentence.to_owned() } else { format!("{sentence}{stop}") }
}

/// Why packs cannot be used: every fault that keeps them from loading.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text().en)]
pub struct PolicyError {
    /// The faults, by file and line; never empty.
    pub faults: Vec<Fault>,
}

impl PolicyError {
    /// Every fault on a line of its own, in both languages.
    pub fn text(&self) -> Text {
        let texts: Vec<Text> = self.faults.iter().map(Fault::text).collect();
        let lines = |pick: fn(&Text) -> &str| texts.iter().map(pick).collect::<Vec<_>>().join("\n");
        let count = self.faults.len();
        Text::new(
            format!("政策包无法使用，共 {count} 处错误：\n{}", lines(|text| &text.zh)),
            format!("the policy packs cannot be used; errors: {count}\n{}", lines(|text| &text.en)),
        )
    }
}

/// Sorts faults as a reader goes through the files, and removes repeats.
pub(super) fn in_reading_order(faults: &mut Vec<Fault>) {
    faults.sort_by(|left, right| {
        let place = |fault: &Fault| (Arc::clone(&fault.file), fault.line, fault.column, fault.code.as_str());
        place(left).cmp(&place(right)).then_with(|| left.key.cmp(&right.key))
    });
    faults.dedup();
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_distinct_and_told_in_both_languages() {
        let codes: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(codes.len(), Code::ALL.len());
        for code in Code::ALL {
            let (zh, en) = code.meaning();
            assert!(!zh.is_ascii() && en.ends_with('.'), "{}", code.as_str());
        }
    }

    #[test]
    fn a_fault_reads_as_one_line_that_editors_can_follow() {
        let spot = Spot { file: "152201/2024-01-01.toml".into(), line: 7, column: 3 };
        let fault =
            Fault::new(Code::KeyUnknown, &spot, "parameter[1].feild", Text::new("没有这个键", "is not known"), {
                Text::new("改为 `field`", "did you mean `field`?")
            });
        let text = fault.text();
        assert_eq!(
            text.en,
            "152201/2024-01-01.toml:7:3: error[key_unknown] `parameter[1].feild` is not known. did you mean `field`?"
        );
        assert!(text.zh.contains("错误[key_unknown]"));
    }
}
