//! What the household says itself: the case's facts in the form of a declaration (申报).

use super::case::{Asset, Expenditure, Income, Member};
use super::filing::Accounts;
use crate::domain::declaration::{DeclaredAsset, DeclaredExpenditure, DeclaredIncome, DeclaredMember};

/// A member as declared: everything; what a department knows is taken out by the clerk.
pub fn member(member: &Member) -> DeclaredMember {
    DeclaredMember {
        reference: member.member_id.clone(),
        labour_capacity: member.labour_capacity,
        employed: member.employed,
        exclusion: member.exclusion.clone(),
        death_date: member.death_date,
        disability: member.disability,
        severe_illness: member.severe_illness,
        education_stage: member.education_stage,
        obligor_in_household: member.obligor_in_household,
        adl_failed_count: member.adl_failed_count,
        was_tekun: member.was_tekun,
        chose_orphan_benefit: member.chose_orphan_benefit,
        job_refusals: member.job_refusals,
    }
}

/// Declared income names its payment as the departments do (`kind:account`), so that a payment that a
/// department reports too is seen to be one.
pub fn income(income: &Income, accounts: &Accounts) -> DeclaredIncome {
    let account = if income.kind.as_str() == "WAGE" { &accounts.employer } else { &accounts.bank };
    DeclaredIncome {
        reference: income.member_id.clone(),
        category: income.category,
        kind: income.kind.clone(),
        amount_12m: income.amount_12m,
        basic_portion_12m: income.basic_portion_12m,
        dedupe_key: income.dedupe_key.as_ref().map(|_| format!("{}:{account}", income.kind.as_str())),
        paid_after_death: income.paid_after_death,
    }
}

/// Property as declared.
pub fn asset(asset: &Asset) -> DeclaredAsset {
    DeclaredAsset {
        kind: asset.kind.clone(),
        value: asset.value,
        count: asset.count,
        area_m2: asset.area_m2.clone(),
        exempt_kind: asset.exempt_kind.clone(),
    }
}

/// Spending as declared.
pub fn expenditure(expenditure: &Expenditure) -> DeclaredExpenditure {
    DeclaredExpenditure {
        reference: expenditure.member_id.clone(),
        kind: expenditure.kind,
        gross: expenditure.gross,
        covered: expenditure.covered,
        paid_on: expenditure.paid_on,
        public_benchmark: expenditure.public_benchmark,
    }
}
