//! Rows against each other: the same thing said twice, periods that overlap, an old figure that comes back.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::civil::Date;

use crate::domain::division::DivisionCode;
use crate::domain::household::UrbanRural;
use crate::domain::problem::Text;
use crate::policy::fault::{Code, Fault};
use crate::policy::pack::{Figure, Pack};

type Group<'p> = BTreeMap<(Option<&'p str>, DivisionCode, &'static str), Vec<(&'p Pack, &'p Figure)>>;

/// The faults between rows of all files.
pub(in crate::policy) fn between(packs: &[Pack]) -> Vec<Fault> {
    let mut faults = names_taken(packs);
    let mut groups: Group<'_> = BTreeMap::new();
    for pack in packs {
        for figure in &pack.figures {
            let key = (pack.header.variant.as_deref(), pack.header.division, figure.field);
            groups.entry(key).or_default().push((pack, figure));
        }
    }
    for rows in groups.values_mut() {
        rows.sort_by_key(|(_, figure)| figure.from);
        for (index, (_, figure)) in rows.iter().enumerate() {
            let after = rows.iter().skip(index + 1).map(|(_, other)| *other);
            if let Some(next) = after.into_iter().find(|other| meet(figure, other)) {
                overlap(figure, next, &mut faults);
            }
            returning(figure, rows, &mut faults);
        }
    }
    faults
}

/// True when neither of two rows of one parameter speaks more closely of a place than the other.
fn meet(first: &Figure, second: &Figure) -> bool {
    let same_places = match (first.divisions.is_empty(), second.divisions.is_empty()) {
        (true, true) => true,
        (false, false) => first.divisions.iter().any(|division| second.divisions.contains(division)),
        _ => false,
    };
    same_places && first.urban_rural == second.urban_rural
}

fn location(figure: &Figure) -> String {
    format!("{}:{}", figure.spot.file, figure.spot.line)
}

/// A row against the next one for the same places.
fn overlap(earlier: &Figure, later: &Figure, faults: &mut Vec<Fault>) {
    if earlier.from == later.from {
        let other = location(earlier);
        let detail = Text::new(
            format!("{} 与 {other} 同地同日重复", later.field),
            format!("{} stands for the same place and day at {other} too", later.field),
        );
        let fix = Text::new("请只保留一行，或改正日期、城乡、区划", "Keep one row, or mend the day, side or divisions");
        faults.push(Fault::new(Code::RowDuplicate, &later.spot, later.key.clone(), detail, fix));
        return;
    }
    if let Some(last) = earlier.to.filter(|last| *last >= later.from) {
        let (start, other) = (later.from, location(later));
        let detail = Text::new(
            format!("{} 到 {last} 为止，而 {other} 从 {start} 起已有新数字", earlier.field),
            format!("{} ends on {last}, but {other} gives a newer one from {start}", earlier.field),
        );
        let end = day_before(start);
        let fix = Text::new(format!("请把 to 改为 {end}，或改正日期"), format!("Set `to` to {end}, or mend the days"));
        faults.push(Fault::new(Code::PeriodOverlap, &earlier.spot, earlier.key.clone(), detail, fix));
    }
}

/// What counts on the day after a row ends must not be older than the row itself.
fn returning(ending: &Figure, rows: &[(&Pack, &Figure)], faults: &mut Vec<Fault>) {
    let Some(next) = ending.to.and_then(|last| last.tomorrow().ok()) else { return };
    let holds = |figure: &Figure| figure.from <= next && figure.to.is_none_or(|last| next <= last);
    let follower = rows.iter().rev().map(|(_, row)| *row).find(|row| meet(row, ending) && holds(row));
    let Some(older) = follower.filter(|row| row.from < ending.from) else { return };
    let detail = Text::new(
        format!("{} 的旧数字在 {next} 重新生效（{} 到期）", older.field, location(ending)),
        format!("the older {} comes back on {next}, when {} ends", older.field, location(ending)),
    );
    let end = day_before(ending.from);
    let fix = Text::new(
        format!("请给旧的一行加 to = \"{end}\"，或补上后续的一行"),
        format!("Add to = \"{end}\" to the older row, or add the row that follows"),
    );
    faults.push(Fault::new(Code::OlderReturns, &older.spot, older.key.clone(), detail, fix));
}

fn day_before(day: Date) -> Date {
    day.yesterday().unwrap_or(day)
}

/// A name means one place, one side and one set of rules.
fn names_taken(packs: &[Pack]) -> Vec<Fault> {
    type Meaning<'p> = (DivisionCode, UrbanRural, Option<&'p str>);
    let mut taken: BTreeMap<&str, (Meaning<'_>, Arc<str>)> = BTreeMap::new();
    let mut faults = Vec::new();
    for pack in packs {
        for (side, key) in [(UrbanRural::Urban, "pack.names.URBAN"), (UrbanRural::Rural, "pack.names.RURAL")] {
            let Some(name) = pack.header.names.of(side) else { continue };
            let meaning = (pack.header.division, side, pack.header.variant.as_deref());
            let (standing, file) = taken.entry(name).or_insert_with(|| (meaning, Arc::clone(&pack.file)));
            if *standing != meaning {
                let detail = Text::new(
                    format!("名称 {name} 已由 {file} 用于另一地、另一侧或另一套规则"),
                    format!("{name} means another place, side or set of rules in {file}"),
                );
                let fix = Text::new("请换一个名称", "Choose another name");
                faults.push(Fault::new(Code::NameTaken, &pack.spot, key, detail, fix));
            }
        }
    }
    faults
}
