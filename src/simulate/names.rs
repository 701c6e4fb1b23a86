//! Synthetic names for synthetic people: common Han surnames and given names, and Mongolian names,
//! some written with a middle dot. The same household always gets the same names.

use super::case::Case;
use super::random::{Random, number_of};

const SURNAMES: [&str; 30] = [
    "王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林", "何", "郭", "马",
    "罗", "梁", "宋", "郑", "谢", "韩", "唐", "冯", "于", "董", "包",
];
const MALE: [&str; 24] = [
    "建国", "志强", "伟", "军", "勇", "德福", "永贵", "海峰", "立新", "玉林", "国栋", "文斌", "长顺", "宏伟", "晓东",
    "铁柱", "永胜", "振华", "春生", "俊杰", "浩然", "子轩", "宇航", "思远",
];
const FEMALE: [&str; 24] = [
    "秀英", "桂兰", "敏", "静", "丽", "玉兰", "凤霞", "春梅", "淑珍", "海燕", "红梅", "晓梅", "雪莲", "翠花", "慧",
    "艳", "桂芳", "玉梅", "思雨", "雨欣", "梓涵", "诗琪", "欣怡", "若曦",
];
const MONGOLIAN_MALE: [&str; 16] = [
    "巴特尔",
    "包乌力吉",
    "那顺",
    "朝鲁",
    "苏和",
    "布和",
    "特木尔",
    "孟和",
    "阿木古郎",
    "青格勒",
    "额尔敦",
    "哈斯巴根",
    "乌恩其",
    "满都拉",
    "吉日嘎拉",
    "宝音",
];
const MONGOLIAN_FEMALE: [&str; 16] = [
    "乌兰图雅",
    "萨仁",
    "其其格",
    "娜仁",
    "托娅",
    "斯琴",
    "高娃",
    "阿茹娜",
    "塔娜",
    "乌云",
    "格日乐",
    "琪木格",
    "赛罕",
    "诺敏",
    "苏日娜",
    "敖登",
];
const CLANS: [&str; 6] = ["孛儿只斤", "敖其尔", "乌梁海", "克烈", "弘吉剌", "札剌亦儿"];

/// One name for each member, in the order of the case: its own where the case gives one.
pub fn of_household(case: &Case) -> Vec<String> {
    let seed = case.household.members.first().map_or(0, |head| number_of(&format!("{}{}", case.id, head.id_number.0)));
    let mut random = Random::new(seed);
    let mongolian = random.chance(30);
    let family = *random.pick(&SURNAMES);
    let clan = *random.pick(&CLANS);
    let with_clan = random.chance(35);
    let mut taken: Vec<String> = Vec::new();
    for member in &case.household.members {
        if let Some(name) = &member.name {
            taken.push(name.clone());
            continue;
        }
        let male = member.sex_code.as_deref() != Some("2");
        // Spouses, parents-in-law and children-in-law bring their own surname; the rest share the head's.
        let shares = !matches!(member.relation_code.as_str(), "10" | "11" | "12" | "28" | "38" | "52" | "62");
        loop {
            let name = if mongolian {
                let given = *random.pick(if male { &MONGOLIAN_MALE } else { &MONGOLIAN_FEMALE });
                if with_clan && shares { format!("{clan}·{given}") } else { given.to_owned() }
            } else {
                let surname = if shares { family } else { *random.pick(&SURNAMES) };
                format!("{surname}{}", *random.pick(if male { &MALE } else { &FEMALE }))
            };
            if !taken.contains(&name) || taken.len() >= 12 {
                taken.push(name);
                break;
            }
        }
    }
    taken
}
