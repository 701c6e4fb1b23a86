//! What `SQLite` says (result codes, sqlite.org/rescode.html), for people.

use super::Sign::{Code, CodeSaying};
use super::{Entry, Rung, entry};

/// More telling entries stand before those for a whole result code.
pub(super) const ENTRIES: &[Entry] = &[
    entry(
        CodeSaying(1, "no such table"),
        "sqlite_table_unknown",
        Rung::Prepare,
        ("没有 sql 里写的表或视图", "the database has no table or view of that name (no such table)"),
        ("改正 sql 里的名字", "correct the name in `sql`"),
        "hedui-adapter discover …",
    ),
    entry(
        CodeSaying(1, "no such column"),
        "sqlite_column_unknown",
        Rung::Prepare,
        ("没有 sql 里写的列", "the database has no column of that name"),
        ("改正 sql 里的列名", "correct the name in `sql`"),
        "hedui-adapter discover …",
    ),
    entry(
        CodeSaying(1, "no such function"),
        "sqlite_function_unknown",
        Rung::Prepare,
        ("SQLite 没有 sql 里写的函数", "SQLite has no function of that name"),
        ("换一种写法", "write it another way"),
        "",
    ),
    entry(
        Code(1),
        "sqlite_sql",
        Rung::Prepare,
        ("SQLite 不接受这条语句", "SQLite does not accept the statement"),
        ("按原文修改 sql", "change `sql` as the words below say"),
        "",
    ),
    entry(
        Code(3),
        "sqlite_permission",
        Rung::Tcp,
        ("不许读数据库文件 {host}", "the database file {host} may not be read"),
        ("给运行本程序的用户读权限", "let the user that runs this program read it"),
        "ls -l {host}",
    ),
    entry(
        Code(8),
        "sqlite_read_only",
        Rung::ReadOnly,
        ("语句要写数据，而连接是只读的", "the statement writes, and the connection is read-only"),
        ("只写查询", "write a query that only reads"),
        "",
    ),
    entry(
        Code(10),
        "sqlite_disk",
        Rung::Answer,
        ("读磁盘出错", "the disk could not be read"),
        ("查看系统日志和磁盘", "look at the system's log and the disk"),
        "dmesg | tail",
    ),
    entry(
        Code(11),
        "sqlite_damaged",
        Rung::Login,
        ("数据库文件 {host} 已损坏", "the database file {host} is damaged"),
        ("从备份恢复", "bring it back from a backup"),
        "sqlite3 {host} 'PRAGMA integrity_check'",
    ),
    entry(
        Code(14),
        "sqlite_cannot_open",
        Rung::Tcp,
        (
            "数据库文件 {host} 打不开：不存在，或不许读",
            "the database file {host} cannot be opened: it is not there, or may not be read",
        ),
        ("核对路径和读取权限", "check the path and the permission to read it"),
        "ls -l {host}",
    ),
    entry(
        Code(23),
        "sqlite_refused",
        Rung::Permission,
        ("SQLite 不许执行这条语句", "SQLite does not permit the statement"),
        ("只写查询", "write a query that only reads"),
        "",
    ),
    entry(
        Code(26),
        "sqlite_no_database",
        Rung::Login,
        ("文件 {host} 不是 SQLite 数据库，或已加密", "the file {host} is not a SQLite database, or is encrypted"),
        ("核对路径", "check the path"),
        "file {host}",
    ),
];
