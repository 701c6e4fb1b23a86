//! Where declaration and records speak of the same: of one kind the larger of the two counts, never both.
//!
//! A household declares everything it has, so what a department shows of it is as a rule declared as well. A
//! declared item without a key cannot be told apart from a record of the same kind; counting both would take one
//! wage for two. What is declared beyond the records stays, as declared. More answers can therefore only add,
//! which is what the bounds of [`crate::verdict::unknowns`] rest on (`docs/decisions/0018`).

use crate::domain::fact::{ExpenditureKind, IncomeCategory, Kind, is_paid_out};
use crate::domain::money::Money;
use crate::domain::period::Period;
use crate::verdict::comparison::{Item, Said, borne};
use crate::verdict::facts::{AssetItem, EvidenceId, ExpenditureItem, IncomeItem, Source};

/// A declared item that records cover, wholly or in part.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Covered {
    /// The evidence of the declaration.
    pub(super) declared: EvidenceId,
    /// The evidence of the records.
    pub(super) by: Vec<EvidenceId>,
}

/// What records show, by what it is of: fen, or a number of things.
struct Records<K>(Vec<(K, i64, Vec<EvidenceId>)>);

impl<K: PartialEq> Records<K> {
    const fn new() -> Self {
        Self(Vec::new())
    }

    fn show(&mut self, of: K, size: i64, evidence: EvidenceId) {
        match self.0.iter_mut().find(|(own, ..)| *own == of) {
            Some((_, left, by)) => {
                *left = left.saturating_add(size);
                by.push(evidence);
            }
            None => self.0.push((of, size, vec![evidence])),
        }
    }

    /// Takes away what is there of `wanted`. Returns how much, and whose evidence it was.
    fn take(&mut self, of: &K, wanted: i64) -> (i64, &[EvidenceId]) {
        match self.0.iter_mut().find(|(own, ..)| own == of) {
            Some((_, left, by)) => {
                let taken = wanted.min(*left).max(0);
                *left -= taken;
                (taken, by)
            }
            None => (0, &[]),
        }
    }
}

const fn is_declared(source: &Source) -> bool {
    matches!(source, Source::Declared)
}

fn less(amount: Money, fen: i64) -> Money {
    Money::from_fen(amount.fen().saturating_sub(fen))
}

/// Leaves of declared income what goes beyond the records of the same member and kind that the rules count alike:
/// a wage, less the cost of work, is not the whole of something declared that is none. Items with a key are left to
/// the rules, which count one of equal keys.
pub(super) fn of_incomes(items: &mut Vec<IncomeItem>) -> Vec<Covered> {
    let mut records: Records<(usize, Kind, bool, bool)> = Records::new();
    let mut portions: Records<(usize, Kind, bool, bool)> = Records::new();
    let of = |item: &IncomeItem| {
        let is_wage = item.category == IncomeCategory::Wage || item.kind.as_str() == "WAGE";
        (item.member, item.kind.clone(), is_wage, is_paid_out(item.category, &item.kind))
    };
    let is_same = |one: &IncomeItem, other: &IncomeItem| {
        one.member == other.member && one.dedupe_key.is_some() && one.dedupe_key == other.dedupe_key
    };
    for (index, item) in items.iter().enumerate().filter(|(_, item)| !is_declared(&item.source)) {
        let mut same = items.iter().enumerate().filter(|(_, other)| is_same(item, other));
        // A record with the key of a declared item is spoken for. Of several records of one payment the rules
        // keep one; the smallest is not more than what counts, if they are all of a kind.
        let counts = same.all(|(other_index, other)| {
            !is_declared(&other.source)
                && (item.amount_12m, index) <= (other.amount_12m, other_index)
                && of(item) == of(other)
        });
        if counts && !item.paid_after_death {
            let of = of(item);
            portions.show(of.clone(), item.basic_portion_12m.unwrap_or_default().fen(), item.evidence);
            records.show(of, item.amount_12m.fen(), item.evidence);
        }
    }
    let mut covered = Vec::new();
    items.retain_mut(|item| {
        if !is_declared(&item.source) || item.dedupe_key.is_some() || item.paid_after_death {
            return true;
        }
        let of = of(item);
        let (taken, by) = records.take(&of, item.amount_12m.fen());
        if taken > 0 {
            covered.push(Covered { declared: item.evidence, by: by.to_vec() });
            item.amount_12m = less(item.amount_12m, taken);
            item.basic_portion_12m = item.basic_portion_12m.map(|basic| less(basic, portions.take(&of, basic.fen()).0));
        }
        taken == 0 || item.amount_12m > Money::ZERO
    });
    covered
}

/// The same for property, by kind and whether it is exempt: dwellings and the like by number, the rest by value.
pub(super) fn of_assets(items: &mut Vec<AssetItem>) -> Vec<Covered> {
    let size = |item: &AssetItem| match Item::asset(&item.kind, item.exempt_kind.is_some(), item.value, item.count) {
        (_, Said::Count(count)) => (i64::from(count), true),
        _ => (item.value.fen(), false),
    };
    let of = |item: &AssetItem| (item.kind.clone(), item.exempt_kind.is_some());
    let mut records = Records::new();
    for item in items.iter().filter(|item| !is_declared(&item.source)) {
        records.show(of(item), size(item).0, item.evidence);
    }
    let mut covered = Vec::new();
    items.retain_mut(|item| {
        if !is_declared(&item.source) {
            return true;
        }
        let (size, is_counted) = size(item);
        let (taken, by) = records.take(&of(item), size);
        if taken > 0 {
            covered.push(Covered { declared: item.evidence, by: by.to_vec() });
            if is_counted {
                item.count = item.count.saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX));
            } else {
                item.value = less(item.value, taken);
            }
        }
        taken == 0 || taken < size
    });
    covered
}

/// The same for expenditure inside the window, by member and kind, in what the household bore.
pub(super) fn of_expenditures(items: &mut Vec<ExpenditureItem>, window: Period) -> Vec<Covered> {
    let size = |item: &ExpenditureItem| match borne(item.gross, item.covered) {
        Said::Amount(amount) => amount.fen(),
        _ => 0,
    };
    let mut records: Records<(usize, ExpenditureKind)> = Records::new();
    for item in items.iter().filter(|item| !is_declared(&item.source) && window.contains(item.paid_on)) {
        records.show((item.member, item.kind), size(item), item.evidence);
    }
    let mut covered = Vec::new();
    items.retain_mut(|item| {
        if !is_declared(&item.source) || !window.contains(item.paid_on) {
            return true;
        }
        let size = size(item);
        let (taken, by) = records.take(&(item.member, item.kind), size);
        if taken > 0 {
            covered.push(Covered { declared: item.evidence, by: by.to_vec() });
            item.gross = less(item.gross, taken);
        }
        taken == 0 || taken < size
    });
    covered
}

#[cfg(test)]
mod tests;
