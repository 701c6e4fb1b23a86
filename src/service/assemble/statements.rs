//! What declaration and facts say of a member besides money and property, as statements to compare.

use crate::domain::declaration::DeclaredMember;
use crate::domain::fact::Fact;
use crate::domain::household::MemberRef;
use crate::verdict::comparison::{Item, Said};

/// What a member's own declaration says, item by item.
pub(super) fn declared_of(declared: &DeclaredMember) -> Vec<(Item, Said)> {
    let member = || declared.reference.clone();
    let mut said = Vec::new();
    said.extend(declared.death_date.map(|day| (Item::Death { member: member() }, Said::On(day))));
    said.extend(declared.education_stage.map(|stage| (Item::Education { member: member() }, Said::Stage(stage))));
    said.extend(declared.disability.map(|own| (Item::Disability { member: member() }, Said::Certificate(own))));
    if declared.severe_illness {
        said.push((Item::SevereIllness { member: member() }, Said::Holds(true)));
    }
    if declared.employed {
        said.push((Item::Employment { member: member() }, Said::Holds(true)));
    }
    said
}

/// A fact about a member, other than money and property.
pub(super) const fn is_of_member(fact: &Fact) -> bool {
    matches!(fact, Fact::Death(_) | Fact::Diagnosis(_) | Fact::Disability(_) | Fact::Enrolment(_) | Fact::Employment(_))
}

/// What such a fact says that could be declared as well: an illness that is not severe is nothing to declare.
pub(super) fn found_of(member: &MemberRef, fact: &Fact) -> Option<(Item, Said)> {
    let member = member.clone();
    match fact {
        Fact::Death(death) => Some((Item::Death { member }, Said::On(death.died_on))),
        Fact::Diagnosis(diagnosis) => diagnosis.severe.then_some((Item::SevereIllness { member }, Said::Holds(true))),
        Fact::Disability(found) => Some((Item::Disability { member }, Said::Certificate(*found))),
        Fact::Enrolment(found) => Some((Item::Education { member }, Said::Stage(found.stage))),
        Fact::Employment(found) => found.employed.then_some((Item::Employment { member }, Said::Holds(true))),
        _ => None,
    }
}
