//! What the reader of TOML says, in Chinese, and of its English what only a programmer reads.

use crate::error::Text;
use crate::nearest::nearest;

/// What is said of a text that is no TOML, before the comma.
const SYNTAX: [(&str, &str); 40] = [
    ("duplicate key", "键重复"),
    ("missing opening quote", "少了开头的引号"),
    ("missing comma between array elements", "数组的两项之间少了逗号"),
    ("missing comma between key-value pairs", "两个键之间少了逗号"),
    ("missing assignment between key-value pairs", "键和值之间少了等号"),
    ("extra assignment between key-value pairs", "键和值之间多了等号"),
    ("missing value for key", "键没有值"),
    ("missing value", "少了值"),
    ("key with no value", "键没有值"),
    ("missing key for inline table element", "花括号里少了键"),
    ("missing inline table opening", "少了开头的花括号"),
    ("missing array opening", "少了开头的方括号"),
    ("missing table open", "少了开头的方括号"),
    ("missing escaped value", "反斜杠后面没有内容"),
    ("missing comment start", "注释少了 #"),
    ("string values must be quoted", "文本要加引号"),
    ("unquoted keys cannot be empty", "键不能为空"),
    ("unexpected key or value", "这里不该有键或值"),
    ("unexpected content between comment and newline", "注释之后有多余的内容"),
    ("unexpected content", "有多余的内容"),
    ("unexpected leading zero", "数字不能以 0 开头"),
    ("unexpected sign", "多了正负号"),
    ("redundant numeric sign", "多了正负号"),
    ("unexpected `=` in array", "数组里多了等号"),
    ("extra `=`", "多了等号"),
    ("extra comma in inline table", "花括号里多了逗号"),
    ("extra comma in array", "数组里多了逗号"),
    ("unclosed array table", "表头的方括号没有闭合"),
    ("unclosed table", "表头的方括号没有闭合"),
    ("unclosed inline table", "花括号没有闭合"),
    ("unclosed array", "方括号没有闭合"),
    ("invalid basic string", "文本里有不合法的字符，或引号没有闭合"),
    ("invalid literal string", "文本里有不合法的字符，或单引号没有闭合"),
    ("invalid multi-line basic string", "三引号的文本没有闭合，或里面有不合法的字符"),
    ("invalid multi-line literal string", "三单引号的文本没有闭合，或里面有不合法的字符"),
    ("invalid unquoted key", "键里有要加引号的字符"),
    ("invalid key-value pair", "不是“键 = 值”"),
    ("invalid inline table element", "花括号里不是“键 = 值”"),
    ("invalid date-time", "不是日期"),
    ("carriage return must be followed by newline", "回车符后面没有换行符"),
];

/// The beginnings of what is said of a value or a key.
const BEGINNINGS: [(&str, &str); 9] = [
    ("unknown field ", "不认识的键 "),
    ("missing field ", "缺少键 "),
    ("duplicate field ", "键重复 "),
    ("duplicate key", "键重复"),
    ("invalid type: ", "类型不对："),
    ("invalid value: ", "值不对："),
    ("invalid length ", "长度不对："),
    ("unclosed ", "没有闭合："),
    ("invalid ", "不合法："),
];

const PARTS: [(&str, &str); 20] = [
    ("array", "数组"),
    (", expected one of ", "，可用的有 "),
    (", expected ", "，应为 "),
    ("there are no fields", "（没有可用的键）"),
    ("a borrowed string", "文本"),
    ("a sequence", "数组"),
    ("a string", "文本"),
    ("a whole number", "整数"),
    (" from 0 to ", "，0 至 "),
    (" of 0 or more", "，不小于 0"),
    ("a map", "表（[…] 或 { … }）"),
    ("struct ", "表 "),
    ("sequence", "数组"),
    ("string", "文本"),
    ("integer", "整数"),
    ("floating point", "小数"),
    ("boolean", "true 或 false"),
    ("a boolean", "true 或 false"),
    ("map", "表"),
    (" or ", " 或 "),
];

/// The names of types that only a programmer reads.
const TYPES: [(&str, &str); 5] = [
    ("u16", "a whole number from 0 to 65535"),
    ("u32", "a whole number of 0 or more"),
    ("u64", "a whole number of 0 or more"),
    ("usize", "a whole number of 0 or more"),
    ("i64", "a whole number"),
];

/// That a table is not of its form, how, and at which of its keys.
pub(crate) fn of_form(error: &toml::de::Error) -> Text {
    // The key is told by the error as a whole only: `in `a.b``, on a line of its own.
    let whole = error.to_string();
    let key = whole.lines().find_map(|line| line.strip_prefix("in `")?.strip_suffix('`'));
    let told = of_toml(error.message());
    let told = Text::new(format!("格式不对：{}", told.zh), format!("not of the right form: {}", told.en));
    match key {
        Some(key) => told.about(&format!("`{key}`")),
        None => told,
    }
}

/// A message of the reader of TOML, with the key that was probably meant. Names and values stand in it as they were written.
pub(crate) fn of_toml(message: &str) -> Text {
    let line = message.lines().next().unwrap_or_default();
    let mut en = line.to_owned();
    for (named, told) in TYPES {
        if let Some(before) = en.strip_suffix(named).filter(|before| before.ends_with("expected ")) {
            en = format!("{before}{told}");
        }
    }
    let zh = chinese(&en);
    match meant(line) {
        Some(meant) => Text::new(format!("{zh}；是不是 `{meant}`？"), format!("{en}; did you mean `{meant}`?")),
        None => Text::new(zh, en),
    }
}

/// The key that was meant, of those that a message lists.
fn meant(line: &str) -> Option<&str> {
    let mut quoted = line.strip_prefix("unknown field ")?.split('`').skip(1).step_by(2);
    let unknown = quoted.next()?;
    nearest(unknown, quoted)
}

fn chinese(message: &str) -> String {
    let (head, expected) = message.split_once(", expected ").unwrap_or((message, ""));
    if let Some((_, told)) = SYNTAX.iter().find(|(english, _)| *english == head) {
        // What would be right is told in signs, which are the same in every language.
        let signs = expected.contains('`') && !expected.contains(|letter: char| letter.is_ascii_alphabetic());
        return if signs { format!("{told}，应为 {expected}") } else { (*told).to_owned() };
    }
    let known = BEGINNINGS.iter().find_map(|(english, chinese)| Some((chinese, message.strip_prefix(english)?)));
    let Some((chinese, rest)) = known else { return message.to_owned() };
    // What stands in quotes is the file's own.
    let translated = rest.split('`').enumerate().map(|(place, part)| {
        let english = place % 2 == 0;
        PARTS.iter().fold(part.to_owned(), |text, (from, to)| if english { text.replace(from, to) } else { text })
    });
    format!("{chinese}{}", translated.collect::<Vec<_>>().join("`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_toml_says_is_told_in_chinese_and_what_the_file_says_is_left_alone() {
        for (said, told) in [
            ("unknown field `string`, expected one of `id`, `fact`", "不认识的键 `string`，可用的有 `id`, `fact`"),
            (
                "unknown field `fcat`, expected `id` or `fact`",
                "不认识的键 `fcat`，应为 `id` 或 `fact`；是不是 `fact`？",
            ),
            ("missing field `adapter`", "缺少键 `adapter`"),
            ("invalid type: integer `1`, expected a string", "类型不对：整数 `1`，应为 文本"),
            ("invalid type: string \"1\", expected u16", "类型不对：文本 \"1\"，应为 整数，0 至 65535"),
            ("missing opening quote, expected `\"`", "少了开头的引号，应为 `\"`"),
            ("string values must be quoted, expected literal string", "文本要加引号"),
            ("something else", "something else"),
        ] {
            assert_eq!(of_toml(said).zh, told);
        }
        assert_eq!(
            of_toml("invalid type: string \"1\", expected u16").en,
            "invalid type: string \"1\", expected a whole number from 0 to 65535"
        );
    }

    #[test]
    fn what_is_wrong_in_a_text_is_told_without_a_word_of_english() {
        for text in
            ["a = b\"", "a = \"b", "a 1", "a = [1 2]", "[a", "a = 01", "a = 1\na = 2", "= 1", "a = {b 1}", "a ="]
        {
            let told = of_toml(toml::from_str::<toml::Table>(text).unwrap_err().message()).zh;
            let plain: String = told.split('`').step_by(2).collect();
            assert!(!plain.contains(|letter: char| letter.is_ascii_alphabetic()), "{text:?}: {told}");
        }
    }

    #[test]
    fn a_key_of_a_wrong_form_is_named() {
        #[derive(Debug, serde::Deserialize)]
        struct Place {
            #[expect(dead_code, reason = "it is not read")]
            port: u16,
        }
        let table: toml::Table = toml::from_str("port = \"x\"").unwrap();
        let told = of_form(&<Place as serde::Deserialize>::deserialize(table).unwrap_err());
        assert!(
            told.zh.starts_with("`port`：格式不对") && told.en.starts_with("`port`: not of the right form"),
            "{told:?}"
        );
    }
}
