//! What the operating system and the readers of TOML and PEM say, in Chinese: they speak English only.

mod toml;

use std::io;

pub(crate) use self::toml::{of_form, of_toml};

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

/// What is wrong with a file of PEM, as its reader says it.
pub(crate) fn of_pem(cause: &str) -> String {
    if let Some(system) = cause.strip_prefix("I/O error: ") {
        let kinds = [
            ("No such file", io::ErrorKind::NotFound),
            ("Permission denied", io::ErrorKind::PermissionDenied),
            ("Is a directory", io::ErrorKind::IsADirectory),
            ("Not a directory", io::ErrorKind::NotADirectory),
        ];
        let kind = kinds.into_iter().find(|(said, _)| system.starts_with(said));
        return kind.map_or_else(|| system.to_owned(), |(_, kind)| of_system(&kind.into()));
    }
    let known = [
        ("no items found", "里面没有 PEM"),
        ("PEM: no certificate", "里面没有证书"),
        ("section end", "PEM 没有结尾"),
        ("illegal section start", "PEM 的开头不对"),
        ("base64", "PEM 的内容不是 Base64"),
        ("invalid peer certificate", "证书不可用"),
        ("keys may not be consistent", "私钥和证书不是一对"),
        ("failed to parse private key", "私钥不可用"),
    ];
    let lower = cause.to_lowercase();
    known.into_iter().find(|(said, _)| lower.contains(&said.to_lowercase())).map_or(cause, |(_, told)| told).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_system_is_told_in_chinese() {
        assert_eq!(of_system(&io::ErrorKind::NotFound.into()), "不存在");
        assert_eq!(of_system(&io::Error::other("odd")), "odd");
        assert_eq!(of_pem("I/O error: No such file or directory (os error 2)"), "不存在");
        assert_eq!(of_pem("no items found"), "里面没有 PEM");
    }
}
