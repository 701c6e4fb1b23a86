//! Reading a file of cases: its bytes, its JSON, and every fault with line, column and key, in both languages.

use std::path::Path;

use serde_json::Value;

use super::evaluate::Unusable;
use super::faults::{self, Spot, spot_after};
use crate::domain::problem::Text;
use crate::verdict::cases::CaseFile;

/// A file of cases of sound form.
pub(super) fn parse(path: &Path) -> Result<CaseFile, Unusable> {
    let text = read(path)?;
    let found = |faults: &[(Spot, Text)]| Unusable::at_spots(path, faults);
    let parsed = serde_json::from_str::<CaseFile>(&text);
    if parsed.is_err() {
        // What does not fit may stand before what is no JSON at all; the latter makes all places doubtful.
        if let Err(error) = serde_json::from_str::<Value>(&text) {
            return Err(found(&[syntax(&text, &error)]));
        }
    }
    // A member that stands twice is looked for also where the types would let the last one win without a word.
    let twice = faults::twice(&text);
    match parsed {
        Ok(file) if twice.is_empty() => Ok(file),
        Ok(_) => Err(found(&twice)),
        Err(error) => {
            let mut all = faults::of_file(&text);
            all.extend(twice);
            if all.is_empty() {
                let zh = format!("与格式不符：{error}");
                all.push((spot_of_error(&text, &error), Text::new(zh, format!("does not fit: {error}"))));
            }
            Err(found(&all))
        }
    }
}

/// The text of a file. A byte order mark at its beginning is nothing to the reader (RFC 8259, section 8.1).
pub(super) fn read(path: &Path) -> Result<String, Unusable> {
    let bytes = std::fs::read(path)
        .map_err(|error| Unusable::in_file(path, format!("无法读取：{error}"), format!("cannot be read: {error}")))?;
    let body = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    match std::str::from_utf8(body) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let sound = body.get(..error.valid_up_to()).and_then(|sound| std::str::from_utf8(sound).ok());
            let byte = body.get(error.valid_up_to()).copied().unwrap_or_default();
            let from = match body {
                [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => "UTF-16",
                _ => "GB18030",
            };
            let says = Text::new(
                format!("不是 UTF-8 编码（字节 0x{byte:02X}）：请另存为 UTF-8，例如 iconv -f {from} -t UTF-8"),
                format!(
                    "is not UTF-8 (byte 0x{byte:02X}): save it as UTF-8, for instance with iconv -f {from} -t UTF-8"
                ),
            );
            Err(Unusable::at_spots(path, &[(spot_after(sound.unwrap_or_default()), says)]))
        }
    }
}

/// Where the reader of JSON stood. It counts bytes; people count characters.
fn spot_of_error(text: &str, error: &serde_json::Error) -> Spot {
    let line = text.split('\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    let starts = line.char_indices().take_while(|(at, _)| *at < error.column()).count();
    Spot { line: error.line().max(1), column: starts.max(1) }
}

/// What is no JSON, and how to mend it.
fn syntax(text: &str, error: &serde_json::Error) -> (Spot, Text) {
    let spot = spot_of_error(text, error);
    if text.trim().is_empty() {
        return (
            spot,
            Text::new("文件是空的：应为含 cases 的 JSON 对象", "the file is empty: give a JSON object with `cases`"),
        );
    }
    let told = error.to_string();
    let cause = told.split(" at line ").next().unwrap_or_default();
    let (zh, en) = match cause {
        _ if error.is_eof() => (
            "文件到此中断，还有对象、数组或字符串没有结束：文件可能被截断，请重新取得完整的文件",
            "the file ends here inside an object, a list or a string: it may have been cut off; get the whole file again",
        ),
        "expected value" if word_at(text, spot).is_some() => (
            "JSON 没有 NaN、Infinity、None、True 这样的值：金额写成字符串，如 \"1234.50\"，没有的写 null，是非写 true、false",
            "JSON has no values such as NaN, Infinity, None or True: write amounts as strings, such as \"1234.50\", null for nothing, true and false",
        ),
        "expected value" | "expected ident" => (
            "此处应有一个值：字符串加双引号，数字、true、false、null 不加",
            "a value is expected here: strings in double quotes; numbers, true, false and null without",
        ),
        "trailing comma" => ("最后一项之后有多余的逗号：请删去", "a comma after the last item: remove it"),
        "trailing characters" => (
            "JSON 到此已经结束，后面还有内容：一个文件只放一个 JSON 对象",
            "the JSON has ended before this: one file holds one JSON object",
        ),
        "key must be a string" => ("成员名须加双引号", "the name of a member must be in double quotes"),
        "number out of range" => (
            "数字过大：金额写成字符串，如 \"1234.50\"",
            "the number is too large: write amounts as strings, such as \"1234.50\"",
        ),
        "invalid number" => (
            "数字写法不对：不要有前导零、正号或单独的小数点",
            "not a number as JSON writes them: no leading zero, plus sign or bare point",
        ),
        "recursion limit exceeded" => ("嵌套过深", "nested too deeply"),
        _ if cause.starts_with("expected") => ("缺少冒号、逗号或括号", "a colon, a comma or a bracket is missing"),
        _ if cause.starts_with("control character") => (
            "字符串中有换行或其他控制字符：请写成 \\n 这样的转义",
            "a line break or another control character inside a string: write it as an escape such as \\n",
        ),
        _ => ("字符串中的转义不对", "an escape inside a string is not one of JSON's"),
    };
    let says = Text::new(format!("不是合法的 JSON：{zh}"), format!("is not JSON: {en} ({cause})"));
    (spot, says)
}

/// A value of other languages that JSON does not have.
fn word_at(text: &str, spot: Spot) -> Option<&'static str> {
    let line = text.split('\n').nth(spot.line - 1)?;
    let (at, _) = line.char_indices().nth(spot.column - 1)?;
    let rest = line.get(at..)?;
    let rest = rest.strip_prefix('-').unwrap_or(rest);
    ["NaN", "nan", "Infinity", "inf", "None", "True", "False", "undefined"]
        .into_iter()
        .find(|word| rest.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(bytes: &[u8]) -> Text {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f.json");
        std::fs::write(&path, bytes).unwrap();
        match parse(&path) {
            Ok(_) => Text::new("", ""),
            Err(Unusable(text)) => {
                let cut = |side: &str| side.replace(&format!("{}:", path.display()), "");
                Text::new(cut(&text.zh), cut(&text.en))
            }
        }
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place_and_how_to_mend_it_in_both_languages() {
        for (text, place, zh, en) in [
            ("", "1:1: ", "文件是空的", "the file is empty"),
            ("{\"cases\": [", "1:11: ", "文件到此中断", "cut off"),
            ("{\"cases\": [{\"id\": \"一户", "1:21: ", "文件到此中断", "cut off"),
            ("{\"cases\":\n [NaN]}", "2:3: ", "JSON 没有 NaN", "no values such as NaN"),
            ("{\"cases\": [-Infinity]}", "1:13: ", "JSON", "JSON"),
            ("{\"cases\": [1e400]}", "1:16: ", "数字过大", "too large"),
            ("{\"cases\": [],}", "1:14: ", "多余的逗号", "a comma after the last item"),
            ("{\"cases\": []} {}", "1:15: ", "已经结束", "has ended"),
            ("{cases: []}", "1:2: ", "须加双引号", "double quotes"),
            ("{\"cases\": [01]}", "1:13: ", "数字写法不对", "no leading zero"),
            ("{\"cases\": [\"\n\"]}", "2:1: ", "控制字符", "control character"),
            ("{\"cases\": [\"\\x\"]}", "1:14: ", "转义", "escape"),
            ("{\"cases\" []}", "1:10: ", "冒号", "colon"),
        ] {
            let told = told(text.as_bytes());
            assert!(told.zh.starts_with(place) && told.zh.contains(zh), "{text}: {}", told.zh);
            assert!(told.en.starts_with(place) && told.en.contains(en), "{text}: {}", told.en);
        }
        assert!(told(&[b"[".repeat(200), b"]".repeat(200)].concat()).zh.contains("嵌套过深"));
    }

    #[test]
    fn a_file_of_another_encoding_is_told_with_the_first_byte_and_a_byte_order_mark_is_nothing() {
        let gb = told(b"{\"cases\": [\n {\"id\": \"\xBB\xA7\"}]}");
        assert!(gb.zh.starts_with("2:10: 不是 UTF-8 编码（字节 0xBB）") && gb.zh.contains("GB18030"), "{}", gb.zh);
        assert!(told(b"\xFF\xFE{\0").en.contains("UTF-16"));
        assert_eq!(told(b"\xEF\xBB\xBF{\"cases\": []}").en, "");
        assert!(told(b"\xEF\xBB\xBF{\"cases\": 3}").en.starts_with("1:11: "));
    }
}
