//! The standards of all places as of a day: days and places without one, one side only, odd changes,
//! an older row that hides a newer one, and places where a verdict lacks something else.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::{SIDES, figures_of, places_of, side_words};
use crate::domain::division::DivisionCode;
use crate::domain::household::{Place, UrbanRural};
use crate::domain::money::Money;
use crate::domain::problem::Text;
use crate::policy::divisions::{self, Level};
use crate::policy::fault::{Code, Fault, Spot};
use crate::policy::pack::{Figure, Pack};
use crate::policy::packs::Packs;
use crate::policy::values::{Standard, StandardPeriod};

const FIELD: &str = "dibao_standard";

pub(super) fn check(packs: &Packs, on: Date, faults: &mut Vec<Fault>) {
    let places = places_of(packs, FIELD);
    for place in &places {
        in_time(packs, *place, on, faults);
    }
    changes(packs, faults);
    for place in &places {
        let Some(standard) = standard_at(packs, *place, on) else { continue };
        sides(packs, *place, standard, on, faults);
        shadows(packs, *place, on, faults);
    }
    completeness(packs, &places, on, faults);
    in_place(packs, on, faults);
}

fn standard_at(packs: &Packs, place: Place, on: Date) -> Option<&Figure> {
    packs.best(place, on, None).remove(FIELD)
}

fn place_words(place: Place) -> (String, String) {
    let code = place.division_code;
    let (zh, en) = side_words(place.urban_rural);
    (format!("{code} {}{zh}", divisions::name(code)), format!("{code} {} ({en})", divisions::name(code)))
}

/// One person's standard over twelve months, exact.
fn yearly(standard: Standard) -> Option<Money> {
    standard.amount.checked_mul(if standard.period == StandardPeriod::Month { 12 } else { 1 })
}

/// Days between the first standard of a place and `on` on which it has none.
fn in_time(packs: &Packs, place: Place, on: Date, faults: &mut Vec<Fault>) {
    let mut last: Option<&Figure> = None;
    let mut missing_since: Option<Date> = None;
    let (zh, en) = place_words(place);
    for era in packs.eras.iter().filter(|era| **era <= on) {
        let standard = standard_at(packs, place, *era);
        match (standard, last, missing_since) {
            (Some(figure), Some(before), Some(since)) => {
                let until = era.yesterday().unwrap_or(*era);
                let detail = Text::new(
                    format!("{zh} 从 {since} 到 {until} 没有标准"),
                    format!("{en} has no standard from {since} to {until}"),
                );
                let fix =
                    Text::new("请补上那段时间的标准，或改正日期", "Add the standard of those days, or mend the days");
                faults.push(Fault::new(Code::StandardGap, &before.spot, before.key.clone(), detail, fix));
                (last, missing_since) = (Some(figure), None);
            }
            (Some(figure), ..) => (last, missing_since) = (Some(figure), None),
            (None, Some(_), None) => missing_since = Some(*era),
            (None, ..) => {}
        }
    }
    if let (Some(before), Some(since)) = (last, missing_since) {
        let detail =
            Text::new(format!("{zh} 自 {since} 起没有标准"), format!("{en} has had no standard since {since}"));
        let fix = Text::new(
            "请录入新标准；在此之前结论为 PENDING_PARAMETER",
            "Enter the new standard; until then verdicts are PENDING_PARAMETER",
        );
        faults.push(Fault::new(Code::StandardExpired, &before.spot, before.key.clone(), detail, fix));
    }
}

/// Each standard against the one it replaces in the same file's division.
fn changes(packs: &Packs, faults: &mut Vec<Fault>) {
    type Series<'p> = BTreeMap<(DivisionCode, Option<UrbanRural>, Vec<DivisionCode>), Vec<&'p Figure>>;
    let mut series: Series<'_> = BTreeMap::new();
    for (pack, figure) in figures_of(packs, FIELD) {
        let key = (pack.header.division, figure.urban_rural, figure.divisions.clone());
        series.entry(key).or_default().push(figure);
    }
    for mut figures in series.into_values() {
        figures.sort_by_key(|figure| figure.from);
        for pair in figures.windows(2) {
            let [before, after] = pair else { continue };
            let standards = (before.value.dibao_standard, after.value.dibao_standard);
            let (Some(old), Some(new)) = (standards.0.and_then(yearly), standards.1.and_then(yearly)) else { continue };
            let (code, zh, en) = if new < old {
                (Code::StandardFalls, "低于此前的", "is below the earlier")
            } else if old.checked_mul(3) < new.checked_mul(2) {
                (Code::StandardJump, "比此前高出一半以上：此前是", "is more than half above the earlier")
            } else {
                continue;
            };
            let detail = Text::new(
                format!("一年合 {} 元，{zh} {} 元（{}）", new.yuan(), old.yuan(), before.from),
                format!("{} yuan a year {en} {} yuan ({})", new.yuan(), old.yuan(), before.from),
            );
            let fix = Text::new(
                "请核对数字和单位（月还是年）；确实如此则不必改",
                "Compare number and unit (month or year); leave it if it is so",
            );
            faults.push(Fault::new(code, &after.spot, after.key.clone(), detail, fix));
        }
    }
}

fn sides(packs: &Packs, place: Place, standard: &Figure, on: Date, faults: &mut Vec<Fault>) {
    let other_side = match place.urban_rural {
        UrbanRural::Urban => UrbanRural::Rural,
        UrbanRural::Rural => UrbanRural::Urban,
    };
    let other = standard_at(packs, Place { urban_rural: other_side, ..place }, on);
    let (zh, en) = place_words(place);
    match other {
        None if has_inside(packs, place.division_code, other_side, on) => {}
        None => {
            let (other_zh, other_en) = side_words(other_side);
            let detail = Text::new(
                format!("{zh} 有标准，{other_zh}没有"),
                format!("{en} has a standard, but not the {other_en} side"),
            );
            let fix = Text::new("请补上另一侧的标准", "Add the standard of the other side");
            faults.push(Fault::new(Code::SideMissing, &standard.spot, standard.key.clone(), detail, fix));
        }
        Some(other) if place.urban_rural == UrbanRural::Rural => {
            let amounts = (standard.value.dibao_standard.and_then(yearly), other.value.dibao_standard.and_then(yearly));
            if let (Some(rural), Some(urban)) = amounts
                && rural > urban
            {
                let detail = Text::new(
                    format!("{zh} 一年合 {} 元，高于城镇的 {} 元", rural.yuan(), urban.yuan()),
                    format!("{en}: {} yuan a year is above the urban {} yuan", rural.yuan(), urban.yuan()),
                );
                let fix = Text::new("请核对城乡是否填反", "See whether urban and rural were exchanged");
                faults.push(Fault::new(Code::RuralAboveUrban, &standard.spot, standard.key.clone(), detail, fix));
            }
        }
        Some(_) => {}
    }
}

/// True when the standards of a side are given one by one for the places inside.
fn has_inside(packs: &Packs, outer: DivisionCode, side: UrbanRural, on: Date) -> bool {
    figures_of(packs, FIELD).any(|(pack, figure)| {
        let mut divisions = figure.divisions.iter().chain([&pack.header.division]);
        let is_inside = divisions.any(|division| *division != outer && division.is_inside(outer));
        is_inside && figure.from <= on && figure.to.is_none_or(|last| on <= last) && figure.urban_rural == Some(side)
    })
}

/// A row that counts because it is nearer, although a newer one holds further away or more generally.
fn shadows(packs: &Packs, place: Place, on: Date, faults: &mut Vec<Fault>) {
    for (field, counted) in packs.best(place, on, None) {
        let Some(own) = counted.provenance.division else { continue };
        let newer = figures_of(packs, field)
            .filter(|(pack, figure)| pack.is_in_force(on) && figure.holds(place, on) && figure.from > counted.from)
            .find(|(pack, _)| {
                // A rule of a wider level may be newer and still not be meant for a place with its own; a standard is.
                pack.header.division == own || field == FIELD && place.division_code.is_inside(pack.header.division)
            });
        let Some((_, newer)) = newer else { continue };
        let at = format!("{}:{}", newer.spot.file, newer.spot.line);
        let detail = Text::new(
            format!("{field} 仍取 {} 的这一行，而 {at} 有 {} 的新数字", counted.from, newer.from),
            format!("{field} still counts from {}, although {at} has a newer one from {}", counted.from, newer.from),
        );
        let fix = Text::new(
            "若新数字应取代它，请给这一行加 to，或把新行写得同样具体（城乡、区划、层级）",
            "If the newer one replaces it, end this row with `to`, or write the newer one as closely (side, divisions, level)",
        );
        faults.push(Fault::new(Code::OlderShadows, &counted.spot, counted.key.clone(), detail, fix));
    }
}

/// Places with a standard where a verdict lacks something else, told once for each row of a standard.
fn completeness(packs: &Packs, places: &BTreeSet<Place>, on: Date, faults: &mut Vec<Fault>) {
    type Lacking<'p> = BTreeMap<(&'p Spot, Vec<&'static str>), (&'p Figure, Vec<Place>)>;
    let mut lacking: Lacking<'_> = BTreeMap::new();
    for place in places {
        let Some(standard) = standard_at(packs, *place, on) else { continue };
        let Ok(effective) = packs.effective_figures(*place, on, None) else { continue };
        let missing = effective.missing();
        if !missing.is_empty() {
            lacking.entry((&standard.spot, missing)).or_insert((standard, Vec::new())).1.push(*place);
        }
    }
    for ((_, missing), (standard, places)) in lacking {
        let names = missing.join(", ");
        let words: Vec<(String, String)> = places.iter().map(|place| place_words(*place)).collect();
        let zh = words.iter().map(|(zh, _)| zh.as_str()).collect::<Vec<_>>().join("、");
        let en = words.iter().map(|(_, en)| en.as_str()).collect::<Vec<_>>().join(", ");
        let detail = Text::new(
            format!("{zh} 有标准，但作出结论还缺 {names}"),
            format!("there is a standard for {en}, but a verdict also needs {names}"),
        );
        let fix = Text::new(
            "请在本地或上级的政策包中补上；写法见 docs/policy-parameters.md，通知没有规定的怎样办见 docs/guides/policy-packs.zh-CN.md 第 2 节",
            "Add them to the pack of the place or a wider level; docs/policy-parameters.md shows how, and section 2 of \
             docs/guides/policy-packs.md what to do when the notice does not give them",
        );
        let mut fault = Fault::new(Code::ParameterMissing, &standard.spot, standard.key.clone(), detail, fix);
        fault.places = places.iter().map(|place| place.division_code).collect();
        fault.places.dedup();
        faults.push(fault);
    }
}

/// Places inside the widest divisions that have packs, without a standard on either side.
fn in_place(packs: &Packs, on: Date, faults: &mut Vec<Fault>) {
    let owners: BTreeSet<DivisionCode> = packs.packs.iter().map(|pack| pack.header.division).collect();
    let is_widest = |code: DivisionCode| {
        code != DivisionCode::NATION
            && !owners.iter().any(|other| *other != code && *other != DivisionCode::NATION && code.is_inside(*other))
    };
    for code in owners.iter().copied().filter(|code| is_widest(*code) && Level::of(*code) != Level::County) {
        let counties = divisions::counties_inside(code);
        let without: Vec<_> = counties
            .iter()
            .filter(|county| {
                SIDES.iter().all(|side| {
                    let place = Place { division_code: county.code, urban_rural: *side };
                    standard_at(packs, place, on).is_none()
                })
            })
            .collect();
        if without.is_empty() {
            continue;
        }
        let first: Vec<String> =
            without.iter().take(6).map(|county| format!("{} {}", county.code, county.name)).collect();
        let more = if without.len() > first.len() { ", …" } else { "" };
        let (missing, all, listed) = (without.len(), counties.len(), first.join(", "));
        let name = divisions::name(code);
        let detail = Text::new(
            format!("{code} {name}：{all} 个旗县区中有 {missing} 个在 {on} 没有标准：{listed}{more}"),
            format!("{code} {name}: {missing} of {all} places have no standard on {on}: {listed}{more}"),
        );
        let fix = Text::new(
            "请逐地录入；在此之前那里的结论为 PENDING_PARAMETER",
            "Enter them; until then verdicts there are PENDING_PARAMETER",
        );
        let owner: Option<&Pack> = packs.of_division(code).next();
        let spot = owner.map_or_else(|| Spot::file(&code.as_str().into()), |pack| Spot::file(&pack.file));
        let mut fault = Fault::new(Code::PlacesMissing, &spot, "", detail, fix);
        fault.places = without.iter().map(|county| county.code).collect();
        faults.push(fault);
    }
}
