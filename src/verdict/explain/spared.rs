//! What was not asked because no answer could change the verdict, told to caseworker and resident.

use super::{Section, Story, department, line, list, section};
use crate::domain::dataset::DatasetId;
use crate::domain::problem::Text;
use crate::verdict::sparing::SparedFinding;

fn names<'a>(story: &Story<'_>, datasets: impl IntoIterator<Item = &'a DatasetId>) -> Text {
    let named = |id: &DatasetId| {
        let plain = || line(id.as_str(), id.as_str());
        story.catalogue().dataset(id).map_or_else(plain, |dataset| dataset.name.clone())
    };
    list(&datasets.into_iter().map(named).collect::<Vec<_>>())
}

/// Each department with its datasets, and what settled it.
pub(super) fn section_of(story: &Story<'_>) -> Section {
    let spared = |finding: &SparedFinding| {
        let name = department(story.catalogue(), finding.department.as_str());
        let (datasets, why) = (names(story, &finding.datasets), finding.settled_by.text());
        line(
            format!("{}：未查询{}。{}", name.zh, datasets.zh, why.zh),
            format!("{}: not asked for {}. {}", name.en, datasets.en, why.en),
        )
    };
    section("not_asked", "未查询的数据", "What was not asked", story.verdict().spared.iter().map(spared).collect())
}

/// The same in plain words, without departments' reasons.
pub(super) fn notice_of(story: &Story<'_>) -> Section {
    let mut datasets: Vec<&DatasetId> = Vec::new();
    for id in story.verdict().spared.iter().flat_map(|finding| &finding.datasets) {
        if !datasets.contains(&id) {
            datasets.push(id);
        }
    }
    let names = names(story, datasets.iter().copied());
    let lines = if datasets.is_empty() {
        Vec::new()
    } else {
        let why = line(
            format!("这些记录没有全部查询，因为查不查结果都一样：{}。", names.zh),
            format!("These records were not all looked up, because the result is the same without them: {}.", names.en),
        );
        std::iter::once(why).chain(caution(story)).collect()
    };
    section("not_asked", "没有查询的", "What was not looked up", lines)
}

/// Before sums that do not hold everything.
pub(super) fn caution(story: &Story<'_>) -> Option<Text> {
    use crate::domain::fact::FactKind;
    let kinds = [FactKind::Income, FactKind::Expenditure, FactKind::Asset];
    kinds.into_iter().any(|fact| story.matter.facts.spares(fact)).then(|| {
        line(
            "以下数额只含申报和已查询到的部分；未查询的部分不影响结果。",
            "The sums hold what was declared and what was asked; what was not asked cannot change the result.",
        )
    })
}
