//! Words for kinds of income, property and expenditure, for relations, stages of education and grounds.

use super::text;
use crate::domain::problem::Text;
use crate::verdict::comparison::Item;

/// A kind of income, expenditure or property; a kind that has no words stands as it is.
pub(in super::super) fn kind(kind: &str) -> Text {
    known_kind(kind).unwrap_or_else(|| Text::new(kind, kind))
}

/// A kind in words; `None` for a kind that only a pack or a connector knows.
pub(in super::super) fn known_kind(kind: &str) -> Option<Text> {
    Some(text(match kind {
        "WAGE" => ("工资", "wage"),
        "LABOUR_SERVICE" => ("劳务报酬", "pay for services"),
        "BUSINESS" => ("经营收入", "business income"),
        "FARMING" => ("种养收入", "farming income"),
        "HERDING" => ("养殖收入", "herding income"),
        "RENT" => ("租金", "rent"),
        "INTEREST" => ("利息", "interest"),
        "PENSION_EMPLOYEE" => ("职工养老金", "employee pension"),
        "PENSION_RESIDENT" => ("居民养老金", "resident pension"),
        "BASIC_PENSION_CENTRAL" => ("中央基础养老金", "central basic pension"),
        "BASIC_PENSION_REGIONAL" => ("地方基础养老金", "regional basic pension"),
        "UNEMPLOYMENT_BENEFIT" => ("失业保险金", "unemployment benefit"),
        "SURVIVOR_BENEFIT" => ("遗属待遇", "survivor benefit"),
        "FUNERAL_GRANT" => ("丧葬补助", "funeral grant"),
        "MATERNITY_ALLOWANCE" => ("生育津贴", "maternity allowance"),
        "WORK_INJURY_BENEFIT" => ("工伤津贴", "work-injury benefit"),
        "WORK_INJURY_CARE" => ("工伤护理费", "work-injury care payment"),
        "COMPENSATION" => ("赔偿金", "compensation"),
        "EMPLOYMENT_SUBSIDY" => ("就业补贴", "employment subsidy"),
        "TRAINING_ALLOWANCE" => ("培训补贴", "training allowance"),
        "INTERNSHIP_ALLOWANCE" => ("见习补贴", "internship allowance"),
        "LONG_TERM_CARE_BENEFIT" => ("长期护理保险待遇", "long-term care benefit"),
        "SCHOLARSHIP" => ("奖学金", "scholarship"),
        "STUDENT_AID" => ("助学金", "student aid"),
        "SOCIAL_ASSISTANCE" => ("社会救助款物", "social assistance"),
        "FAMILY_PLANNING_REWARD" => ("计划生育奖扶金", "family-planning reward"),
        "CARE_REWARD" => ("关怀扶助金", "care reward"),
        "VETERAN_PREFERENTIAL" => ("优待抚恤金", "veterans' preferential payment"),
        "BRAVERY_REWARD" => ("见义勇为奖励", "reward for bravery"),
        "AGE_ALLOWANCE" => ("高龄津贴", "old-age allowance"),
        "DISABILITY_SUBSIDY" => ("残疾人补贴", "disability subsidy"),
        "TRANSFER_OUT" => ("赡养等转移支出", "support and other payments made"),
        "MEDICAL" => ("医疗支出", "medical expenditure"),
        "DISABILITY_REHAB" => ("残疾康复支出", "rehabilitation expenditure"),
        "EDUCATION" => ("教育支出", "education expenditure"),
        "ACCIDENT" => ("因灾因意外支出", "expenditure by disaster or accident"),
        "DEPOSIT" => ("存款", "deposits"),
        "SECURITIES" => ("证券", "securities"),
        "FUND" => ("基金", "funds"),
        "INSURANCE_CASH_VALUE" => ("商业保险现金价值", "cash value of insurance"),
        "INTERNET_FINANCE" => ("互联网金融资产", "internet finance assets"),
        "RECEIVABLE" => ("债权", "money owed to the household"),
        "DWELLING" => ("住房", "dwellings"),
        "NON_RESIDENTIAL" => ("非居住用房", "non-residential property"),
        "VEHICLE" => ("车辆", "vehicles"),
        "BUSINESS_ENTITY" => ("市场主体出资", "business capital"),
        "HOUSING_PROVIDENT_FUND" => ("住房公积金", "housing provident fund"),
        _ => return None,
    }))
}

/// Relation to the head of household (GB/T 4761).
pub(in super::super) fn relation(code: &str) -> Text {
    text(match code {
        "01" | "02" => ("户主", "head of household"),
        "11" => ("丈夫", "husband"),
        "12" => ("妻子", "wife"),
        "28" => ("女婿", "son-in-law"),
        "38" => ("儿媳", "daughter-in-law"),
        "41" => ("孙子", "grandson"),
        "42" => ("孙女", "granddaughter"),
        "43" => ("外孙子", "grandson"),
        "44" => ("外孙女", "granddaughter"),
        "51" => ("父亲", "father"),
        "52" => ("母亲", "mother"),
        "53" => ("公公", "father-in-law"),
        "54" => ("婆婆", "mother-in-law"),
        "55" => ("岳父", "father-in-law"),
        "56" => ("岳母", "mother-in-law"),
        "61" => ("祖父", "grandfather"),
        "62" => ("祖母", "grandmother"),
        "63" => ("外祖父", "grandfather"),
        "64" => ("外祖母", "grandmother"),
        "71" => ("哥哥", "brother"),
        "73" => ("弟弟", "brother"),
        "75" => ("姐姐", "sister"),
        "77" => ("妹妹", "sister"),
        _ => match code.as_bytes().first() {
            Some(b'1') => ("配偶", "spouse"),
            Some(b'2') => ("儿子", "son"),
            Some(b'3') => ("女儿", "daughter"),
            Some(b'4') => ("孙辈", "grandchild"),
            Some(b'5') => ("父母", "parent"),
            Some(b'6') => ("祖辈", "grandparent"),
            Some(b'7') => ("兄弟姐妹", "sibling"),
            _ => ("其他家庭成员", "member"),
        },
    })
}

/// A stage of education.
pub(in super::super) fn stage(code: &str) -> Text {
    text(match code {
        "PRESCHOOL" => ("学前教育", "preschool"),
        "PRIMARY" => ("小学", "primary school"),
        "JUNIOR" => ("初中", "junior secondary school"),
        "SENIOR_HIGH" => ("普通高中", "senior secondary school"),
        "SECONDARY_VOCATIONAL" | "VOCATIONAL" => ("中等职业学校", "vocational secondary school"),
        "SPECIAL" => ("特殊教育学校", "special education"),
        "JUNIOR_COLLEGE" => ("大专", "junior college"),
        "BACHELOR" => ("本科", "an undergraduate course"),
        "MASTER" => ("硕士研究生", "a master's course"),
        "DOCTOR" => ("博士研究生", "a doctoral course"),
        other => (other, other),
    })
}

/// Why a listed member does not count.
pub(in super::super) fn not_counted(code: &str) -> Text {
    text(match code {
        "DECEASED" => ("已去世", "has died"),
        "POSTGRADUATE" => ("成年研究生子女", "a grown child in postgraduate study"),
        "IN_PRISON" => ("在监狱服刑", "in prison"),
        "COMPULSORY_DRUG_REHAB" | "DRUG_REHAB" => ("强制隔离戒毒", "in compulsory drug rehabilitation"),
        "DECLARED_MISSING" | "MISSING" => ("被宣告失踪", "declared missing"),
        "CLERGY_3_YEARS" => ("连续三年以上脱离家庭生活的宗教教职人员", "clergy living apart for three years or more"),
        "CONSCRIPT" => ("义务兵", "a conscript"),
        other => (other, other),
    })
}

/// A ground of a top-up or of a single person.
pub(in super::super) fn ground(code: &str) -> Text {
    text(match code {
        "ELDERLY" => ("老年人", "elderly"),
        "MINOR" => ("未成年人", "minor"),
        "SEVERE_ILLNESS" => ("重病患者", "severely ill"),
        "SEVERE_DISABILITY" => ("重度残疾人", "severely disabled"),
        "NO_CAPACITY" => ("完全丧失劳动能力", "without any capacity to work"),
        other => (other, other),
    })
}

/// A category of disability (GB/T 26341).
pub(in super::super) fn disability(category: u8) -> Text {
    text(match category {
        1 => ("视力残疾", "sight"),
        2 => ("听力残疾", "hearing"),
        3 => ("言语残疾", "speech"),
        4 => ("肢体残疾", "physical"),
        5 => ("智力残疾", "intellectual"),
        6 => ("精神残疾", "mental"),
        _ => ("多重残疾", "multiple"),
    })
}

/// The measure word of a number of things.
pub(in super::super) fn unit(item: &Item) -> Text {
    text(match item {
        Item::Asset { kind, .. } if kind.as_str() == "DWELLING" => ("套", ""),
        Item::Asset { kind, .. } if kind.as_str() == "VEHICLE" => ("辆", ""),
        _ => ("处", ""),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_that_connector_files_are_held_to_has_its_words() {
        for (fact, kinds) in connectors::facts::KINDS {
            for kind in kinds {
                assert!(known_kind(kind).is_some(), "{fact}: {kind}");
            }
        }
    }
}
