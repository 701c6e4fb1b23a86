//! Rules that end soon or have ended, and figures of an old year.

use jiff::Unit;
use jiff::civil::Date;

use super::{NOTICE_DAYS, SIDES};
use crate::domain::household::Place;
use crate::domain::problem::Text;
use crate::policy::fault::{Code, Fault};
use crate::policy::pack::{Figure, Pack};
use crate::policy::packs::Packs;

/// Years after which a figure of a year is old: last year's disposable income is published in the year after.
const YEARS_FRESH: i16 = 2;

pub(super) fn check(packs: &Packs, on: Date, faults: &mut Vec<Fault>) {
    for pack in &packs.packs {
        for figure in &pack.figures {
            ends(packs, pack, figure, on, faults);
            exemption(pack, figure, on, faults);
            stale(pack, figure, on, faults);
        }
    }
}

fn days_until(on: Date, last: Date) -> i32 {
    on.until((Unit::Day, last)).map_or(i32::MAX, |span| span.get_days())
}

/// A row that ends, unless another takes its place the day after. Standards are told of by place.
fn ends(packs: &Packs, pack: &Pack, figure: &Figure, on: Date, faults: &mut Vec<Fault>) {
    let Some(last) = figure.to else { return };
    let days = days_until(on, last);
    if days > NOTICE_DAYS || (days < 0 && figure.field == "dibao_standard") {
        return;
    }
    let Ok(next) = last.tomorrow() else { return };
    let division_code = figure.divisions.first().copied().unwrap_or(pack.header.division);
    let is_followed = SIDES.iter().filter(|side| figure.urban_rural.is_none_or(|own| own == **side)).all(|side| {
        let place = Place { division_code, urban_rural: *side };
        packs.best(place, next, pack.header.variant.as_deref()).contains_key(figure.field)
    });
    if is_followed {
        return;
    }
    push_end(figure, figure.field, last, days, faults);
}

/// The exemption of the basic pension ends by the day that is its value.
fn exemption(pack: &Pack, figure: &Figure, on: Date, faults: &mut Vec<Fault>) {
    let Some(last) = figure.value.basic_pension_exempt_until else { return };
    let days = days_until(on, last);
    let holds = pack.is_in_force(on) && figure.from <= on && figure.to.is_none_or(|end| on <= end);
    if holds && days <= NOTICE_DAYS {
        push_end(figure, figure.field, last, days, faults);
    }
}

fn push_end(figure: &Figure, what: &str, last: Date, days: i32, faults: &mut Vec<Fault>) {
    let (code, detail) = if days < 0 {
        let ago = -i64::from(days);
        (
            Code::RuleExpired,
            Text::new(
                format!("{what} 已于 {last} 到期（{ago} 天前）"),
                format!("{what} ended on {last}, {ago} days ago"),
            ),
        )
    } else {
        (
            Code::RuleExpiring,
            Text::new(format!("{what} 将于 {last} 到期（还有 {days} 天）"), {
                format!("{what} ends on {last}, in {days} days")
            }),
        )
    };
    let fix = Text::new(
        "请查明是否延续，录入新的规定；确已终止则不必改",
        "Find out whether it was prolonged and enter the new rule; leave it if it has ended",
    );
    faults.push(Fault::new(code, &figure.spot, figure.key.clone(), detail, fix));
}

fn stale(pack: &Pack, figure: &Figure, on: Date, faults: &mut Vec<Fault>) {
    let Some(year) = figure.provenance.year else { return };
    let holds = pack.is_in_force(on) && figure.from <= on && figure.to.is_none_or(|end| on <= end);
    if !holds || on.year() - year <= YEARS_FRESH {
        return;
    }
    let field = figure.field;
    let detail = Text::new(
        format!("{field} 是 {year} 年的数字，{on} 仍在使用"),
        format!("{field} is a figure of {year}, still in use on {on}"),
    );
    let fix = Text::new("请查找并录入最近一年的数字", "Look for the latest figure and enter it");
    faults.push(Fault::new(Code::FigureStale, &figure.spot, figure.key.clone(), detail, fix));
}
