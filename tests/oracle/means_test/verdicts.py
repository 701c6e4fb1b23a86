"""From vectors to verdicts, in the form that a case expects."""

import numpy

from . import assets, expenditure, income, overlay
from .circle import BIT, Lines
from .exact import PARTS, half_up
from .facts import DEPARTMENTS, NOT_GIVEN, read
from .membership import BLOCKED, INVALID_INPUT, MANUAL_REVIEW
from .packs import TOPUP_GROUNDS, figure
from .system import MeansTest, simulate

CARE_LEVELS = ("SELF_CARE", "PARTIAL_CARE", "FULL_CARE")
GATES = {
    INVALID_INPUT: ("INVALID_INPUT", "ID_NUMBER_INVALID"),
    MANUAL_REVIEW: ("MANUAL_REVIEW", "MEMBER_IN_TWO_HOUSEHOLDS"),
    BLOCKED: ("BLOCKED", "AUTHORISATION_MISSING"),
}


def yuan(fen):
    """Fen as a decimal string in yuan."""
    fen = int(fen)
    sign, fen = ("-", -fen) if fen < 0 else ("", fen)
    return f"{sign}{fen // 100}.{fen % 100:02}"


def evaluate(file):
    """The verdict of every case of a file, in its order."""
    batches, tables = read(file)
    system = MeansTest(file["parameter_sets"], tables)
    found = {}
    for batch in batches:
        for case, verdict in zip(batch.cases, Answers(system, simulate(system, batch), batch).all(), strict=True):
            found[id(case)] = verdict
    return [found[id(case)] for case in file["cases"]]


#: What the answers are read from, for households and for persons.
HOUSEHOLD_VALUES = (
    "gate all_tekun counted_size household_size countable_income dibao_line low_income_line rigid_expenditure "
    "financial_assets circles_met circle possible_circles pending settled_circle graduation low_income_household "
    "monthly_base monthly_total refusals review_cycle employment_referral emergency_overlay prior_total"
).split()
PERSON_VALUES = (
    "counted deceased excluded exclusion postgraduate_child remaining chose_orphan_benefit tekun care_level "
    "dibao_single single_amount severe_disability severe_illness topup_ground topup_percent topup_amount"
).split()


class Answers:
    """The answers of one batch."""

    def __init__(self, system, simulation, batch):
        self.batch, self.tables = batch, system.tables
        day = batch.day.isoformat()
        self.of = {name: simulation.calculate(name, day) for name in HOUSEHOLD_VALUES + PERSON_VALUES}
        household = simulation.household
        period = simulation.get_holder("gate").get_known_periods()[0]
        parameters = system.get_parameters_at_instant
        self.lines = Lines(household, period, parameters)
        months = figure(household, period, parameters, "financial_months")
        self.limit = half_up(self.of["dibao_line"] * months, 12)
        self.tiered = figure(household, period, parameters, "benefit_mode") == 1
        self.missing = {name: simulation.calculate(f"missing_{name}", day) for name in DEPARTMENTS}
        self.blocking = {name: simulation.calculate(f"blocked_by_{name}", day) for name in DEPARTMENTS}
        self.income_flags = income.flags(household, period, parameters)
        self.property_flags = assets.flags(household, period)
        self.expenditure_flags = expenditure.flags(household, period)
        self.event_flags = overlay.flags(household, period, parameters)
        self.first_person = numpy.searchsorted(batch.household_of_person, numpy.arange(len(batch.cases)))

    def all(self):
        return [self.verdict(index) for index in range(len(self.batch.cases))]

    def members(self, index):
        """Position in the person columns and id of each member of a household."""
        first = self.first_person[index]
        return [
            (first + at, member["member_id"])
            for at, member in enumerate(self.batch.cases[index]["household"]["members"])
        ]

    def verdict(self, index):
        if gate := GATES.get(int(self.of["gate"][index])):
            return self.stopped(index, *gate)
        answer = {
            "status": "DETERMINED",
            "household_circle": "TEKUN",
            "member_outcomes": self.outcomes(index),
            "emergency_overlay": bool(self.of["emergency_overlay"][index]),
        }
        flags = self.member_flags(index) | self.raised(index, self.income_flags, self.event_flags)
        if self.of["all_tekun"][index]:
            answer |= {
                "computed": {"household_size": int(self.of["counted_size"][index])},
                "review_cycle_months": 12,
                "flags": sorted(flags),
            }
            return answer
        flags |= self.raised(index, self.property_flags, self.expenditure_flags)
        answer["computed"] = self.computed(index)
        if self.of["pending"][index]:
            answer |= {
                "status": "PENDING_DATA",
                "household_circle": None,
                "possible_circles": sorted(self.names(self.of["possible_circles"][index])),
                "blocking_departments": [name for name in DEPARTMENTS if self.blocking[name][index]],
                "flags": sorted(flags),
            }
            return answer
        flags |= {f"MISSING_NOT_DECISIVE_{name}" for name in DEPARTMENTS if self.missing[name][index]}
        (circle,) = self.names(self.of["settled_circle"][index])
        before = int(self.of["circle"][index])
        others = self.names(int(self.of["circles_met"][index]) & ~before)
        answer["household_circle"] = circle
        answer["also_meets"] = [name for name in self.lines.order(index) if name in others]
        if self.missing["health"][index] and self.of["low_income_household"][index]:
            flags.add("MEMBER_SINGLE_ILLNESS_UNKNOWN")
        if self.of["graduation"][index]:
            flags.add("GRADUATION_PERIOD")
        if hint := self.benefit(index, circle, flags):
            answer["benefit_hint"] = hint
        if circle == "DIBAO":
            answer["review_cycle_months"] = int(self.of["review_cycle"][index])
            if self.of["employment_referral"][index]:
                flags.add("EMPLOYMENT_REFERRAL")
        answer["flags"] = sorted(flags)
        return answer

    def stopped(self, index, status, flag):
        """A gate stops everything but the overlay, which waits for nothing but readable input."""
        overlay = status != "INVALID_INPUT" and bool(self.of["emergency_overlay"][index])
        return {"status": status, "emergency_overlay": overlay, "flags": [flag]}

    def names(self, bits):
        return [name for name, bit in BIT.items() if int(bits) & bit]

    def raised(self, index, *groups):
        return {flag for group in groups for flag, households in group.items() if households[index]}

    def member_flags(self, index):
        exclusions = self.tables.list("exclusion")
        flags = set()
        for person, _member in self.members(index):
            if self.of["deceased"][person]:
                flags.add("DECEASED_MEMBER_REMOVED")
            elif self.of["excluded"][person]:
                flags.add(f"MEMBER_EXCLUDED_{exclusions[self.of['exclusion'][person]]}")
            elif self.of["postgraduate_child"][person]:
                flags.add("ADULT_CHILD_POSTGRADUATE_NOT_COUNTED")
            elif self.of["chose_orphan_benefit"][person]:
                flags.add("ORPHAN_BENEFIT_CHOSEN")
        return flags

    def outcomes(self, index):
        """TEKUN persons, who leave first, and then those who enter dibao alone."""
        members = self.members(index)
        tekun = [
            {"member_id": member, "circle": "TEKUN", "care_level": CARE_LEVELS[self.of["care_level"][person]]}
            for person, member in members
            if self.of["tekun"][person]
        ]
        single = [
            {
                "member_id": member,
                "circle": "DIBAO_SINGLE",
                "ground": self.single_ground(person),
                "monthly_amount": yuan(self.of["single_amount"][person]),
            }
            for person, member in members
            if self.of["dibao_single"][person]
        ]
        return tekun + single

    def single_ground(self, person):
        """The grounds in the order of the text."""
        if self.of["severe_disability"][person]:
            return "SEVERE_DISABILITY"
        return "SEVERE_ILLNESS" if self.of["severe_illness"][person] else "NO_CAPACITY"

    def computed(self, index):
        return {
            "household_size": int(self.of["household_size"][index]),
            "countable_income_12m": yuan(half_up(self.of["countable_income"][index], PARTS)),
            "dibao_line_12m": yuan(self.of["dibao_line"][index]),
            "low_income_line_12m": yuan(half_up(self.of["low_income_line"][index], PARTS)),
            "rigid_expenditure_12m": yuan(self.of["rigid_expenditure"][index]),
            "financial_assets": yuan(self.of["financial_assets"][index]),
            "financial_asset_limit": yuan(self.limit[index]),
        }

    def benefit(self, index, circle, flags):
        if self.of["graduation"][index]:
            prior = self.of["prior_total"][index]
            return {"mode": "KEEP_PRIOR"} | ({} if prior == NOT_GIVEN else {"monthly_total": yuan(prior)})
        if circle not in ("DIBAO", "EXPENDITURE"):
            return None
        if self.tiered[index]:
            return {"mode": "TIERED"}
        base = self.of["monthly_base"][index]
        hint = {"mode": "DIFFERENCE", "monthly_base": yuan(base)}
        if self.of["refusals"][index]:
            flags.add("BENEFIT_STOPPED_JOB_REFUSALS")
        if circle == "DIBAO":
            if base == 0:
                flags.add("BENEFIT_ROUNDS_TO_ZERO")
            hint["topups"] = [
                {
                    "member_id": member,
                    "ground": TOPUP_GROUNDS[ground - 1],
                    "percent": str(self.of["topup_percent"][person]),
                    "monthly_amount": yuan(self.of["topup_amount"][person]),
                }
                for person, member in self.members(index)
                if (ground := self.of["topup_ground"][person]) > 0
            ]
            hint["monthly_total"] = yuan(self.of["monthly_total"][index])
        return hint
