//! What an account could change, and the statements that take it away. An account that can write is not used:
//! a session that is told to be read-only can be told otherwise, an account without the privilege cannot.

use std::collections::BTreeMap;

use super::super::SourceError;
use super::super::trouble::{Rung, Trouble, Whereabouts};
use crate::connector::Driver;
use crate::error::Text;
use crate::native::Native;
use crate::synthetic::without_identity_numbers;

/// A way in which an account could change something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Power {
    /// The privilege: `INSERT`, `SUPERUSER`, `OWNER`, `MEMBER`, `ALL PRIVILEGES`, …
    pub(super) power: String,
    /// On what, as the database writes it; empty for everything.
    pub(super) object: String,
    /// Who holds it: the account, a role of it, or `PUBLIC`.
    pub(super) holder: String,
}

/// Privileges of `MariaDB` and `MySQL` that change nothing.
const HARMLESS: &[&str] = &[
    "USAGE",
    "SELECT",
    "SHOW VIEW",
    "SHOW DATABASES",
    "PROCESS",
    "EXECUTE",
    "LOCK TABLES",
    "REPLICATION CLIENT",
    "BINLOG MONITOR",
    "SLAVE MONITOR",
    "REPLICA MONITOR",
    "SHOW_ROUTINE",
    "REFERENCES",
];

/// The most objects a sentence and its command name.
const NAMED: usize = 5;

impl Power {
    /// A row of the powers of `PostgreSQL`; `None` when it is no such row.
    pub(super) fn of(row: &[Native]) -> Option<Self> {
        let text = |place: usize| match row.get(place) {
            Some(Native::Text(text)) => Some(text.clone()),
            _ => None,
        };
        Some(Self { power: text(0)?, object: text(1)?, holder: text(2)? })
    }

    /// The account in the line of `SHOW GRANTS` that is about everything: `GRANT … ON *.* TO account …`.
    pub(super) fn grantee(line: &str) -> Option<&str> {
        line.split_once(" ON *.* TO ")?.1.split(' ').next()
    }

    /// The powers in a line of `SHOW GRANTS`: `GRANT a, b (c) ON object TO holder …`; `None` when it is no line
    /// that is known, for then it may hold any power.
    pub(super) fn in_grant(line: &str) -> Option<Vec<Self>> {
        if line.starts_with("SET DEFAULT ROLE ") || line.starts_with("REVOKE ") {
            return Some(Vec::new());
        }
        let Some((privileges, rest)) = line.strip_prefix("GRANT ")?.split_once(" ON ") else {
            // A granted role has no ON; what it may do has lines of its own.
            return line.contains(" TO ").then(Vec::new);
        };
        let (object, rest) = rest.split_once(" TO ")?;
        let object = object.trim_start_matches("TABLE ").to_owned();
        let holder = rest.split(' ').next().unwrap_or_default().to_owned();
        let mut powers: Vec<Self> = separate(privileges)
            .into_iter()
            .filter(|privilege| {
                let name = privilege.split('(').next().unwrap_or_default().trim();
                !HARMLESS.contains(&name)
            })
            .map(|power| Self { power: power.to_owned(), object: object.clone(), holder: holder.clone() })
            .collect();
        if rest.contains("WITH GRANT OPTION") {
            powers.push(Self { power: "GRANT OPTION".to_owned(), object, holder });
        }
        Some(powers)
    }
}

/// Splits at commas that are not in parentheses.
fn separate(list: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_u32, 0);
    for (place, character) in list.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(list.get(start..place).unwrap_or_default().trim());
                start = place + 1;
            }
            _ => {}
        }
    }
    parts.push(list.get(start..).unwrap_or_default().trim());
    parts
}

/// The connection of an account there is no trouble with; no other is used.
pub(super) fn trusted<C>(connection: C, trouble: Option<Trouble>) -> Result<C, SourceError> {
    match trouble {
        Some(trouble) => Err(SourceError::Writable(Box::new(trouble))),
        None => Ok(connection),
    }
}

/// The trouble with an account of which the server says something that is not understood: `line`, where it is
/// text. What it may do is not known, which is not the same as nothing.
pub(super) fn unreadable(line: Option<&str>, place: &Whereabouts) -> Trouble {
    let user = &place.user;
    // A line of SHOW GRANTS may end with the hash of a password.
    let shown = line.and_then(|line| line.split(" IDENTIFIED ").next()).unwrap_or("");
    Trouble {
        code: "privileges_unreadable",
        rung: Rung::ReadOnly,
        what: Text::new(
            format!("服务器列出的账号 {user} 的权限里有读不懂的内容，不知道它能不能改数据，所以不用它"),
            format!(
                "what the server says of the privileges of the account {user} is not understood; whether it can change records is not known, so it is not used"
            ),
        ),
        mend: Text::new(
            "用下面的命令看它的权限，由管理员收回只读以外的部分；如果本来就只读，请把原文告诉我们",
            "look at them with the command below and have an administrator take back what does more than read; where it only reads, tell us of the words",
        ),
        command: Some(match place.driver {
            Some(Driver::Mariadb) => format!("SHOW GRANTS FOR {};", place.account()),
            _ => format!("\\du {user}"),
        }),
        details: without_identity_numbers(shown),
    }
}

/// The trouble with an account that could change records, with the statements that mend it.
pub(super) fn writable(powers: &[Power], place: &Whereabouts) -> Option<Trouble> {
    if powers.is_empty() {
        return None;
    }
    let other = powers.iter().any(|power| matches!(power.power.as_str(), "SUPERUSER" | "OWNER"));
    let named: Vec<String> = powers
        .iter()
        .take(NAMED)
        .map(|power| match (power.power.as_str(), power.object.as_str()) {
            (power, "") => power.to_owned(),
            (power, object) => format!("{power} {object}"),
        })
        .collect();
    let list = named.join(", ");
    let more = powers.len().saturating_sub(NAMED);
    let (more_zh, more_en) =
        if more > 0 { (format!(" 等 {} 项", powers.len()), format!(" and {more} more")) } else { Default::default() };
    let what = Text::new(
        format!("账号 {} 能改数据（{list}{more_zh}），所以不用它", place.user),
        format!("the account {} can change records ({list}{more_en}), so it is not used", place.user),
    );
    let (mend, command) = if other {
        (
            Text::new(
                "超级用户或表的所有者收不回写权：另建一个只读账号，换到 [source] 里",
                "a superuser or an owner cannot be kept from writing: make an account that can only read, and use that one",
            ),
            another_account(powers, place),
        )
    } else {
        (Text::new("由管理员收回写权", "have an administrator take the privileges back"), revokes(powers, place))
    };
    Some(Trouble {
        code: "account_can_write",
        rung: Rung::ReadOnly,
        what,
        mend,
        command: Some(command),
        details: String::new(),
    })
}

fn another_account(powers: &[Power], place: &Whereabouts) -> String {
    let objects = powers.iter().filter(|power| power.power == "OWNER").map(|power| power.object.as_str());
    let objects: Vec<_> = objects.take(NAMED).collect();
    let schema = objects.first().and_then(|object| object.split_once('.')).map_or("public", |(schema, _)| schema);
    let objects = if objects.is_empty() { format!("ALL TABLES IN SCHEMA {schema}") } else { objects.join(", ") };
    format!(
        "CREATE ROLE hedui_ro LOGIN PASSWORD '…'; GRANT CONNECT ON DATABASE {} TO hedui_ro; \
         GRANT USAGE ON SCHEMA {schema} TO hedui_ro; GRANT SELECT ON {objects} TO hedui_ro;",
        place.database
    )
}

fn revokes(powers: &[Power], place: &Whereabouts) -> String {
    let mut by_object: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for power in powers {
        by_object.entry((&power.object, &power.holder)).or_default().push(&power.power);
    }
    let statements = by_object.into_iter().take(NAMED).map(|((object, holder), powers)| match place.driver {
        Some(Driver::Mariadb) if powers.iter().any(|power| power.starts_with("ALL PRIVILEGES")) => {
            let grant = if powers.contains(&"GRANT OPTION") {
                format!("REVOKE GRANT OPTION ON {object} FROM {holder}; ")
            } else {
                String::new()
            };
            format!(
                "{grant}REVOKE ALL PRIVILEGES ON {object} FROM {holder}; GRANT SELECT ON `{}`.* TO {holder};",
                place.database
            )
        }
        Some(Driver::Mariadb) => format!("REVOKE {} ON {object} FROM {holder};", powers.join(", ")),
        _ if object.is_empty() || powers == ["MEMBER"] => format!("REVOKE {object} FROM {holder};"),
        _ => format!("REVOKE {} ON {object} FROM {holder};", powers.join(", ")),
    });
    statements.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(driver: Driver) -> Whereabouts {
        Whereabouts {
            driver: Some(driver),
            host: "db".into(),
            port: 1,
            user: "hedui".into(),
            account: None,
            database: "house".into(),
        }
    }

    #[test]
    fn grants_that_only_read_are_no_power() {
        for line in [
            "GRANT USAGE ON *.* TO `hedui`@`%` IDENTIFIED BY PASSWORD '*AB'",
            "GRANT SELECT, SHOW VIEW ON `house`.* TO `hedui`@`%`",
            "GRANT SELECT (`a`, `b`) ON `house`.`owner` TO `hedui`@`%`",
            "GRANT `reader` TO `hedui`@`%`",
            "SET DEFAULT ROLE `reader` FOR `hedui`@`%`",
        ] {
            assert_eq!(Power::in_grant(line), Some(Vec::new()), "{line}");
        }
    }

    #[test]
    fn a_line_that_is_not_understood_is_not_taken_for_no_power() {
        for line in
            ["", "GRANT", "GRANT INSERT ON `house`.*", "GRANT `reader`", "ALLOW INSERT ON `house`.* TO `hedui`@`%`"]
        {
            assert_eq!(Power::in_grant(line), None, "{line}");
        }
        assert_eq!(Power::of(&[Native::Text("INSERT".into()), Native::Bytes, Native::Null]), None);
        let trouble = unreadable(Some("ALLOW x TO y IDENTIFIED BY PASSWORD '*AB'"), &place(Driver::Mariadb));
        assert_eq!((trouble.code, trouble.rung), ("privileges_unreadable", Rung::ReadOnly));
        assert_eq!(trouble.details, "ALLOW x TO y");
        assert_eq!(trouble.command.as_deref(), Some("SHOW GRANTS FOR 'hedui'@'%';"));
    }

    #[test]
    fn each_way_to_write_is_named_and_taken_back_where_it_was_given() {
        let lines = [
            "GRANT SELECT, INSERT, UPDATE (`a`, `b`) ON `house`.`owner` TO `hedui`@`%`",
            "GRANT ALL PRIVILEGES ON `other`.* TO `hedui`@`%` WITH GRANT OPTION",
            "GRANT FILE ON *.* TO `hedui`@`%`",
        ];
        let powers: Vec<_> = lines.into_iter().filter_map(Power::in_grant).flatten().collect();
        let trouble = writable(&powers, &place(Driver::Mariadb)).unwrap();
        assert_eq!(trouble.rung, Rung::ReadOnly);
        let command = trouble.command.unwrap();
        for part in [
            "REVOKE INSERT, UPDATE (`a`, `b`) ON `house`.`owner` FROM `hedui`@`%`;",
            "REVOKE GRANT OPTION ON `other`.* FROM `hedui`@`%`; REVOKE ALL PRIVILEGES ON `other`.* FROM `hedui`@`%`;",
            "REVOKE FILE ON *.* FROM `hedui`@`%`;",
        ] {
            assert!(command.contains(part), "{part} in {command}");
        }
        assert!(writable(&[], &place(Driver::Mariadb)).is_none());
    }

    #[test]
    fn an_owner_is_told_to_use_another_account() {
        let powers = [Power { power: "OWNER".into(), object: "house.owner".into(), holder: "hedui".into() }];
        let trouble = writable(&powers, &place(Driver::Postgres)).unwrap();
        assert!(trouble.command.unwrap().contains("GRANT SELECT ON house.owner TO hedui_ro;"));
        let member = [Power { power: "MEMBER".into(), object: "pg_write_all_data".into(), holder: "hedui".into() }];
        let trouble = writable(&member, &place(Driver::Postgres)).unwrap();
        assert_eq!(trouble.command.as_deref(), Some("REVOKE pg_write_all_data FROM hedui;"));
    }
}
