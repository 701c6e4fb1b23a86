"""Cases become columns.

OpenFisca knows persons and households. What a household has any number of (incomes, assets, expenditures,
obligors, events) lies in numbered slots of the household, as many as the fullest household needs; an empty
slot names nobody. Words become indexes into `Tables`. A key that is not known here is refused, so that no
fact is passed over in silence.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import numpy

from .exact import LARGEST_FEN, MOST_MEMBERS, MOST_SUPPORTED
from .packs import Unreadable, fen

DEPARTMENTS = ("education", "hrss", "housing", "health", "emergency", "medical_insurance")
NEVER = date(9999, 12, 31)
NOBODY = -1
NOT_GIVEN = -1


@dataclass
class Tables:
    """The words behind the codes. Code 0 is always "nothing given"."""

    packs: list
    words: dict = field(default_factory=dict)
    slots: dict = field(default_factory=dict)

    def code(self, list_name, word):
        words = self.words.setdefault(list_name, {"": 0})
        return words.setdefault("" if word is None else word, len(words))

    def list(self, list_name):
        """The words of a list in the order of their codes."""
        return list(self.words.get(list_name, {"": 0}))


@dataclass
class Batch:
    """The cases of one assessment date in columns: name → values, for persons and for households."""

    day: date
    cases: list
    persons: dict
    households: dict
    household_of_person: list


def required(record, keys, optional=()):
    """The record, once it has all the keys it must have and none that nobody reads."""
    if missing := set(keys) - record.keys():
        raise Unreadable(f"{sorted(missing)} must be given")
    if unknown := record.keys() - set(keys) - set(optional):
        raise Unreadable(f"{sorted(unknown)} are not known to the oracle")
    return record


def optional_fen(record, key):
    return NOT_GIVEN if record.get(key) is None else fen(record[key])


def microseconds(text):
    moment = datetime.fromisoformat(text).astimezone(UTC)
    return int((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()) * 1_000_000 + moment.microsecond


def person_columns(member, position, tables):
    required(
        member,
        ("member_id", "id_number", "birth_date", "relation_code", "labour_capacity", "authorised"),
        (
            "name sex_code death_date exclusion education_stage disability severe_illness employed "
            "obligor_in_household was_tekun chose_orphan_benefit adl_failed_count job_refusals"
        ).split(),
    )
    disability = member.get("disability") or {}
    if disability:
        required(disability, ("category", "grade"))
    return {
        "position": position,
        "id_number": member["id_number"],
        "birth_date": date.fromisoformat(member["birth_date"]),
        "death_date": date.fromisoformat(member["death_date"]) if member.get("death_date") else NEVER,
        "relation": tables.code("relation", member["relation_code"]),
        "stage": tables.code("stage", member.get("education_stage")),
        "exclusion": tables.code("exclusion", member.get("exclusion")),
        "labour": tables.code("labour", member["labour_capacity"]),
        "disability_category": int(disability.get("category", 0)),
        "disability_grade": int(disability.get("grade", 0)),
        "severe_illness": bool(member.get("severe_illness")),
        "employed": bool(member.get("employed")),
        "obligor_in_household": bool(member.get("obligor_in_household")),
        "authorised": bool(member["authorised"]),
        "was_tekun": bool(member.get("was_tekun")),
        "chose_orphan_benefit": bool(member.get("chose_orphan_benefit")),
        "adl_failed_count": member.get("adl_failed_count") or 0,
        "job_refusals": member.get("job_refusals") or 0,
    }


def income(record, positions, tables, keys):
    required(
        record,
        ("member_id", "category", "kind", "amount_12m", "source"),
        ("basic_portion_12m", "dedupe_key", "paid_after_death"),
    )
    key = record.get("dedupe_key")
    return {
        "member": positions[record["member_id"]],
        "category": tables.code("income_category", record["category"]),
        "kind": tables.code("income_kind", record["kind"]),
        "source": tables.code("source", record["source"]),
        "amount": fen(record["amount_12m"]),
        "basic": optional_fen(record, "basic_portion_12m"),
        "key": NOT_GIVEN if key is None else keys.setdefault(key, len(keys)),
        "after_death": bool(record.get("paid_after_death")),
    }


def asset(record, _positions, tables, _keys):
    required(record, ("kind", "value", "source"), ("count", "exempt_kind", "area_m2"))
    return {
        "kind": tables.code("asset_kind", record["kind"]),
        "value": fen(record["value"]),
        "count": 1 if record.get("count") is None else record["count"],
        "exempt": tables.code("exempt_kind", record.get("exempt_kind")),
    }


def expenditure(record, positions, tables, _keys):
    required(record, ("member_id", "kind", "gross", "paid_on", "source"), ("covered", "public_benchmark"))
    return {
        "member": positions[record["member_id"]],
        "kind": tables.code("expenditure_kind", record["kind"]),
        "gross": fen(record["gross"]),
        "covered": fen(record.get("covered", "0.00")),
        "benchmark": optional_fen(record, "public_benchmark"),
        "paid_on": date.fromisoformat(record["paid_on"]),
    }


def obligor(record, positions, tables, _keys):
    required(
        record,
        ("obligor_id", "supports", "supported_total", "household_size", "household_income_12m", "capability"),
        ("relation_code", "judgment_12m"),
    )
    if not 1 <= record["supported_total"] <= MOST_SUPPORTED:
        raise Unreadable(f"supported_total {record['supported_total']}: the oracle counts 1 to {MOST_SUPPORTED}")
    return {
        "supports": sum({1 << positions[member] for member in record["supports"]}),
        "supported_total": record["supported_total"],
        "size": record["household_size"],
        "income": fen(record["household_income_12m"]),
        "capability": tables.code("capability", record["capability"]),
        "judgment": optional_fen(record, "judgment_12m"),
    }


def event(record, _positions, tables, _keys):
    required(record, ("route", "reported_at", "place_region"), ("type", "occurred_at", "first_aid_at"))
    return {
        "route": tables.code("route", record["route"]),
        "reported_at": microseconds(record["reported_at"]),
        "first_aid_at": NOT_GIVEN if record.get("first_aid_at") is None else microseconds(record["first_aid_at"]),
        "place": tables.code("region", record["place_region"]),
    }


#: The lists of a household: key in the case, name of the slot, its reader, and what an empty slot holds.
LISTS = {
    "incomes": ("income", income, {"member": NOBODY, "basic": NOT_GIVEN, "key": NOT_GIVEN}),
    "assets": ("asset", asset, {}),
    "rigid_expenditures": ("expenditure", expenditure, {"member": NOBODY, "benchmark": NOT_GIVEN, "paid_on": NEVER}),
    "obligors": ("obligor", obligor, {"supported_total": 1, "judgment": NOT_GIVEN, "size": 1}),
    "events": ("event", event, {"first_aid_at": NOT_GIVEN}),
}
SLOT_FIELDS = {
    "income": ("member", "category", "kind", "source", "amount", "basic", "key", "after_death"),
    "asset": ("kind", "value", "count", "exempt"),
    "expenditure": ("member", "kind", "gross", "covered", "benchmark", "paid_on"),
    "obligor": ("supports", "supported_total", "size", "income", "capability", "judgment"),
    "event": ("route", "reported_at", "first_aid_at", "place"),
}


def household_columns(case, tables):
    required(
        case,
        ("id", "parameter_set", "assessment_date", "household"),
        ("title_en", "title_zh", "department_status", "emergency_only", "prior", "expected", "note"),
    )
    household = required(
        case["household"],
        ("hukou_region", "income_stability", "members"),
        ("incomes", "assets", "rigid_expenditures", "obligors", "events"),
    )
    status = required(case.get("department_status", {}), (), DEPARTMENTS)
    prior = required(
        case.get("prior") or {},
        (),
        ("circle", "exceeded_by_employment", "months_since_exceeded", "monthly_total", "member_in_other_household"),
    )
    if case["parameter_set"] not in tables.packs:
        raise Unreadable(f"parameter set {case['parameter_set']!r} is not in the file")
    columns = {
        "pack": tables.packs.index(case["parameter_set"]),
        "hukou": tables.code("region", household["hukou_region"]),
        "stability": tables.code("stability", household["income_stability"]),
        "emergency_only": bool(case.get("emergency_only")),
        "prior_circle": tables.code("circle", prior.get("circle")),
        "prior_exceeded_by_employment": bool(prior.get("exceeded_by_employment")),
        "prior_months": NOT_GIVEN if prior.get("months_since_exceeded") is None else prior["months_since_exceeded"],
        "prior_total": optional_fen(prior, "monthly_total"),
        "prior_elsewhere": bool(prior.get("member_in_other_household")),
    }
    for department in DEPARTMENTS:
        columns[f"status_{department}"] = tables.code("status", status.get(department, "OK"))
    members = household["members"]
    if not 1 <= len(members) <= MOST_MEMBERS:
        raise Unreadable(f"{len(members)} members: the oracle takes 1 to {MOST_MEMBERS}")
    positions = {member["member_id"]: position for position, member in enumerate(members)}
    keys = {}
    lists = {}
    for key, (name, read, _empty) in LISTS.items():
        lists[name] = [read(record, positions, tables, keys) for record in household.get(key, [])]
        tables.slots[name] = max(tables.slots.get(name, 0), len(lists[name]))
    money = [
        abs(record[key]) for record in lists["income"] + lists["asset"] for key in ("amount", "value") if key in record
    ]
    money += [record["gross"] + abs(record["covered"]) for record in lists["expenditure"]]
    money += [record["income"] + max(record["judgment"], 0) for record in lists["obligor"]]
    if sum(money) > LARGEST_FEN:
        raise Unreadable(f"the amounts of the household exceed {LARGEST_FEN} fen together")
    persons = [person_columns(member, position, tables) for position, member in enumerate(members)]
    return columns, lists, persons


def read(file):
    """The batches of a case file, one for each assessment date, and the tables of their words."""
    tables = Tables(packs=list(file["parameter_sets"]))
    by_day = {}
    for index, case in enumerate(file["cases"]):
        try:
            day = date.fromisoformat(case["assessment_date"])
            by_day.setdefault(day, []).append((case, *household_columns(case, tables)))
        except (Unreadable, KeyError, ValueError) as error:
            raise Unreadable(f"cases/{index} ({case.get('id')}): {error!r}") from error
    return [batch(day, rows, tables) for day, rows in sorted(by_day.items())], tables


def batch(day, rows, tables):
    households = {name: [] for name in rows[0][1]}
    persons = {name: [] for name in rows[0][3][0]}
    household_of_person = []
    for name, count in tables.slots.items():
        for slot in range(count):
            for fact in SLOT_FIELDS[name]:
                households[f"{name}_{fact}_{slot}"] = []
    empty = {name: blank for name, _read, blank in LISTS.values()}
    for index, (_case, columns, lists, members) in enumerate(rows):
        for name, value in columns.items():
            households[name].append(value)
        for name, count in tables.slots.items():
            records = lists[name]
            for slot in range(count):
                record = records[slot] if slot < len(records) else empty[name]
                for fact in SLOT_FIELDS[name]:
                    households[f"{name}_{fact}_{slot}"].append(record.get(fact, 0))
        for member in members:
            household_of_person.append(index)
            for name, value in member.items():
                persons[name].append(value)
    return Batch(
        day=day,
        cases=[row[0] for row in rows],
        persons={name: array(values) for name, values in persons.items()},
        households={name: array(values) for name, values in households.items()},
        household_of_person=household_of_person,
    )


def array(values):
    if isinstance(values[0], date):
        return numpy.array(values, dtype="datetime64[D]")
    if isinstance(values[0], str):
        return numpy.array(values, dtype=object)
    if isinstance(values[0], bool):
        return numpy.array(values, dtype=bool)
    return numpy.array(values, dtype=numpy.int64)
