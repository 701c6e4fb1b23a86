//! Whether a verdict stands whatever the open questions are answered with: the rules themselves, put to the least that
//! is certain and walked over all that could come to it.

use super::unasked::Unasked;
use super::{Question, is_idle_worker};
use crate::domain::dataset::MissingEffect;
use crate::domain::exact::Overflow;
use crate::policy::Rules;
use crate::verdict::assess::Assessment;
use crate::verdict::circle::{Circle, Position};
use crate::verdict::decision::Settled;
use crate::verdict::facts::Facts;
use crate::verdict::members::Members;
use crate::verdict::property::Property;
use crate::verdict::tekun;
use crate::verdict::unknowns::{Open, open_by};

/// True when no answer to the open questions could change the verdict. Fails only when amounts are too large
/// to compute with; that an answer could bring such amounts is the one thing not taken into account.
pub fn stands(facts: &Facts, rules: &Rules, open: &[Question<'_>]) -> Result<bool, Overflow> {
    let unasked = Unasked::of(facts, rules, open);
    if unasked.is_nothing() || facts.prior.member_in_other_household.is_some() {
        return Ok(true);
    }
    let (mut may_count, mut is_bounded, mut may_be_unsigned) = (0, true, false);
    for (index, member) in facts.members.iter().enumerate() {
        let counts = unasked.counts(facts, index, member);
        let is_unsigned = !member.authorised && !facts.emergency_only;
        if is_unsigned && counts == Some(true) {
            return Ok(true);
        }
        may_be_unsigned |= is_unsigned && counts.is_none();
        may_count += usize::from(counts != Some(false));
        // A person more or less moves every line; where money paid out may come to light there is no least income.
        is_bounded &= counts.is_some() && !(counts == Some(true) && unasked.about(index).paid_out);
    }
    if may_count == 0 || may_be_unsigned {
        return Ok(!may_be_unsigned);
    }
    let least = unasked.least(facts, rules);
    if property_fails_for_good(&least, rules, &unasked, may_count)? {
        return Ok(true);
    }
    // Only property that fails for all who may count is beyond that.
    if !is_bounded {
        return Ok(false);
    }
    let assessment = Assessment::of(&least, rules)?;
    if !is_tekun_certain(&least, rules, &unasked, &assessment)? {
        return Ok(false);
    }
    if assessment.members.remaining() == 0 {
        return Ok(true);
    }
    remaining_stand(&least, &unasked, &assessment)
}

/// Property exceeds what the largest household that is possible may own, and no answer can excuse it.
fn property_fails_for_good(
    least: &Facts,
    rules: &Rules,
    unasked: &Unasked<'_>,
    persons: usize,
) -> Result<bool, Overflow> {
    let failures = Property::sum(least, rules)?.failures(rules, rules.financial_limit(persons)?);
    let is_silent = least.gaps.iter().any(|gap| gap.effects.contains(&MissingEffect::DwellingMayPass));
    let may_be_excused = (unasked.may_excuse_dwelling() || is_silent) && failures.only_dwellings();
    Ok(!failures.none() && !may_be_excused)
}

/// Who is 特困 is the same at either end: the least income and the best of property, the most income and the worst.
fn is_tekun_certain(
    least: &Facts,
    rules: &Rules,
    unasked: &Unasked<'_>,
    assessment: &Assessment<'_>,
) -> Result<bool, Overflow> {
    let (mut best, mut worst) = (assessment.property, assessment.property);
    if unasked.may_excuse_dwelling() {
        best.dwellings = 0;
    }
    worst.non_residential |= unasked.may_tell_of_property();
    let mut ends = [(least.clone(), best), (unasked.most(least, rules), worst)];
    for way in unasked.ways(least, |member, open| open.of_capacity(member)) {
        for (facts, property) in &mut ends {
            facts.members.clone_from(&way);
            let mut members = Members::decide(facts);
            tekun::decide(facts, &mut members, property, rules)?;
            if members.each().zip(assessment.members.each()).any(|(there, here)| there.is_tekun() != here.is_tekun()) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// The household that the circle is about has certain members: circle and all that comes with it are the same wherever
/// the open questions could lead.
fn remaining_stand(least: &Facts, unasked: &Unasked<'_>, assessment: &Assessment<'_>) -> Result<bool, Overflow> {
    let known = &assessment.known;
    let open = unasked.open(&assessment.members);
    let by_gaps = least.gaps.iter().map(|gap| open_by(gap, &assessment.members)).fold(Open::NOTHING, Open::and);
    if by_gaps != Open::NOTHING && known.possible(open.and(by_gaps))?.len() > 1 {
        // A silent department keeps the circle open. Which circles, and who blocks, is certain when nothing else bears on
        // it; benefit and single persons are then not computed.
        return Ok(open == Open::NOTHING);
    }
    let settled = Settled::of(least, assessment)?;
    let mut is_one = true;
    let mut visit = |at: Position| -> Result<(), Overflow> {
        if is_one {
            let mut there = assessment.clone();
            there.known.at = at;
            is_one = Settled::of(least, &there)? == settled;
        }
        Ok(())
    };
    if !known.at.property_passes || open.has(Open::PROPERTY_MAY_FAIL) {
        visit(Position { property_passes: false, ..known.at })?;
    }
    if known.may_pass(open) {
        known.each_passing(open, |at, _| visit(at))?;
    }
    Ok(is_one
        && grounds_stand(least, unasked, assessment, &settled)?
        && (settled.finding.circle != Circle::Dibao || referral_stands(least, unasked, &assessment.members)))
}

/// Nobody's admission as a single person and no top-up can change, nor any amount of them.
fn grounds_stand(
    least: &Facts,
    unasked: &Unasked<'_>,
    assessment: &Assessment<'_>,
    settled: &Settled,
) -> Result<bool, Overflow> {
    let mut facts = least.clone();
    for way in unasked.ways(least, |_, open| open.of_grounds()).into_iter().skip(1) {
        facts.members = way;
        if Settled::of(&facts, assessment)? != *settled {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether somebody is referred to the employment service is certain.
fn referral_stands(facts: &Facts, unasked: &Unasked<'_>, members: &Members) -> bool {
    let idle = || members.each_remaining(facts).filter(|(.., member)| is_idle_worker(facts, member));
    let may_turn_out_busy = |index: usize| {
        let open = unasked.about(index);
        open.employment || open.stage
    };
    idle().next().is_none() || idle().any(|(index, ..)| !may_turn_out_busy(index))
}
