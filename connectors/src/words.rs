//! What the operating system and the reader of TOML say, in Chinese: they speak English only.

use std::io;

use crate::error::Text;

/// An error of the operating system. One that is not known here stays in its own words.
pub(crate) fn of_system(error: &io::Error) -> String {
    let known = match error.kind() {
        io::ErrorKind::NotFound => "不存在",
        io::ErrorKind::PermissionDenied => "没有权限",
        io::ErrorKind::AlreadyExists => "已经存在",
        io::ErrorKind::IsADirectory => "是文件夹，不是文件",
        io::ErrorKind::NotADirectory => "路径里有一段不是文件夹",
        io::ErrorKind::ReadOnlyFilesystem => "文件系统是只读的",
        io::ErrorKind::StorageFull => "磁盘满了",
        io::ErrorKind::InvalidData => "不是 UTF-8 文本",
        io::ErrorKind::AddrInUse => "已被别的程序占用",
        io::ErrorKind::AddrNotAvailable => "不是本机的地址",
        io::ErrorKind::ConnectionRefused => "拒绝连接，没有程序在听",
        io::ErrorKind::ConnectionReset => "连接被对方断开",
        io::ErrorKind::TimedOut => "超时",
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "网络不通",
        _ => return error.to_string(),
    };
    known.to_owned()
}

/// That a table is not of its form, and how.
pub(crate) fn of_form(error: &toml::de::Error) -> Text {
    let message = error.message().lines().next().unwrap_or_default();
    Text::new(format!("格式不对：{}", of_toml(message)), format!("not of the right form: {message}"))
}

/// A message of the reader of TOML. Names and values stand in it as they were written.
pub(crate) fn of_toml(message: &str) -> String {
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
    const PARTS: [(&str, &str); 12] = [
        ("array", "数组"),
        (", expected one of ", "，可用的有 "),
        (", expected ", "，应为 "),
        ("there are no fields", "（没有可用的键）"),
        ("a borrowed string", "文本"),
        ("a sequence", "数组"),
        ("a string", "文本"),
        ("sequence", "数组"),
        ("string", "文本"),
        ("integer", "整数"),
        ("floating point", "小数"),
        ("boolean", "true 或 false"),
    ];
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
            ("missing field `adapter`", "缺少键 `adapter`"),
            ("invalid type: integer `1`, expected a string", "类型不对：整数 `1`，应为 文本"),
            ("something else", "something else"),
        ] {
            assert_eq!(of_toml(said), told);
        }
    }

    #[test]
    fn an_error_of_the_system_is_told_in_chinese() {
        assert_eq!(of_system(&io::ErrorKind::NotFound.into()), "不存在");
        assert_eq!(of_system(&io::Error::other("odd")), "odd");
    }
}
