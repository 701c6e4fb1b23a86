//! What the comment of a column says of its codes: `0正常 1销户`, `A-正常，E-注销`. Comments are about the table, and
//! hold no record.

use crate::source::ColumnInfo;

/// Longest code that is taken for one, in characters.
const MAX_CODE: usize = 4;

/// Words that say of a code: what has it no longer counts.
const GONE: &[&str] = &["注销", "销户", "作废", "无效", "删除", "报废", "撤销", "终止", "失效", "吊销"];

/// Names of columns that say whether a row still counts.
const STATUS: &[&str] = &["zt", "zhzt", "jdczt", "status", "state", "yxbz", "vali_flag"];

/// A code with what it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Code {
    pub(super) code: String,
    pub(super) meaning: String,
}

/// The codes that a comment lists.
pub(super) fn codes(comment: &str) -> Vec<Code> {
    let characters: Vec<char> = comment.chars().collect();
    let run = |from: usize, fits: fn(char) -> bool| {
        characters
            .get(from..)
            .unwrap_or_default()
            .iter()
            .copied()
            .take_while(|character| fits(*character))
            .collect::<String>()
    };
    let is_code = |character: char| character.is_ascii_alphanumeric();
    let separates = |character: char| matches!(character, '-' | ':' | '：' | '=' | '＝' | '.' | '、' | '—' | ' ');
    let mut found = Vec::new();
    let mut place = 0;
    while place < characters.len() {
        let code = run(place, is_code);
        if code.is_empty() {
            place += 1;
            continue;
        }
        place += code.len();
        let between = run(place, separates).chars().count();
        let meaning = run(place + between, is_han);
        if code.len() <= MAX_CODE && between <= 2 && !meaning.is_empty() {
            place += between + meaning.chars().count();
            found.push(Code { code, meaning });
        }
    }
    found
}

fn is_han(character: char) -> bool {
    matches!(character, '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}

/// True for a column that says whether a row still counts.
pub(super) fn is_status(column: &ColumnInfo) -> bool {
    let said = |text: &str| text.contains("状态") || text.contains("有效标志");
    let known = STATUS.iter().any(|name| column.name.eq_ignore_ascii_case(name));
    known || said(&column.name) || said(&column.comment) || !gone(column).is_empty()
}

/// The codes of rows that no longer count.
pub(super) fn gone(column: &ColumnInfo) -> Vec<String> {
    let is_gone = |code: &Code| GONE.iter().any(|word| code.meaning.contains(word));
    codes(&column.comment).into_iter().filter(is_gone).map(|code| code.code).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_from_the_ways_comments_list_them() {
        for comment in [
            "账户状态：0正常 1销户 2冻结",
            "0-正常,1-销户,2-冻结",
            "0：正常；1：销户；2：冻结",
            "(0=正常/1=销户/2=冻结)",
        ] {
            let found = codes(comment);
            let shown: Vec<_> = found.iter().map(|code| (code.code.as_str(), code.meaning.as_str())).collect();
            assert_eq!(shown, [("0", "正常"), ("1", "销户"), ("2", "冻结")], "{comment}");
        }
        for comment in ["", "GB2312编码长度", "金额", "yyyyMMdd", "2024"] {
            assert!(codes(comment).iter().all(|code| code.code.len() <= MAX_CODE), "{comment}");
        }
        assert_eq!(codes("GB32100统一社会信用代码"), [], "too long for a code");
    }
}
