"""Random cases in the format of the case file: seeded, and close to every line of the rules.

The generator knows the lines (it must, to set amounts on them, one fen below and one fen above), but no
rule: it says nothing about what a case leads to. `python generate.py FILE [--households N] [--seed S]`.
"""

import argparse
import json
import random
from copy import deepcopy
from datetime import date, timedelta
from pathlib import Path

LISTED = Path(__file__).parents[1] / "cases" / "listed.json"

DEPARTMENTS = ("education", "hrss", "housing", "health", "emergency", "medical_insurance")
GAPS = (
    "TIMEOUT",
    "ERROR",
    "QUOTA",
    "QUOTA_EXCEEDED",
    "NOT_AUTHORISED",
    "UNAVAILABLE",
    "MALFORMED",
    "MISMATCH",
    "NOT_CONNECTED",
)
DAYS = (
    "2023-07-31",
    "2024-02-28",
    "2024-02-29",
    "2024-03-01",
    "2025-01-01",
    "2025-02-28",
    "2025-03-01",
    "2025-03-15",
    "2025-12-31",
    "2026-01-01",
    "2026-11-26",
)
AGES = (0, 1, 2, 3, 4, 10, 15, 16, 17, 18, 19, 25, 29, 30, 31, 40, 45, 58, 59, 60, 61, 69, 70, 71, 85)
STAGES = (
    "PRESCHOOL PRIMARY JUNIOR SENIOR_HIGH SECONDARY_VOCATIONAL SPECIAL JUNIOR_COLLEGE BACHELOR MASTER DOCTOR"
).split()
EXCLUSIONS = ("IMPRISONED", "COMPULSORY_REHABILITATION", "DECLARED_MISSING", "RELIGIOUS_PROFESSION", "CONSCRIPT")
EXEMPT_KINDS = (
    "VETERAN_PREFERENTIAL FAMILY_PLANNING_REWARD SCHOLARSHIP STUDENT_AID BRAVERY_REWARD SOCIAL_ASSISTANCE "
    "AGE_ALLOWANCE DISABILITY_SUBSIDY FUNERAL_GRANT"
).split()
COUNTED_KINDS = (
    ("OPERATING", "BUSINESS"),
    ("OPERATING", "FARMING"),
    ("PROPERTY", "RENT"),
    ("TRANSFER", "PENSION_EMPLOYEE"),
    ("TRANSFER", "UNEMPLOYMENT_BENEFIT"),
    ("OTHER", "OTHER"),
)
SOURCES = ("civil_affairs_declared", *DEPARTMENTS)
FINANCIAL = ("DEPOSIT", "SECURITIES", "FUND", "INSURANCE_CASH_VALUE", "INTERNET_FINANCE", "RECEIVABLE")
REGIONS = ("152201", "150200", "210100", "450100", "652722")


def fen(yuan):
    whole, _, part = yuan.partition(".")
    return int(whole) * 100 + int((part + "00")[:2])


def yuan(amount):
    return f"{amount // 100}.{amount % 100:02}"


def id_number(born, sequence):
    body = f"150000{born:%Y%m%d}{sequence:03}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return body + "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True)) % 11]


def years_before(day, years):
    """The day so many years earlier; 29 February becomes 1 March where there is none."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return date(day.year - years, 3, 1)


def variants(rng, listed, count):
    """The listed parameter sets, and sets made from them with other figures."""
    sets = deepcopy(listed)
    for number in range(count):
        made = deepcopy(listed[rng.choice(sorted(listed))])
        made.pop("provenance", None)
        made["dibao_standard"] = rng.choice(
            (
                {"amount": yuan(rng.randrange(40_000, 130_000)), "period": "MONTH"},
                {"amount": yuan(rng.randrange(480_000, 1_560_000)), "period": "YEAR"},
            )
        )
        made["low_income_multiple"] = rng.choice(("1.5", "2", "1.25"))
        made["basic_pension_exempt_until"] = rng.choice(("2024-02-28", "2024-02-29", "2025-12-31", "2026-11-26"))
        made["employment_cost"]["percent"] = rng.choice(("0", "5", "10", "33"))
        made["support_formula"]["percent"] = rng.choice(("25", "50", "30"))
        made["financial_asset_limit"]["months"] = rng.choice((7, 12, 24, 36, 48))
        made["dwelling_max"] = rng.choice((0, 1, 1, 1, 2))
        made["vehicle_exempt_kinds"] = rng.choice((["DISABILITY_AID"], ["MOTORCYCLE_2_OR_3_WHEEL", "E_BIKE"]))
        made["business_capital_limit"] = rng.choice(("100000.00", "200000.00"))
        made["expenditure_rule"] = rng.choice(("SEED_2021", "NATIONAL_2024", "IM_2024"))
        made["per_capita_disposable_income_prev_year"] = yuan(rng.randrange(1_000_000, 6_000_000))
        precedence = ["DIBAO", "LOW_INCOME", "EXPENDITURE"]
        rng.shuffle(precedence)
        made["circle_precedence"] = precedence
        made["benefit_mode"] = rng.choice(("DIFFERENCE", "DIFFERENCE", "DIFFERENCE", "TIERED"))
        if made["benefit_mode"] == "TIERED":
            made.setdefault("tiers", [{"tier": "A", "per_person_monthly": "678.00"}])
        else:
            made.pop("tiers", None)
        made["topup_percent"] = {
            ground: str(rng.choice((10, 15, 20, 30)))
            for ground in ("ELDERLY", "MINOR", "SEVERE_ILLNESS", "SEVERE_DISABILITY")
        }
        made["topup_elderly_age"] = rng.choice((60, 65, 70))
        made["graduation_months"] = rng.choice((6, 12, 24))
        made["tekun"]["minor_age_limit"] = rng.choice((16, 18))
        made["tekun"]["continue_stages"] = rng.choice(
            (["SENIOR_HIGH", "SECONDARY_VOCATIONAL"], ["PRIMARY", "JUNIOR", "SPECIAL"])
        )
        if rng.random() < 0.4:
            kinds = (*EXEMPT_KINDS, "PENSION_RESIDENT", "UNEMPLOYMENT_BENEFIT", "OTHER")
            made["tekun"]["exempt_income_kinds"] = rng.sample(kinds, 3)
        if rng.random() < 0.4:
            made["tekun"]["basic_pension_exempt"] = rng.random() < 0.8
        if rng.random() < 0.4:
            made["single_grounds"] = ["NO_CAPACITY"]
        if rng.random() < 0.4:
            made["deduct_rigid_in_dibao_test"] = rng.random() < 0.8
        made["emergency_first_aid_hours"] = rng.choice((12, 24, 48))
        kinds = [kind for kind in EXEMPT_KINDS if rng.random() < 0.8]
        made["exempt_income_kinds"] = kinds or [EXEMPT_KINDS[0]]
        sets[f"MADE_{number + 1:02}"] = made
    return sets


class Households:
    """Makes one case after the other from one source of randomness."""

    def __init__(self, seed, parameter_sets):
        self.rng = random.Random(seed)
        self.sets = parameter_sets
        self.names = sorted(parameter_sets)

    def chance(self, share):
        return self.rng.random() < share

    def near(self, *lines):
        """An amount on a line, a fen beside it, or anywhere about it; never below zero."""
        line = self.rng.choice(lines)
        how = self.rng.random()
        if how < 0.25:
            return max(line, 0)
        if how < 0.6:
            return max(line + self.rng.choice((-1, 1)), 0)
        if how < 0.7:
            return max(line + self.rng.randrange(-120, 121), 0)
        return self.rng.randrange(0, max(line * 2, 0) + 100)

    def case(self, number):
        rng = self.rng
        name = rng.choice(self.names)
        self.pack = self.sets[name]
        standard = fen(self.pack["dibao_standard"]["amount"])
        self.standard = standard * (12 if self.pack["dibao_standard"]["period"] == "MONTH" else 1)
        self.day = date.fromisoformat(rng.choice(DAYS))
        self.alone = self.chance(0.2)
        members = [self.member(at) for at in range(1 if self.alone else rng.choice((1, 2, 2, 3, 3, 3, 4, 4, 5, 6)))]
        self.ids = [member["member_id"] for member in members]
        gone = [member for member in members if member.get("death_date") or member.get("exclusion")]
        self.size = max(len(members) - len(gone), 1)
        household = {
            "hukou_region": rng.choice(REGIONS),
            "income_stability": rng.choice(("STABLE", "UNSTABLE")),
            "members": members,
            "assets": self.assets(),
            "obligors": self.obligors(),
            "events": self.events(),
        }
        self.expenditures_and_incomes(household)
        case = {
            "id": f"R{number:06}",
            "parameter_set": name,
            "assessment_date": self.day.isoformat(),
            "department_status": self.statuses(),
            "household": household,
        }
        if self.chance(0.05):
            case["emergency_only"] = True
        if self.chance(0.2):
            case["prior"] = self.prior()
        return case

    def born(self, adult):
        rng = self.rng
        if self.chance(0.02):
            return date(rng.choice((1952, 1964, 1980, 2004, 2008, 2020)), 2, 29)
        age = rng.choice([age for age in AGES if not adult or age >= 18])
        born = years_before(self.day, age) + timedelta(days=rng.choice((0, 0, 1, -1, -40, -200)))
        return min(born, self.day)

    def member(self, at):
        rng = self.rng
        born = self.born(adult=at == 0 and not self.chance(0.15))
        relation = (
            rng.choice(("01", "02"))
            if at == 0
            else rng.choice(
                ("10", "11", "12", "20", "21", "23", "29", "30", "31", "38", "42", "51", "52", "62", "73", "97")
            )
        )
        member = {
            "member_id": f"m{at + 1}",
            "id_number": id_number(born, rng.randrange(1000)),
            "birth_date": born.isoformat(),
            "sex_code": rng.choice("12"),
            "relation_code": relation,
            "labour_capacity": rng.choice(("FULL", "FULL", "PARTIAL", "NONE")),
            "employed": self.chance(0.5),
            "authorised": not self.chance(0.01),
            "obligor_in_household": not self.alone and self.chance(0.5),
        }
        age = self.day.year - born.year
        if self.chance(0.9 if 6 <= age <= 17 else 0.3 if age < 30 else 0.03):
            member["education_stage"] = rng.choice(STAGES)
        if self.chance(0.18):
            member["disability"] = {"category": rng.choice("1234567"), "grade": rng.choice("1234")}
        if self.chance(0.12):
            member["severe_illness"] = True
        if self.chance(0.04):
            days = rng.choice((-30, -1, 0, 1, 30))
            member["death_date"] = max(self.day + timedelta(days=days), born).isoformat()
        if self.chance(0.04):
            member["exclusion"] = rng.choice(EXCLUSIONS)
        if self.chance(0.1):
            member["was_tekun"] = True
        if self.chance(0.03):
            member["chose_orphan_benefit"] = True
        if self.chance(0.2):
            member["adl_failed_count"] = rng.choice((0, 1, 3, 4, 6))
        if self.chance(0.08):
            member["job_refusals"] = rng.choice((1, 2, 3, 4))
        if self.chance(0.01):
            member["id_number"] = self.miswritten(member["id_number"])
        return member

    def miswritten(self, number):
        """Wrong, or right but not as it should be written."""
        rng = self.rng
        wrong = rng.choice("0123456789X".replace(number[-1], ""))
        day_before = date.fromisoformat(f"{number[6:10]}-{number[10:12]}-{number[12:14]}") - timedelta(days=1)
        return rng.choice(
            (
                number[:-1] + wrong,
                id_number(day_before, int(number[14:17])),
                number[:10] + "1301" + number[14:],
                number[:-1],
                number[:5] + rng.choice("O/\u0660\u00b9") + number[6:],
                "".join(chr(ord(character) + 0xFEE0) for character in number),
                f"{number[:6]} {number[6:14]}\u3000{number[14:]}",
                "150000000000000000",
                number[:-1] + "x",
            )
        )

    def statuses(self):
        how = self.rng.random()
        if how < 0.35:
            return {name: self.rng.choice(("OK", "OK", "NO_RECORD")) for name in DEPARTMENTS}
        missing = self.rng.sample(DEPARTMENTS, 1) if how < 0.6 else [name for name in DEPARTMENTS if self.chance(0.4)]
        told = {
            name: self.rng.choice(GAPS) if name in missing else self.rng.choice(("OK", "NO_RECORD"))
            for name in DEPARTMENTS
        }
        if self.chance(0.03):
            told = {name: status for name, status in told.items() if name in missing or self.chance(0.5)}
        return told

    def assets(self):
        rng, found = self.rng, []
        limit = self.standard * self.size * self.pack["financial_asset_limit"]["months"] // 12
        for_one = limit // self.size
        if self.chance(0.7):
            worth = rng.choice(
                (0, 300_000, self.near(limit) if self.chance(0.3) else rng.randrange(limit), self.near(for_one))
            )
            parts = rng.choice((1, 1, 2, 3))
            cuts = sorted(rng.randrange(worth + 1) for _ in range(parts - 1))
            for low, high in zip([0, *cuts], [*cuts, worth], strict=True):
                found.append(
                    {"kind": rng.choice(FINANCIAL), "value": yuan(high - low), "source": "civil_affairs_declared"}
                )
        if self.chance(0.7):
            dwelling = {"kind": "DWELLING", "value": yuan(rng.choice((0, 12_000_000))), "source": "housing"}
            if self.chance(0.7):
                dwelling["count"] = 1 if self.chance(0.85) else rng.choice((0, 2, 3))
            if self.chance(0.2):
                dwelling["area_m2"] = "86.50"
            found.append(dwelling)
        if self.chance(0.12):
            kind = rng.choice(("DISASTER_COLLAPSED", None))
            found.append({"kind": "DWELLING", "value": "0.00", "source": "emergency", "count": 1, "exempt_kind": kind})
        if self.chance(0.08):
            exempt = rng.choice(("DISABILITY_AID", "MOTORCYCLE_2_OR_3_WHEEL", "E_BIKE", None))
            vehicle = {"kind": "VEHICLE", "value": "80000.00", "source": "civil_affairs_declared", "exempt_kind": exempt}
            if self.chance(0.3):
                vehicle["count"] = rng.choice((0, 2))
            found.append(vehicle)
        if self.chance(0.03):
            shop = {"kind": "NON_RESIDENTIAL", "value": "100000.00", "source": "housing"}
            if self.chance(0.3):
                shop["count"] = rng.choice((0, 2))
            found.append(shop)
        if self.chance(0.08):
            capital = (
                self.near(fen(self.pack["business_capital_limit"]), 0) if self.chance(0.6) else rng.randrange(8_000_000)
            )
            split = rng.randrange(capital + 1)
            for value in (split, capital - split):
                found.append({"kind": "BUSINESS_ENTITY", "value": yuan(value), "source": "civil_affairs_declared"})
        return found

    def obligors(self):
        rng, found = self.rng, []
        for at in range(rng.choice((0, 0, 0, 0, 1, 1, 2, 3))):
            size = rng.choice((1, 2, 3, 4))
            supports = [member for member in self.ids if self.chance(0.6)] or [rng.choice(self.ids)]
            record = {
                "obligor_id": f"o{at + 1}",
                "relation_code": rng.choice(("20", "30", "51", "73")),
                "supports": supports,
                "supported_total": max(len(supports) + rng.choice((0, 0, 1, 2)), 1),
                "household_size": size,
                "household_income_12m": yuan(self.near(self.standard * size, self.standard * (size + 1))),
                "capability": "UNABLE" if self.chance(0.4) else "ABLE",
            }
            if self.chance(0.3):
                record["judgment_12m"] = yuan(self.near(self.standard // 4, 0)) if self.chance(0.6) else None
            found.append(record)
        return found

    def events(self):
        rng, found = self.rng, []
        for _ in range(0 if self.chance(0.85) else rng.choice((1, 1, 2))):
            limit = self.pack["emergency_first_aid_hours"] * 3600
            seconds = rng.choice((0, 3600, limit - 1, limit, limit + 1, limit + 90_000))
            midnight = self.day - timedelta(days=2)
            aided = midnight + timedelta(days=(8 * 3600 + seconds) // 86_400)
            rest = (8 * 3600 + seconds) % 86_400
            event = {
                "type": rng.choice(("FIRE", "FLOOD", "ACCIDENT", "SEVERE_ILLNESS")),
                "route": rng.choice(("EMERGENCY", "EMERGENCY", "NORMAL", "EXPENDITURE")),
                "occurred_at": f"{midnight}T07:30:00+08:00",
                "reported_at": rng.choice((f"{midnight}T08:00:00+08:00", f"{midnight}T00:00:00Z")),
                "place_region": rng.choice(REGIONS),
            }
            if self.chance(0.85):
                event["first_aid_at"] = f"{aided}T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}+08:00"
            found.append(event)
        return found

    def prior(self):
        rng = self.rng
        if self.chance(0.04):
            return {"member_in_other_household": rng.choice(self.ids)}
        prior = {"circle": rng.choice(("DIBAO", "DIBAO", "DIBAO", "LOW_INCOME", "NONE"))}
        if self.chance(0.9):
            prior["exceeded_by_employment"] = self.chance(0.85)
        if self.chance(0.9):
            months = self.pack["graduation_months"]
            prior["months_since_exceeded"] = rng.choice((0, 5, months - 1, months, months + 1))
        if self.chance(0.9):
            prior["monthly_total"] = yuan(rng.randrange(1, 200_000))
        return prior

    def expenditures_and_incomes(self, household):
        """Expenditure first, then income on the lines that the expenditure moves."""
        rng = self.rng
        line = self.standard * self.size
        multiple = self.pack["low_income_multiple"]
        band = line * fen(multiple) // 100
        ceiling = fen(self.pack["per_capita_disposable_income_prev_year"]) * self.size
        spent = medical = illness = 0
        records = []
        for _ in range(rng.choice((0, 0, 0, 1, 1, 2, 3))):
            record, bore = self.expenditure(line)
            records.append(record)
            spent += bore
            medical += bore if record["kind"] in ("MEDICAL", "ACCIDENT") else 0
            illness += bore if record["kind"] in ("MEDICAL", "DISABILITY_REHAB") else 0
        household["rigid_expenditures"] = records
        target = self.near(
            0,
            line,
            line,
            band,
            band,
            ceiling,
            line + spent,
            line + spent,
            line + illness,
            spent * 10 // 7,
            medical * 5 // 3,
            self.standard,
        )
        household["incomes"] = self.incomes(target)

    def expenditure(self, line):
        rng = self.rng
        bore = self.near(line // 2, line) if self.chance(0.7) else rng.randrange(line * 2)
        if self.chance(0.6):
            # 70 % and 60 % of an income in whole fen.
            bore -= bore % 21
        covered = rng.choice((0, 0, rng.randrange(bore + 1)))
        first = self.day.replace(day=1)
        start = years_before(first, 1)
        inside = self.chance(0.75)
        days = (
            (start, first - timedelta(days=1), start + timedelta(days=100))
            if inside
            else (
                start - timedelta(days=1),
                first,
                self.day,
            )
        )
        record = {
            "member_id": rng.choice(self.ids),
            "kind": rng.choice(("MEDICAL", "MEDICAL", "ACCIDENT", "EDUCATION", "EDUCATION", "DISABILITY_REHAB")),
            "gross": yuan(bore + covered),
            "covered": yuan(covered),
            "paid_on": rng.choice(days).isoformat(),
            "source": rng.choice(("medical_insurance", "education", "civil_affairs_declared")),
        }
        if self.chance(0.05):
            record["covered"] = yuan(bore + covered + rng.randrange(2))
            bore = 0
        if self.chance(0.5 if record["kind"] == "EDUCATION" else 0.05):
            benchmark = self.near(bore, bore // 2)
            record["public_benchmark"] = yuan(benchmark)
            bore = min(bore, benchmark)
        return record, bore if inside else 0

    def income(self, kind, amount, **more):
        category, name = kind
        return {
            "member_id": self.rng.choice(self.ids),
            "category": category,
            "kind": name,
            "amount_12m": yuan(amount),
            "source": self.rng.choice(SOURCES),
        } | more

    def incomes(self, target):
        """Records whose counted sum comes close to the target: what does not count stands between them."""
        rng, found = self.rng, []
        left = target
        if self.chance(0.35):
            share = rng.randrange(left + 1)
            percent = int(self.pack["employment_cost"]["percent"])
            gross = share * 100 // (100 - percent)
            found.append(self.income(("WAGE", "WAGE"), gross, source=rng.choice(("hrss", "civil_affairs_declared"))))
            left -= share
        if self.chance(0.3):
            amount = rng.randrange(0, 400_000)
            basic = rng.choice((0, 151_600, amount, rng.randrange(amount + 1)))
            record = self.income(("TRANSFER", "PENSION_RESIDENT"), amount, source="hrss")
            if self.chance(0.9):
                record["basic_portion_12m"] = yuan(basic)
            found.append(record)
            left = max(left - max(amount - basic, 0), 0) if self.chance(0.8) else left
        for _ in range(rng.choice((0, 0, 0, 1, 2))):
            found.append(self.income(("TRANSFER", rng.choice(EXEMPT_KINDS)), rng.randrange(0, 600_000)))
        if self.chance(0.08):
            out = rng.randrange(0, 500_000)
            found.append(
                self.income(rng.choice((("TRANSFER_OUT", "SUPPORT_PAID"), ("TRANSFER_OUT", "TRANSFER_OUT"))), out)
            )
            left += out
        for part in range(rng.choice((1, 1, 2))):
            amount = left if part else rng.randrange(left + 1) if self.chance(0.3) else left
            left -= amount
            if amount or self.chance(0.2):
                found.append(self.income(rng.choice(COUNTED_KINDS), amount))
        if found and self.chance(0.2):
            found += self.repeated(rng.choice(found), len(found))
        for record in found:
            if self.chance(0.03):
                record["paid_after_death"] = True
        rng.shuffle(found)
        return found

    def repeated(self, record, number):
        """The same payment told again, by others or by the same, with the same amount or another."""
        record["dedupe_key"] = f"{record['member_id']}:{record['kind']}:{number}"
        again = []
        for _ in range(self.rng.choice((1, 1, 2))):
            copy = dict(record, source=self.rng.choice(SOURCES))
            if self.chance(0.5):
                copy["amount_12m"] = yuan(self.near(fen(record["amount_12m"])))
                if "basic_portion_12m" in copy:
                    copy["basic_portion_12m"] = "0.00"
            again.append(copy)
        return again


def case_file(households=20_000, seed=1, made_sets=18):
    """A whole case file, without expectations."""
    listed = json.loads(LISTED.read_text())["parameter_sets"]
    sets = variants(random.Random(f"sets {seed}"), listed, made_sets)
    made = Households(f"households {seed}", sets)
    return {"parameter_sets": sets, "cases": [made.case(number) for number in range(1, households + 1)]}


def write(file, path):
    """One case a line, so that a line can be cut out."""
    with open(path, "w", encoding="utf-8") as out:
        out.write('{"parameter_sets": ' + json.dumps(file["parameter_sets"], ensure_ascii=False) + ',\n"cases": [\n')
        out.write(",\n".join(json.dumps(case, ensure_ascii=False) for case in file["cases"]))
        out.write("\n]}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--households", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    write(case_file(arguments.households, arguments.seed), arguments.file)


if __name__ == "__main__":
    main()
