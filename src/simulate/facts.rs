//! A simulated household as the facts a verdict rests on, without the way over departments or a file.

use jiff::civil::Date;

use super::case::{Household, Member};
use crate::domain::dataset::DepartmentId;
use crate::domain::declaration::Prior;
use crate::domain::household::MemberRef;
use crate::verdict::facts::{AssetItem, EvidenceId, ExpenditureItem, Facts, IncomeItem, MemberFacts, Source};

/// The facts of a household assessed on a day, every department having answered. An item of somebody who is not a
/// member is left out: a simulated household has none.
pub fn facts_of(household: Household, prior: Option<Prior>, on: Date) -> Facts {
    let members: Vec<MemberRef> = household.members.iter().map(|member| member.member_id.clone()).collect();
    let position = |reference: &MemberRef| members.iter().position(|member| member == reference);
    let mut evidence = 0_u32;
    let mut next = || {
        evidence += 1;
        EvidenceId(evidence)
    };
    let mut incomes = Vec::with_capacity(household.incomes.len());
    for item in household.incomes {
        let Some(member) = position(&item.member_id) else { continue };
        incomes.push(IncomeItem {
            member,
            category: item.category,
            kind: item.kind,
            amount_12m: item.amount_12m,
            basic_portion_12m: item.basic_portion_12m,
            paid_after_death: item.paid_after_death,
            dedupe_key: item.dedupe_key,
            source: source_of(&item.source),
            evidence: next(),
        });
    }
    let mut assets = Vec::with_capacity(household.assets.len());
    for item in household.assets {
        assets.push(AssetItem {
            kind: item.kind,
            value: item.value,
            count: item.count.unwrap_or(1),
            exempt_kind: item.exempt_kind,
            source: source_of(&item.source),
            evidence: next(),
        });
    }
    let mut expenditures = Vec::with_capacity(household.rigid_expenditures.len());
    for item in household.rigid_expenditures {
        let Some(member) = position(&item.member_id) else { continue };
        expenditures.push(ExpenditureItem {
            member,
            kind: item.kind,
            gross: item.gross,
            covered: item.covered,
            paid_on: item.paid_on,
            public_benchmark: item.public_benchmark,
            source: source_of(&item.source),
            evidence: next(),
        });
    }
    Facts {
        assessed_on: on,
        hukou_region: household.hukou_region,
        emergency_only: false,
        stability: household.income_stability,
        members: household.members.into_iter().map(member).collect(),
        incomes,
        assets,
        expenditures,
        obligors: household.obligors,
        events: household.events,
        prior: prior.unwrap_or_default(),
        gaps: Vec::new(),
        spared: Vec::new(),
    }
}

fn source_of(text: &str) -> Source {
    if text == super::population::draft::DECLARED {
        return Source::Declared;
    }
    DepartmentId::parse(text).map_or(Source::Declared, Source::Department)
}

fn member(member: Member) -> MemberFacts {
    MemberFacts {
        reference: member.member_id,
        born_on: member.birth_date,
        relation: member.relation_code,
        death_date: member.death_date,
        exclusion: member.exclusion,
        disability: member.disability,
        severe_illness: member.severe_illness,
        education_stage: member.education_stage,
        labour_capacity: member.labour_capacity,
        employed: member.employed,
        authorised: member.authorised,
        obligor_in_household: member.obligor_in_household,
        adl_failed_count: member.adl_failed_count,
        was_tekun: member.was_tekun,
        chose_orphan_benefit: member.chose_orphan_benefit,
        job_refusals: member.job_refusals,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::dataset::Catalogue;
    use crate::simulate::population;
    use crate::verdict::cases;

    #[test]
    fn the_short_way_gives_the_facts_of_the_long_one() {
        let on = Date::constant(2025, 3, 15);
        let (file, _) = population::draw(300, 9, on).unwrap();
        let catalogue = Catalogue::shipped();
        for case in file.cases {
            let long = serde_json::to_value(&case).unwrap();
            let long: cases::Case = serde_json::from_value(long).unwrap();
            let long = long.facts(&catalogue).unwrap();
            assert_eq!(facts_of(case.household, case.prior, on), long, "{}", case.id);
        }
    }
}
