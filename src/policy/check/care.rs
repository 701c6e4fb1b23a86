//! The care floor (S15): full care of 特困人员 should cost at least 70 % of the local minimum wage. A check, not a formula.

use jiff::civil::Date;

use super::SIDES;
use crate::domain::exact::Exact;
use crate::domain::household::Place;
use crate::domain::money::Money;
use crate::domain::problem::Text;
use crate::policy::decimal::Decimal;
use crate::policy::fault::{Code, Fault};
use crate::policy::pack::{DatedReference, Pack};
use crate::policy::packs::Packs;

pub(super) fn check(packs: &Packs, on: Date, faults: &mut Vec<Fault>) {
    for pack in &packs.packs {
        for care in pack.references.iter().filter(|care| is_monthly(care, "tekun_care_full")) {
            // On the day it came into force; and on the day of the check while no newer one of its place is known.
            let is_latest = !packs
                .of_division(pack.header.division)
                .flat_map(|pack| &pack.references)
                .any(|other| is_monthly(other, "tekun_care_full") && care.from < other.from && other.from <= on);
            let mut days = vec![care.from];
            if is_latest && on > care.from {
                days.push(on);
            }
            for day in days {
                faults.extend(below_floor(packs, pack, care, day));
            }
        }
    }
}

fn is_monthly(row: &DatedReference, kind: &str) -> bool {
    row.reference.kind == kind && row.reference.unit.as_deref() == Some("MONTH")
}

fn below_floor(packs: &Packs, pack: &Pack, care: &DatedReference, day: Date) -> Option<Fault> {
    let amount = *care.reference.amounts.first()?;
    let place = Place { division_code: pack.header.division, urban_rural: SIDES[0] };
    let figures = packs.best(place, day, None);
    let ratio = figures.get("tekun").and_then(|figure| figure.value.tekun.as_ref()?.full_care_floor_ratio)?;
    let wage = figures
        .get("minimum_wage_monthly")
        .and_then(|figure| Some((figure.value.minimum_wage_monthly?, figure.spot.to_string())))
        .or_else(|| lowest_published_wage(packs, place, day))?;
    let floor = ratio.times(Exact::from(wage.0)).ok()?;
    if Exact::from(amount) >= floor {
        return None;
    }
    let short = floor.minus(Exact::from(amount)).ok()?.round_half_up().ok()?;
    let (amount, floor) = (amount.yuan(), floor.round_half_up().ok()?.yuan());
    let sum = arithmetic(ratio, wage.0, &floor);
    let detail = Text::new(
        format!("{day} 全护理标准 {amount} 元/月低于 {sum} 元，差 {} 元（最低工资见 {}）", short.yuan(), wage.1),
        format!(
            "on {day} full care at {amount} yuan a month is below {sum} yuan, short by {} (minimum wage: {})",
            short.yuan(),
            wage.1
        ),
    );
    let fix = Text::new(
        "数字照公布的保留；请提请主管部门调整照料护理标准",
        "Keep the published figure; ask the department to raise the care standard",
    );
    Some(Fault::new(Code::CareFloor, &care.spot, care.key.clone(), detail, fix))
}

fn arithmetic(ratio: Decimal, wage: Money, floor: &str) -> String {
    format!("{ratio} × {} = {floor}", wage.yuan())
}

/// The lowest tier of the newest published minimum wage along the lineage of a place: below it, below all.
fn lowest_published_wage(packs: &Packs, place: Place, day: Date) -> Option<(Money, String)> {
    let lineage = place.division_code.lineage();
    let rows =
        lineage.into_iter().rev().flat_map(|division| packs.of_division(division)).flat_map(|pack| &pack.references);
    let newest = rows.filter(|row| is_monthly(row, "minimum_wage") && row.from <= day).max_by_key(|row| row.from)?;
    let lowest = newest.reference.amounts.iter().min()?;
    Some((*lowest, newest.spot.to_string()))
}
