//! What caseworker, resident and auditor read of the worked cases, to the letter.

use super::words::{catalogue, lines, told_of};
use super::*;
use crate::domain::problem::Text;
use crate::verdict::cases::CaseFile;
use crate::verdict::explain::{Report, View};

fn listed() -> &'static CaseFile {
    static LISTED: LazyLock<CaseFile> =
        LazyLock::new(|| serde_json::from_str(include_str!("../../../tests/cases/listed.json")).unwrap());
    &LISTED
}

fn told(view: View, id: &str) -> Report {
    let case = listed().cases.iter().find(|case| case.id == id).unwrap();
    let facts = case.facts(catalogue()).unwrap();
    let parameters = listed().parameter_set(&case.parameter_set).unwrap().parameters(&case.parameter_set).unwrap();
    told_of(view, &facts, &parameters, &evaluate(&facts, &parameters).unwrap())
}

fn sentence(id: &str) -> Text {
    told(View::Caseworker, id).sentence.unwrap()
}

const KEPT_ZH: &str = "；财产按部门记录和申报未超过限额，申报部分未经核实。";
const KEPT_EN: &str =
    "; property, by records and declaration, keeps to the limits; what is only declared is not checked.";

#[test]
fn the_caseworker_reads_what_decided_with_its_figures() {
    for (id, zh, en) in [
        (
            "C01",
            "低保：3人十二个月计入收入18000.00元，低于低保标准29844.00元，差11844.00元（人均每月329.00元）",
            "Dibao: the countable income of 3 persons over twelve months is 18000.00 yuan, below the dibao line of 29844.00 yuan by 11844.00 yuan (329.00 yuan a head and month)",
        ),
        (
            "C09",
            "低收入家庭：2人十二个月计入收入13600.00元，正好等于低保标准13600.00元；低于低收入标准20400.00元，差6800.00元（人均每月283.33元）",
            "A low-income household: the countable income of 2 persons over twelve months is 13600.00 yuan, exactly the dibao line of 13600.00 yuan; it is below the low-income line of 20400.00 yuan by 6800.00 yuan (283.33 yuan a head and month)",
        ),
        (
            "C53",
            "刚性支出困难家庭：3人十二个月计入收入47750.40元，扣除刚性支出17906.41元后为29843.99元，低于低保标准29844.00元，差0.01元",
            "Hardship by rigid expenditure: the countable income of 3 persons over twelve months is 47750.40 yuan; after rigid expenditure of 17906.41 yuan it is 29843.99 yuan, below the dibao line of 29844.00 yuan by 0.01 yuan",
        ),
        (
            "C85",
            "低保：3人十二个月计入收入36000.00元，高于低保标准29844.00元，超出6156.00元（人均每月171.00元）；因就业超过标准已5个月，在12个月的渐退期内，保持原待遇",
            "Dibao: the countable income of 3 persons over twelve months is 36000.00 yuan, above the dibao line of 29844.00 yuan by 6156.00 yuan (171.00 yuan a head and month); exceeded by finding work 5 months ago, within the graduation period of 12, so the benefit is kept",
        ),
    ] {
        let told = sentence(id);
        assert_eq!((told.zh, told.en), (format!("{zh}{KEPT_ZH}"), format!("{en}{KEPT_EN}")), "{id}");
    }
    for (id, zh, en) in [
        (
            "C13",
            "不符合各救助圈层：财产超过规定（金融资产59688.01元，限额59688.00元，超出0.01元）；只看收入，属于低保。",
            "No assistance circle: property exceeds the limits (financial assets of 59688.01 yuan against a limit of 59688.00 yuan, 0.01 yuan too much); by income alone it would be dibao.",
        ),
        (
            "C41",
            "特困人员：m1 户主（62岁）年满60周岁，无劳动能力，本人十二个月收入1364.00元，低于一人低保标准9948.00元；没有法定义务人。",
            "Extreme hardship (tekun): m1, head of household (62) is 60 or older; own income of twelve months 1364.00 yuan, below the dibao line of one person, 9948.00 yuan; there is no legal obligor.",
        ),
        (
            "C67",
            "不符合各救助圈层：3人十二个月计入收入50000.00元，高于低收入标准44766.00元，超出5234.00元（人均每月145.39元）；扣除刚性支出1000.00元后仍高于低保标准29844.00元，超出19156.00元（人均每月532.11元）。",
            "No assistance circle: the countable income of 3 persons over twelve months is 50000.00 yuan, above the low-income line of 44766.00 yuan by 5234.00 yuan (145.39 yuan a head and month); after rigid expenditure of 1000.00 yuan it is still above the dibao line of 29844.00 yuan by 19156.00 yuan (532.11 yuan a head and month).",
        ),
        (
            "C68",
            "按已知数据为低保：3人十二个月计入收入10000.00元，低于低保标准29844.00元，差19844.00元（人均每月551.22元）。尚未确定：若人力资源和社会保障再查到19844.00元（人均每月551.22元）以上的收入，则为低收入家庭（低保边缘）；若人力资源和社会保障再查到34766.00元（人均每月965.72元）以上的收入，则不符合任何圈层。",
            "By what is known, dibao: the countable income of 3 persons over twelve months is 10000.00 yuan, below the dibao line of 29844.00 yuan by 19844.00 yuan (551.22 yuan a head and month). Not settled: if Human resources and social security shows 19844.00 yuan (551.22 yuan a head and month) or more of further income, it would be a low-income household; if Human resources and social security shows 34766.00 yuan (965.72 yuan a head and month) or more of further income, no circle is met.",
        ),
        (
            "C70",
            "按已知数据为低保：3人十二个月计入收入10000.00元，低于低保标准29844.00元，差19844.00元（人均每月551.22元）。尚未确定：若住房和城乡建设查到超过规定的住房或者非居住用房，则不符合任何圈层。",
            "By what is known, dibao: the countable income of 3 persons over twelve months is 10000.00 yuan, below the dibao line of 29844.00 yuan by 19844.00 yuan (551.22 yuan a head and month). Not settled: if Housing shows dwellings or non-residential property above the limits, no circle is met.",
        ),
        (
            "C82",
            "缺少授权，不能核对：m2 妻子（36岁）尚未签署授权。",
            "The household cannot be checked: m2, wife (36) has not signed the authorisation.",
        ),
    ] {
        let told = sentence(id);
        assert_eq!((told.zh.as_str(), told.en.as_str()), (zh, en), "{id}");
    }
}

#[test]
fn every_possible_circle_is_told_with_what_would_bring_it_about() {
    let mut facts = household("10000.00");
    facts.gaps = ["education", "hrss", "housing", "medical_insurance"].map(silent).into();
    let report = told_of(View::Caseworker, &facts, &urban(), &evaluate(&facts, &urban()).unwrap());
    let changes = lines(&report, "changes");
    let told: Vec<&str> = changes.iter().map(|line| line.zh.as_str()).take(5).collect();
    assert_eq!(
        told,
        [
            "若尚未答复的部门没有更多记录，则为最低生活保障家庭（低保）。",
            "若住房和城乡建设查到超过规定的住房或者非居住用房，则不符合任何圈层。",
            "若人力资源和社会保障再查到19844.00元（人均每月551.22元）以上的收入，则为低收入家庭（低保边缘）。",
            "若人力资源和社会保障再查到34766.00元（人均每月965.72元）以上的收入，则不符合任何圈层。",
            "若人力资源和社会保障再查到19844.00元（人均每月551.22元）以上的收入，并且教育、医疗保障再查到足够的刚性支出（至少0.01元），则为刚性支出困难家庭（支出型）。",
        ]
    );
    assert_eq!(
        changes[4].en,
        "If Human resources and social security shows 19844.00 yuan (551.22 yuan a head and month) or more of further income, and Education, Medical insurance shows enough further rigid expenditure (at least 0.01 yuan), it would be hardship by rigid expenditure."
    );
    // Who has not answered is no register without a record.
    let sums = lines(&report, "sums");
    assert!(sums.iter().any(|line| line.zh.contains("1 ≤ 1") && line.zh.contains("住房和城乡建设未答复")), "{sums:?}");
    let mut two = household("36000.00");
    two.assets[1].count = 2;
    two.gaps = [silent("emergency")].into();
    let sentence = told_of(View::Caseworker, &two, &urban(), &evaluate(&two, &urban()).unwrap()).sentence.unwrap();
    assert!(
        sentence.zh.contains("尚未确定：若应急管理证明有住房因灾损毁、不计套数，则为低收入家庭（低保边缘）。"),
        "{}",
        sentence.zh
    );
}

#[test]
fn a_benefit_is_told_with_its_parts() {
    let outcomes = lines(&told(View::Caseworker, "C80"), "outcomes");
    assert_eq!(
        outcomes[0].zh,
        "救助金测算：每月623.80元（差额458.00元；m1 户主（66岁）按老年人增发10%，82.90元；m2 妻子（64岁）按老年人增发10%，82.90元）。"
    );
    let notice = lines(&told(View::Resident, "C80"), "outcomes");
    assert_eq!(
        notice[0].zh,
        "救助金测算为每月623.80元，其中户主（66岁）因是老年人增加82.90元、妻子（64岁）因是老年人增加82.90元。"
    );
}

#[test]
fn a_comparison_is_not_called_untrue_where_it_is_only_not_asked_for() {
    let sums = lines(&told(View::Caseworker, "C01"), "sums");
    let of_higher = |line: &&Text| line.en.contains("low-income") || line.en.contains("rigid");
    assert_eq!(sums.iter().filter(of_higher).count(), 0, "income is below the dibao line");
    let sums = lines(&told(View::Caseworker, "C58"), "sums");
    assert!(sums.iter().any(|line| line.zh == "扣除刚性支出后的收入低于低保标准：16000.00元 < 29844.00元，成立。"));
}

#[test]
fn income_of_tekun_members_is_told_apart_from_the_sum_and_the_tiers_of_the_place_are_told() {
    let sums = lines(&told(View::Caseworker, "C41"), "sums");
    assert!(sums.iter().any(|line| line.zh == "十二个月计入收入："), "no sum that does not hold its items: {sums:?}");
    let outcomes = lines(&told(View::Caseworker, "C11"), "outcomes");
    assert_eq!(outcomes[0].zh, "救助金按档次由经办人员确定，每人每月：A档678.00元、B档528.00元、C档424.00元。");
}

#[test]
fn every_document_cited_is_given_its_address_or_where_to_look() {
    let clauses = lines(&told(View::Caseworker, "C01"), "clauses");
    let places: Vec<_> = clauses.iter().filter(|line| line.zh.starts_with("  原文：")).collect();
    assert_eq!(places.len(), 3);
    assert!(places.iter().any(|line| line.en.ends_with("https://www.gov.cn/gongbao/content/2019/content_5468952.htm")));
    assert!(places.iter().any(|line| line.zh.ends_with("民政部网站（www.mca.gov.cn）政策文件，按文号查询")));
}

/// A report as plain text in Chinese.
fn in_chinese(report: &Report) -> String {
    let mut text = vec![report.headline.zh.clone()];
    for section in &report.sections {
        text.push(format!("# {}", section.title.zh));
        text.extend(section.lines.iter().map(|line| line.zh.clone()));
    }
    text.join("\n") + "\n"
}

const RIGHTS_ZH: &str = "\
# 您的权利
您有权要求说明这个结果是怎样得出的，也有权拒绝只由电脑自动作出的决定（《中华人民共和国个人信息保护法》第二十四条）。
如果觉得哪里不对，可以申请复核：请到受理申请的乡镇人民政府或者街道办事处说明，带上有关证明。部门记录有错的，可以要求更正。
您也可以要求由人工办理。
对以后作出的救助决定不服的，可以依法申请行政复议或者提起行政诉讼（《社会救助暂行办法》第六十五条）。
";

#[test]
fn the_resident_reads_a_notice_in_plain_words() {
    let notice = in_chinese(&told(View::Resident, "C21"));
    let expected = "\
按现在了解的情况，您家符合最低生活保障（低保）的条件。
# 您家的人
算作共同生活的家庭成员共2人：户主（70岁）、妻子（67岁）。
# 收入是怎样算的
最近十二个月，您家计入的收入一共是14228.00元，平均每人每月592.83元。
  户主（70岁）的居民养老金2880.00元（人力资源和社会保障部门的记录）：其中基础养老金按规定不计入，计入1364.00元。
  妻子（67岁）的居民养老金2880.00元（人力资源和社会保障部门的记录）：其中基础养老金按规定不计入，计入1364.00元。
  户主（70岁）的种养收入11500.00元（您的申报）：计入11500.00元。
当地低保标准：您家2人十二个月是15000.00元，平均每人每月625.00元。
";
    assert!(notice.starts_with(expected), "{notice}");
    let pending = in_chinese(&told(View::Resident, "C70"));
    let expected = "\
# 财产
存款等金融资产3000.00元（只有您的申报），限额是59688.00元，照您的申报没有超过。
您申报的财产按您的申报计算，没有经过部门核实；存款、车辆等由其他单位掌握的，这次没有查询。
# 还没有核对到的
还没有答复的部门：住房和城乡建设。没有答复不等于没有记录。
住房和城乡建设答复以后，会重新得出结果。
";
    assert!(pending.ends_with(&format!("{expected}{RIGHTS_ZH}")), "{pending}");
    let expenditure = in_chinese(&told(View::Resident, "C58"));
    let expected = "\
因病、因残、上学、意外等必需的支出（扣除报销后）：计入20000.00元。
扣掉这些支出后，您家的收入是16000.00元。
";
    assert!(expenditure.contains(expected), "{expenditure}");
    let near = in_chinese(&told(View::Resident, "C13"));
    assert!(near.contains("# 离哪个条件最近\n最近的是最低生活保障家庭（低保）：差在财产（金融资产59688.01元，限额59688.00元，超出0.01元）。\n"), "{near}");
    let removed = in_chinese(&told(View::Resident, "C32"));
    assert!(removed.contains("户主（75岁）没有算作共同生活的家庭成员：已去世。\n"), "{removed}");
}

#[test]
fn the_resident_is_told_support_counts_and_nothing_of_who_owes_it() {
    let notice = told(View::Resident, "C25");
    let text = in_chinese(&notice);
    assert!(text.contains("不和您家一起生活的亲属应当给的赡养、抚养、扶养费：计入21078.00元。"), "{text}");
    let obligor = &listed().cases.iter().find(|case| case.id == "C25").unwrap().household.obligors[0];
    assert!(!text.contains(&obligor.household_income_12m.yuan()) && !text.contains(&obligor.obligor_id), "{text}");
}

#[test]
fn the_auditor_reads_every_node_with_clause_evidence_parameter_and_margin() {
    let report = told(View::Auditor, "C01");
    let tree: Vec<String> = lines(&report, "tree").into_iter().map(|line| line.zh).collect();
    let at = tree.iter().position(|line| line.contains("[circle.dibao]")).unwrap();
    assert_eq!(
        tree[at..at + 6],
        [
            "    收入低于低保标准且财产符合规定：是 [circle.dibao]",
            "      · 比较：18000.00元 < 29844.00元，余量11844.00元",
            "      · 家庭人数：3",
            "      · 财产未超过规定：是",
            "      · 参数 低保标准（dibao_standard）= {\"amount\":\"829.00\",\"period\":\"MONTH\"}；已核实；来源：http://wlht.gov.cn/wlht/2024-10/22/article_2024102208482515700.html (内政字〔2024〕131号)；2024年",
            "      · 依据：SC649#9",
        ]
    );
    assert!(tree.iter().any(|line| line.trim() == "· 金额：18000.00元（申报，e1）"), "{tree:#?}");
    // Nobody looked for vehicles, and the tree does not say that somebody did.
    assert!(
        tree.iter().any(|line| line == "    没有应计入的车辆：是，没有申报，也没有部门记录 [property.vehicle]"),
        "{tree:#?}"
    );
    let case = listed().cases.iter().find(|case| case.id == "C01").unwrap();
    let parameters = listed().parameter_set("IM_WLHT_URBAN").unwrap().parameters("IM_WLHT_URBAN").unwrap();
    let facts = case.facts(catalogue()).unwrap();
    let verdict = evaluate(&facts, &parameters).unwrap();
    let nodes = crate::verdict::trace::trace(&facts, &parameters, &verdict).unwrap();
    assert_eq!(tree.iter().filter(|line| line.ends_with(']')).count(), nodes.root().walk().count(), "one line a node");
    let clauses: Vec<String> = lines(&report, "clauses").into_iter().map(|line| line.zh).collect();
    let dibao = clauses.iter().position(|line| line.starts_with("SC649#9：")).unwrap();
    assert_eq!(clauses[dibao], "SC649#9：《社会救助暂行办法》第九条：最低生活保障的条件（法律文本）");
    assert!(clauses[dibao + 1].contains("“国家对共同生活的家庭成员人均收入低于当地最低生活保障标准"));
    assert!(clauses[dibao + 2].ends_with("https://www.gov.cn/gongbao/content/2019/content_5468952.htm"));
}

#[test]
fn declared_against_found_is_read_row_by_row() {
    let report = told(View::Caseworker, "C01");
    let rows: Vec<Text> = lines(&report, "comparison");
    assert_eq!(rows[1].zh, "m1 户主（38岁） 经营收入：申报18000.00元，未经核对（没有已接入的部门掌握）。");
    assert_eq!(rows[3].zh, "家庭 住房：核对1套（住房和城乡建设，确定记录），未申报。");
    assert_eq!(
        rows[4].en,
        "  → The record stands. Let the household explain the difference; if the record is wrong, Housing corrects it."
    );
}
