//! The headline of a verdict, and the comparison that decided it in one or two sentences with its figures.

use super::changes::{a_head, capital, circle_without_property};
use super::possible::{circle_as_known, in_a_sentence};
use super::{Matter, Story, departments, line, list, size_of, words, yuan};
use crate::domain::money::Money;
use crate::domain::problem::Text;
use crate::verdict::circle::Circle;
use crate::verdict::trace::{Node, Outcome, Value};
use crate::verdict::{HouseholdCircle, Margin, Status, Verdict};

/// The verdict in one sentence without figures.
pub(super) fn headline(matter: &Matter<'_>) -> Text {
    let verdict = matter.verdict;
    match (verdict.status, verdict.household_circle) {
        (Status::Determined, HouseholdCircle::Is(circle)) => {
            let name = words::circle(circle);
            line(format!("核对结果：{}。", name.zh), format!("Result of the check: {}.", name.en))
        }
        (Status::Determined | Status::PendingData, _) => {
            let possible = verdict.possible_circles.as_deref().unwrap_or_default();
            let names: Vec<Text> = possible.iter().map(|circle| words::circle(*circle)).collect();
            let blocking = verdict.blocking_departments.as_deref().unwrap_or_default();
            let waiting = departments(matter.catalogue, blocking);
            let (wait_zh, wait_en) = if blocking.is_empty() {
                (String::new(), String::new())
            } else {
                (format!("；须等待{}答复", waiting.zh), format!("; waiting for {}", waiting.en))
            };
            let (zh, en) = (list(&names).zh, super::join(&names, |name| &name.en, "; "));
            line(
                format!("尚不能确定，可能是：{zh}{wait_zh}。"),
                format!("Not settled yet; possible are: {en}{wait_en}."),
            )
        }
        (Status::Blocked, _) => line(
            "缺少家庭成员的授权，不能核对。",
            "A member's authorisation is missing: the household cannot be checked.",
        ),
        (Status::ManualReview, _) if verdict.flags.iter().any(|flag| flag == "MEMBER_IN_TWO_HOUSEHOLDS") => line(
            "须先由经办人员处理：有成员已在其他救助家庭中。",
            "An officer must act first: a member is already in another assisted household.",
        ),
        (Status::ManualReview, _) => line(
            "须先由经办人员处理：有金额过大，无法计算。",
            "An officer must act first: an amount is too large to compute with.",
        ),
        (Status::PendingParameter, _) => line(
            "没有当地在该日期的标准，不能作出结果；不使用任何默认标准。",
            "No standard is known for this place and day, so there is no result; no default is ever used.",
        ),
    }
}

/// What decided, with its figures.
pub(super) fn sentence(story: &Story<'_>) -> Text {
    let verdict = story.verdict();
    match verdict.status {
        Status::Determined => match verdict.circle() {
            Some(Circle::Tekun) => tekun(story),
            Some(circle) => determined(story, circle),
            None => headline(story.matter),
        },
        Status::PendingData => pending(story),
        Status::Blocked => unsigned(story),
        Status::ManualReview | Status::PendingParameter => headline(story.matter),
    }
}

pub(super) fn margin<'a>(verdict: &'a Verdict, test: &str) -> Option<&'a Margin> {
    verdict.margins.iter().find(|margin| margin.test == test)
}

fn persons(verdict: &Verdict) -> usize {
    verdict.computed.as_ref().map_or(0, |computed| computed.household_size)
}

/// `11844.00元（人均每月329.00元）`.
fn apart(margin: &Margin) -> Text {
    let (all, head) = (yuan(size_of(margin.margin)), a_head(margin.per_head_month));
    line(format!("{}{}", all.zh, head.zh), format!("{}{}", all.en, head.en))
}

/// How income stands to a line: below it, exactly at it, above it.
fn stands(margin: &Margin, zh: &str, en: &str) -> Text {
    let limit = yuan(margin.limit);
    let apart = apart(margin);
    if margin.margin > Money::ZERO {
        line(format!("低于{zh}{}，差{}", limit.zh, apart.zh), format!("below {en} of {} by {}", limit.en, apart.en))
    } else if margin.margin == Money::ZERO && margin.holds && margin.test != "income_within_low_income_line" {
        line(format!("低于{zh}{}，差额不足一分", limit.zh), format!("below {en} of {} by less than a fen", limit.en))
    } else if margin.margin == Money::ZERO {
        line(format!("正好等于{zh}{}", limit.zh), format!("exactly {en} of {}", limit.en))
    } else {
        line(format!("高于{zh}{}，超出{}", limit.zh, apart.zh), format!("above {en} of {} by {}", limit.en, apart.en))
    }
}

/// `3人十二个月计入收入18000.00元，`.
fn income(verdict: &Verdict) -> Text {
    let amount = margin(verdict, "income_below_standard").map_or(Money::ZERO, |margin| margin.value);
    let (people, amount) = (persons(verdict), yuan(amount));
    let who = if people == 1 { "one person".to_owned() } else { format!("{people} persons") };
    line(
        format!("{people}人十二个月计入收入{}", amount.zh),
        format!("the countable income of {who} over twelve months is {}", amount.en),
    )
}

/// `扣减因病因残的刚性支出8000.00元后为28000.00元`, and how that stands to the dibao line, where the pack has it taken off.
fn after_deduction(story: &Story<'_>) -> Option<(Text, Text)> {
    let margin = margin(story.verdict(), "income_after_deduction_below_standard")?;
    let taken = yuan(story.node("circle.dibao.deduction").map_or(Money::ZERO, Node::amount));
    let left = yuan(margin.value);
    let after = line(
        format!("扣减因病因残的刚性支出{}后为{}", taken.zh, left.zh),
        format!("after costs of illness and disability of {} it is {}", taken.en, left.en),
    );
    Some((after, stands(margin, "低保标准", "the dibao line")))
}

/// Income as the dibao test compares it, and how it stands to the line.
fn income_by_dibao_line(story: &Story<'_>) -> Option<(Text, Text)> {
    let income = income(story.verdict());
    if let Some((after, stands)) = after_deduction(story) {
        let told = line(format!("{}，{}", income.zh, after.zh), format!("{}; {}", income.en, after.en));
        return Some((told, stands));
    }
    let below = margin(story.verdict(), "income_below_standard")?;
    Some((income, stands(below, "低保标准", "the dibao line")))
}

fn determined(story: &Story<'_>, circle: Circle) -> Text {
    let verdict = story.verdict();
    if persons(verdict) == 0 {
        return line("没有计入家庭的成员，不符合任何圈层。", "No member counts, so the household is in no circle.");
    }
    let name = words::circle_short(circle);
    let what = match circle {
        Circle::Dibao => dibao(story),
        Circle::LowIncome => low_income(story),
        Circle::Expenditure => expenditure(story),
        Circle::None | Circle::Tekun | Circle::DibaoSingle => none(story),
    };
    let property = if circle == Circle::None { line("", "") } else { property_kept(story) };
    line(
        format!("{}：{}{}。", name.zh, what.zh, property.zh),
        format!("{}: {}{}.", capital(&name.en), what.en, property.en),
    )
}

/// What is known of property, told so that a declaration is not taken for a check.
fn property_kept(story: &Story<'_>) -> Text {
    let is_declared = |node: &Node<'_>| {
        node.inputs().iter().any(|input| matches!(input.source, Some(crate::verdict::facts::Source::Declared)))
    };
    let any_declared = story.nodes().filter(|node| node.rule.starts_with("property.")).any(|node| is_declared(&node));
    if any_declared {
        line(
            "；财产按部门记录和申报未超过限额，申报部分未经核实",
            "; property, by records and declaration, keeps to the limits; what is only declared is not checked",
        )
    } else {
        line("；部门记录中没有超过限额的财产", "; departments' records show no property above the limits")
    }
}

fn dibao(story: &Story<'_>) -> Text {
    let Some((income, stands)) = income_by_dibao_line(story) else { return line("", "") };
    let graduation = story.node("circle.graduation").filter(|node| node.holds());
    match graduation.as_ref().and_then(|node| node.comparison()) {
        Some(comparison) => {
            let (month, months) = (count(&comparison.left), count(&comparison.right));
            line(
                format!(
                    "{}，{}；因就业超过标准已{month}个月，在{months}个月的渐退期内，保持原待遇",
                    income.zh, stands.zh
                ),
                format!(
                    "{}, {}; exceeded by finding work {month} months ago, within the graduation period of {months}, so the benefit is kept",
                    income.en, stands.en
                ),
            )
        }
        None => line(format!("{}，{}", income.zh, stands.zh), format!("{}, {}", income.en, stands.en)),
    }
}

fn count(value: &Value<'_>) -> i64 {
    match value {
        Value::Count(count) => *count,
        _ => 0,
    }
}

fn low_income(story: &Story<'_>) -> Text {
    let verdict = story.verdict();
    let upper = margin(verdict, "income_within_low_income_line")
        .map(|within| stands(within, "低收入标准", "the low-income line"));
    let (Some((income, lower)), Some(upper)) = (income_by_dibao_line(story), upper) else { return income(verdict) };
    let (it_zh, it_en) =
        if after_deduction(story).is_some() { ("扣减前", "before that it is") } else { ("", "it is") };
    line(
        format!("{}，{}；{it_zh}{}", income.zh, lower.zh, upper.zh),
        format!("{}, {}; {it_en} {}", income.en, lower.en, upper.en),
    )
}

fn expenditure(story: &Story<'_>) -> Text {
    let verdict = story.verdict();
    let income = income(verdict);
    if let Some(net) = margin(verdict, "net_income_below_standard") {
        let spent = yuan(story.node("expenditure").map_or(Money::ZERO, Node::amount));
        let (after, stands) = (yuan(net.value), stands(net, "低保标准", "the dibao line"));
        return line(
            format!("{}，扣除刚性支出{}后为{}，{}", income.zh, spent.zh, after.zh, stands.zh),
            format!("{}; after rigid expenditure of {} it is {}, {}", income.en, spent.en, after.en, stands.en),
        );
    }
    let exceeded = ["expenditure_above_ratio", "medical_expenditure_above_ratio"]
        .into_iter()
        .filter_map(|test| margin(verdict, test))
        .find(|margin| margin.holds);
    let Some(exceeded) = exceeded else { return income };
    let (what_zh, what_en) = if exceeded.test == "expenditure_above_ratio" {
        ("刚性支出", "rigid expenditure")
    } else {
        ("医疗和意外支出", "medical and accident expenditure")
    };
    let (value, limit) = (yuan(exceeded.value), yuan(exceeded.limit));
    line(
        format!("{}；{what_zh}{}，超过按收入比例计算的限额{}", income.zh, value.zh, limit.zh),
        format!("{}; {what_en} is {}, above its share of income, {}", income.en, value.en, limit.en),
    )
}

fn none(story: &Story<'_>) -> Text {
    let verdict = story.verdict();
    let over = over_limits(story);
    if !over.is_empty() {
        let over = list(&over);
        let without = circle_without_property(story).map_or_else(
            || line("", ""),
            |then| match then {
                Circle::None => line("；只看收入也不符合", "; by income alone no circle is met either"),
                then => {
                    let then = words::circle_short(then);
                    line(format!("；只看收入，属于{}", then.zh), format!("; by income alone it would be {}", then.en))
                }
            },
        );
        return line(
            format!("财产超过规定（{}）{}", over.zh, without.zh),
            format!("property exceeds the limits ({}){}", over.en, without.en),
        );
    }
    let income = income(verdict);
    let line_of = margin(verdict, "income_within_low_income_line")
        .map(|within| stands(within, "低收入标准", "the low-income line"));
    let mut zh = income.zh;
    let mut en = income.en;
    if let Some(upper) = line_of {
        zh = format!("{zh}，{}", upper.zh);
        en = format!("{en}, {}", upper.en);
    }
    if let Some(net) = margin(verdict, "net_income_below_standard") {
        let spent = story.node("expenditure").map_or(Money::ZERO, Node::amount);
        if spent > Money::ZERO {
            let (spent, stands) = (yuan(spent), stands(net, "低保标准", "the dibao line"));
            zh = format!("{zh}；扣除刚性支出{}后仍{}", spent.zh, stands.zh);
            en = format!("{en}; after rigid expenditure of {} it is still {}", spent.en, stands.en);
        }
    } else if let Some((after, stands)) = after_deduction(story) {
        zh = format!("{zh}；{}，{}", after.zh, stands.zh);
        en = format!("{en}; {}, {}", after.en, stands.en);
    }
    if let Some(ratio) =
        margin(verdict, "expenditure_above_ratio").filter(|ratio| !ratio.holds && ratio.value > Money::ZERO)
    {
        let (value, limit) = (yuan(ratio.value), yuan(ratio.limit));
        zh = format!("{zh}；刚性支出{}没有超过按收入比例计算的限额{}", value.zh, limit.zh);
        en = format!("{en}; rigid expenditure of {} is not above its share of income, {}", value.en, limit.en);
    }
    line(zh, en)
}

/// Each property test that fails, with what is owned and what is allowed.
pub(super) fn over_limits(story: &Story<'_>) -> Vec<Text> {
    let fails = |node: &Node<'_>| node.rule.starts_with("property.") && node.result == Outcome::Holds(false);
    let failing = story.nodes().filter(fails);
    failing.map(over_limit).collect()
}

fn over_limit(node: Node<'_>) -> Text {
    let sides = node.comparison().map(|comparison| (&comparison.left, &comparison.right));
    match (node.rule, sides) {
        ("property.financial", Some((Value::Money(owned), Value::Money(limit)))) => {
            let over = Money::from_fen(owned.fen().saturating_sub(limit.fen()));
            let (owned, limit, over) = (yuan(*owned), yuan(*limit), yuan(over));
            line(
                format!("金融资产{}，限额{}，超出{}", owned.zh, limit.zh, over.zh),
                format!("financial assets of {} against a limit of {}, {} too much", owned.en, limit.en, over.en),
            )
        }
        ("property.dwellings", Some((owned, limit))) => {
            let (owned, limit) = (count(owned), count(limit));
            line(format!("住房{owned}套，规定不超过{limit}套"), format!("{owned} dwellings where {limit} may be owned"))
        }
        ("property.business_capital", Some((Value::Money(owned), Value::Money(limit)))) => {
            let (owned, limit) = (yuan(*owned), yuan(*limit));
            line(
                format!("市场主体出资{}，限额{}", owned.zh, limit.zh),
                format!("business capital of {} against a limit of {}", owned.en, limit.en),
            )
        }
        ("property.non_residential", _) => line("有非居住用房", "non-residential property"),
        ("property.vehicle", _) => line("有不予豁免的车辆", "a vehicle that is not exempt"),
        _ => line("有超过规定的财产", "property above a limit"),
    }
}

/// What of somebody's income their test for 特困 left out, in brackets; nothing where it left out nothing.
pub(super) fn left_out(test: Node<'_>) -> Text {
    let amount = test.inputs().iter().find(|input| input.name == "left_out_12m").map(|input| &input.value);
    let Some(Value::Money(amount)) = amount else { return line("", "") };
    let amount = yuan(*amount);
    line(
        format!("（另有{}按特困人员认定规定不计入）", amount.zh),
        format!(" (another {} does not count in the test for tekun)", amount.en),
    )
}

fn tekun(story: &Story<'_>) -> Text {
    let each: Vec<Text> = story
        .each("tekun.member")
        .filter_map(|node| {
            let Outcome::Is(ground) = &node.result else { return None };
            let comparison = node.comparison()?;
            let (Value::Money(own), Value::Money(limit)) = (&comparison.left, &comparison.right) else { return None };
            let who = story.persons.named(node.subject.unwrap_or_default());
            let ground = words::reason(story.catalogue(), ground);
            let (own, limit, left_out) = (yuan(*own), yuan(*limit), left_out(node));
            Some(line(
                format!(
                    "{}{}，本人十二个月收入{}{}，低于一人低保标准{}",
                    who.zh, ground.zh, own.zh, left_out.zh, limit.zh
                ),
                format!(
                    "{} {}; own income of twelve months {}{}, below the dibao line of one person, {}",
                    who.en, ground.en, own.en, left_out.en, limit.en
                ),
            ))
        })
        .collect();
    let obligors = if story.verdict().reason_codes.iter().any(|code| code == "TEKUN_OBLIGOR_UNABLE") {
        line("法定义务人无履行能力", "the legal obligors cannot pay")
    } else {
        line("没有法定义务人", "there is no legal obligor")
    };
    line(
        format!("特困人员：{}；{}。", super::join(&each, |text| &text.zh, "；"), obligors.zh),
        format!("Extreme hardship (tekun): {}; {}.", super::join(&each, |text| &text.en, "; "), obligors.en),
    )
}

/// `按已知数据为低保：…。尚未确定：若人力资源和社会保障再查到…以上的收入，则为…`.
fn pending(story: &Story<'_>) -> Text {
    let Some(known) = circle_as_known(story) else { return headline(story.matter) };
    let name = words::circle_short(known);
    let what = match known {
        Circle::None => none(story),
        Circle::LowIncome => low_income(story),
        Circle::Expenditure => expenditure(story),
        Circle::Dibao | Circle::DibaoSingle | Circle::Tekun => dibao(story),
    };
    let others = in_a_sentence(story);
    line(
        format!("按已知数据为{}：{}。尚未确定：{}。", name.zh, what.zh, others.zh),
        format!("By what is known, {}: {}. Not settled: {}.", name.en, what.en, others.en),
    )
}

fn unsigned(story: &Story<'_>) -> Text {
    let unsigned: Vec<Text> = story
        .node("gate.authorised")
        .into_iter()
        .flat_map(|node| node.inputs().iter().filter(|input| input.name == "not_signed"))
        .map(|input| story.persons.named(&super::printed(&input.value)))
        .collect();
    if unsigned.is_empty() {
        return headline(story.matter);
    }
    let who = list(&unsigned);
    line(
        format!("缺少授权，不能核对：{}尚未签署授权。", who.zh),
        format!("The household cannot be checked: {} has not signed the authorisation.", who.en),
    )
}
