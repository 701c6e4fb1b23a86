//! What other rules mean for a population, told as a table or as JSON. Never anything that names a household.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::population::Faults;
use crate::cli::Lang;
use crate::cli::policy::side_words;
use crate::domain::money::Money;
use crate::service::policies::impact::{Example, Impact, Tally, Total};

/// Real households in a move below which no examples are told: of a few, figures can point to one.
const FEWEST: u64 = 5;
/// Households of a whole country's register.
const REGISTER: u64 = 30_000_000;

/// Where the households came from.
pub(super) enum Population<'a> {
    /// Drawn from a seed: they are nobody.
    Drawn {
        /// The seed.
        seed: u64,
    },
    /// Read from a file.
    File {
        /// The file.
        path: &'a Path,
        /// Households of other places or sides.
        elsewhere: u64,
        /// Records that could not be judged.
        faults: Faults,
    },
}

/// Everything there is to tell.
pub(super) struct Report<'a> {
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    pub(super) impact: &'a Impact,
    pub(super) population: Population<'a>,
    pub(super) elapsed: Duration,
    pub(super) threads: usize,
}

fn signed(total: Total) -> String {
    if total.is_positive() { format!("+{}", total.yuan()) } else { total.yuan() }
}

fn numbers(tally: &Tally) -> Value {
    let (before, after) = tally.monthly;
    json!({
        "households": tally.households,
        "persons": tally.persons,
        "households_raised": tally.raised,
        "households_lowered": tally.lowered,
        "households_uncomputed": tally.uncomputed,
        "single_persons_before": tally.singles.0,
        "single_persons_after": tally.singles.1,
        "monthly_before": before,
        "monthly_after": after,
        "monthly_change": signed(after.minus(before)),
    })
}

impl Report<'_> {
    /// Examples that may be told: of drawn households as they are, of real ones coarsened, and of few none.
    fn examples(&self, tally: &Tally) -> Vec<Example> {
        match &self.population {
            Population::Drawn { .. } => tally.examples().copied().collect(),
            Population::File { .. } if tally.households < FEWEST => Vec::new(),
            Population::File { .. } => tally.examples().map(|example| coarse(*example)).collect(),
        }
    }

    /// Seconds that a whole register would take at the speed seen; nothing when there was too little to see.
    fn register_seconds(&self) -> Option<u64> {
        let households = u128::from(self.impact.total().households);
        let nanoseconds = self.elapsed.as_nanos().checked_mul(u128::from(REGISTER))?.checked_div(households)?;
        u64::try_from(nanoseconds / 1_000_000_000).ok()
    }

    fn per_second(&self) -> u64 {
        let microseconds = self.elapsed.as_micros().max(1);
        u64::try_from(u128::from(self.impact.total().households) * 1_000_000 / microseconds).unwrap_or(u64::MAX)
    }

    pub(super) fn json(&self) -> Value {
        let moves: Vec<Value> = self
            .impact
            .moves()
            .map(|((side, before, after), tally)| {
                let mut entry = json!({"urban_rural": side, "from": before, "to": after});
                if let (Some(entry), Value::Object(numbers)) = (entry.as_object_mut(), numbers(tally)) {
                    entry.extend(numbers);
                    entry.insert("examples".to_owned(), json!(self.examples(tally)));
                }
                entry
            })
            .collect();
        let population = match &self.population {
            Population::Drawn { seed } => json!({"drawn_from_seed": seed}),
            Population::File { path, elsewhere, faults } => json!({
                "file": path,
                "elsewhere": elsewhere,
                "unusable": faults.count,
                "first_unusable": faults.first.iter().map(|(number, at)| json!({"record": number, "pointer": at})).collect::<Vec<_>>(),
            }),
        };
        json!({
            "from": self.from,
            "to": self.to,
            "population": population,
            "total": numbers(&self.impact.total()),
            "moved": numbers(&self.impact.moved()),
            "moves": moves,
            "run": {
                "seconds": self.elapsed.as_secs(),
                "households_per_second": self.per_second(),
                "threads": self.threads,
                "seconds_for_30_million": self.register_seconds(),
            },
        })
    }

    pub(super) fn tell(&self, out: &mut impl Write, lang: Lang) -> std::io::Result<()> {
        writeln!(out, "{} → {}", self.from, self.to)?;
        self.tell_population(out, lang)?;
        let (total, moved) = (self.impact.total(), self.impact.moved());
        let change = signed(total.monthly.1.minus(total.monthly.0));
        let (before, after) = (total.monthly.0.yuan(), total.monthly.1.yuan());
        match lang {
            Lang::Zh => {
                writeln!(
                    out,
                    "\n{} 户 {} 人，其中 {} 户 {} 人改变圈层",
                    total.households, total.persons, moved.households, moved.persons
                )?;
                writeln!(
                    out,
                    "每月救助金合计 {before} 元 → {after} 元，变化 {change} 元；{} 户增加，{} 户减少",
                    total.raised, total.lowered
                )?;
            }
            Lang::En => {
                writeln!(
                    out,
                    "\n{} households, {} persons; {} households, {} persons move circle",
                    total.households, total.persons, moved.households, moved.persons
                )?;
                writeln!(
                    out,
                    "benefits a month {before} → {after} yuan, change {change}; {} households get more, {} less",
                    total.raised, total.lowered
                )?;
            }
        }
        if total.uncomputed > 0 {
            let says =
                lang.pick("户按档发放，金额未计算", "households are paid by tier; their amounts are not computed");
            writeln!(out, "{} {says}", total.uncomputed)?;
        }
        writeln!(out, "{}\n", lang.pick(
            "救助金为补差、分类增发和单人户救助金；特困供养金额不在其内",
            "benefits are the difference, its top-ups and those of single persons; amounts of tekun support are not included"
        ))?;
        self.tell_moves(out, lang)?;
        self.tell_speed(out, lang)
    }

    fn tell_population(&self, out: &mut impl Write, lang: Lang) -> std::io::Result<()> {
        match &self.population {
            Population::Drawn { seed } => match lang {
                Lang::Zh => writeln!(out, "按种子 {seed} 在当地标准线附近抽取的虚构家庭；各类家庭的比例不是真实比例"),
                Lang::En => writeln!(
                    out,
                    "households drawn around the lines of the place from seed {seed}; their shares are not those of a real place"
                ),
            },
            Population::File { path, elsewhere, faults } => {
                let path = path.display();
                match (lang, *elsewhere) {
                    (_, 0) => writeln!(out, "{path}")?,
                    (Lang::Zh, _) => writeln!(out, "{path}：另有 {elsewhere} 户属于他地或另一侧，未计入")?,
                    (Lang::En, _) => {
                        writeln!(out, "{path}: {elsewhere} households of other places or sides are left out")?;
                    }
                }
                for (number, at) in &faults.first {
                    let says =
                        lang.pick("第 {} 条无法使用", "record {} cannot be used").replace("{}", &number.to_string());
                    writeln!(out, "  ✗ {says}: {at}")?;
                }
                if faults.count > faults.first.len() as u64 {
                    writeln!(out, "  ✗ {} {}", lang.pick("无法使用的共", "unusable in all:"), faults.count)?;
                }
                Ok(())
            }
        }
    }

    fn tell_moves(&self, out: &mut impl Write, lang: Lang) -> std::io::Result<()> {
        let head = match lang {
            Lang::Zh => ["", "户", "人", "每月变化（元）", "增加", "减少"],
            Lang::En => ["", "households", "persons", "change a month", "more", "less"],
        };
        let row = |name: &str, cells: [&str; 5]| {
            let widths = [12, 12, 20, 12, 12];
            let cells = cells.iter().zip(widths).map(|(cell, width)| padded(cell, width, true));
            padded(name, 44, false) + &cells.collect::<String>()
        };
        let [name, cells @ ..] = head;
        writeln!(out, "{}", row(name, cells))?;
        for ((side, before, after), tally) in self.impact.moves() {
            let (side, from, to) = match lang {
                Lang::Zh => (side_words(side).0, before.words().0, after.words().0),
                Lang::En => (side_words(side).1, before.words().1, after.words().1),
            };
            let mark = if before == after { ' ' } else { '*' };
            let name = format!("{mark} {side}  {from} → {to}");
            let change = signed(tally.monthly.1.minus(tally.monthly.0));
            let [households, persons, raised, lowered] =
                [tally.households, tally.persons, tally.raised, tally.lowered].map(|number| number.to_string());
            writeln!(out, "{}", row(&name, [&households, &persons, &change, &raised, &lowered]))?;
            if before != after {
                for example in self.examples(tally) {
                    writeln!(out, "      {}", in_words(example, lang))?;
                }
            }
        }
        Ok(())
    }

    fn tell_speed(&self, out: &mut impl Write, lang: Lang) -> std::io::Result<()> {
        let (seconds, rate, threads) = (self.elapsed.as_secs_f32(), self.per_second(), self.threads);
        let whole = self.register_seconds().map_or_else(
            || "?".to_owned(),
            |seconds| format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60),
        );
        match lang {
            Lang::Zh => {
                writeln!(out, "\n用时 {seconds:.1} 秒，{threads} 线程，每秒 {rate} 户；照此 3000 万户需 {whole}")
            }
            Lang::En => writeln!(
                out,
                "\n{seconds:.1} s on {threads} threads, {rate} households a second; 30 million would take {whole}"
            ),
        }
    }
}

/// A cell of a table. A terminal gives a Chinese character the room of two letters.
fn padded(text: &str, width: usize, is_right: bool) -> String {
    let taken: usize = text.chars().map(|letter| if letter < '\u{2e80}' { 1 } else { 2 }).sum();
    let room = " ".repeat(width.saturating_sub(taken));
    if is_right { room + text } else { text.to_owned() + &room }
}

/// Amounts of real households are told to ten yuan: the exact difference benefit would tell the income.
fn coarse(example: Example) -> Example {
    let tens = |money: Money| Money::from_fen(money.fen() / 1000 * 1000);
    Example {
        monthly_before: example.monthly_before.map(tens),
        monthly_after: example.monthly_after.map(tens),
        income_percent_of_line: example.income_percent_of_line.map(|percent| percent / 5 * 5),
        ..example
    }
}

fn in_words(example: Example, lang: Lang) -> String {
    let persons = example.persons;
    let income = example.income_percent_of_line.map(|percent| match lang {
        Lang::Zh => format!("，收入约为标准线的 {percent}%"),
        Lang::En => format!(", income about {percent} % of the line"),
    });
    let yuan = |money: Option<Money>| money.map_or_else(|| "–".to_owned(), Money::yuan);
    let (before, after, income) =
        (yuan(example.monthly_before), yuan(example.monthly_after), income.unwrap_or_default());
    match lang {
        Lang::Zh => format!("例：{persons} 人{income}，每月 {before} → {after} 元"),
        Lang::En => format!("such as: {persons} persons{income}, {before} → {after} yuan a month"),
    }
}
