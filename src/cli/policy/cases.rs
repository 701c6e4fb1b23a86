//! The cases inside packs: households with the verdict they must get under the rules of their place.

use crate::cli::verdict::compare::differences;
use crate::domain::dataset::Catalogue;
use crate::domain::problem::{Text, pointer_of};
use crate::policy::fault::{Code, Fault};
use crate::policy::pack::PackCase;
use crate::policy::packs::Packs;
use crate::verdict::cases::{Case, Invalid};
use crate::verdict::evaluate;

/// Runs every case and adds a fault for each that cannot be read or has another verdict. Returns how many there are.
pub fn run(packs: &Packs, catalogue: &Catalogue, faults: &mut Vec<Fault>) -> usize {
    let mut count = 0;
    for case in packs.cases() {
        count += 1;
        faults.extend(judge(case, packs, catalogue));
    }
    count
}

fn judge(case: &PackCase, packs: &Packs, catalogue: &Catalogue) -> Vec<Fault> {
    let parsed: Case = match serde_path_to_error::deserialize(&case.json) {
        Ok(parsed) => parsed,
        Err(error) => {
            let pointer = pointer_of(error.path());
            let says = error.into_inner().to_string();
            return vec![invalid(case, &pointer, Text::new(says.clone(), says))];
        }
    };
    let Some(expected) = &parsed.expected else {
        return vec![invalid(case, "/expected", Text::new("没有预期的结论", "has no expected verdict"))];
    };
    let verdict = match parsed.facts(catalogue) {
        Err(Invalid::IdNumber { .. }) => Invalid::outcome(),
        Err(Invalid::Case { pointer, fault }) => return vec![invalid(case, &pointer, fault)],
        Ok(facts) => {
            let parameters = match packs.named(&parsed.parameter_set, parsed.assessment_date) {
                Ok(parameters) => parameters,
                Err(unavailable) => return vec![invalid(case, "/parameter_set", unavailable.text())],
            };
            let Ok(verdict) = evaluate(&facts, &parameters) else {
                let fault = Text::new("金额过大，无法计算", "an amount is too large to compute with");
                return vec![invalid(case, "/household", fault)];
            };
            serde_json::to_value(&verdict).expect("a verdict holds only strings, numbers and lists")
        }
    };
    differences(expected, &verdict)
        .into_iter()
        .map(|difference| {
            let id = &parsed.id;
            let (field, expected, got) = (&difference.field, &difference.expected, &difference.got);
            let pointer = format!("/expected/{}", field.replace('.', "/"));
            let detail = Text::new(
                format!("案例 {id}：{field} 预期 {expected}，实为 {got}"),
                format!("case {id}: {field} is expected to be {expected}, but is {got}"),
            );
            let fix = Text::new(
                "请核对参数；若是新标准使然，请更正预期",
                "Compare the parameters; if the new standard brings it about, mend what is expected",
            );
            Fault::of_case(Code::CaseFailed, case.spot(&pointer), key(case, &pointer), detail, fix)
        })
        .collect()
}

fn invalid(case: &PackCase, pointer: &str, detail: Text) -> Fault {
    let fix = Text::new(
        "案例的写法见 docs/guides/policy-packs.zh-CN.md",
        "docs/guides/policy-packs.md shows how a case is written",
    );
    Fault::of_case(Code::CaseInvalid, case.spot(pointer), key(case, pointer), detail, fix)
}

/// `case[1].household.members[2]`: rows count from 1 in keys.
fn key(case: &PackCase, pointer: &str) -> String {
    let mut key = case.key.clone();
    for part in pointer.split('/').filter(|part| !part.is_empty()) {
        if let Ok(index) = part.parse::<usize>() {
            key.push('[');
            key.push_str(&(index + 1).to_string());
            key.push(']');
        } else {
            key.push('.');
            key.push_str(part);
        }
    }
    key
}
