//! What a verdict asks of memory (performance F7: no allocation per rule that is not needed).

use densa_alloc::{CountingAllocator, is_active, measure};
use hedui::domain::dataset::Catalogue;
use hedui::policy::Packs;
use hedui::verdict::cases::CaseFile;
use hedui::verdict::decide;

/// Counts what each thread of this binary asks for.
#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator::system();

#[test]
fn a_household_is_decided_without_memory_and_traced_with_a_handful() {
    assert!(is_active(), "the allocator of this binary counts");
    let file: CaseFile = serde_json::from_str(include_str!("../cases/listed.json")).unwrap();
    let sets = file.parameter_sets.iter().map(|(name, set)| (name.as_str(), set));
    let packs = Packs::from_parameter_sets(sets).unwrap();
    let mut decided = 0;
    for case in &file.cases {
        let Ok(facts) = case.facts(&Catalogue::shipped()) else { continue };
        let parameters = packs.named(&case.parameter_set, case.assessment_date).unwrap();
        let (decision, asked) = measure(|| decide(&facts, &parameters).unwrap());
        assert!(asked.is_zero(), "{}: {asked:?}", case.id);
        let (verdict, told) = measure(|| decision.verdict().unwrap());
        let (_, traced) = measure(|| decision.trace(&verdict).unwrap());
        assert!(
            told.allocs + told.reallocs <= 24 && traced.allocs + traced.reallocs <= 6,
            "{}: {told:?} {traced:?}",
            case.id
        );
        decided += 1;
    }
    assert!(decided > 40);
}
