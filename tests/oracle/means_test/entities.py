"""Who the rules speak about: persons, and the household in which they live."""

from openfisca_core.entities import build_entity

Person = build_entity(key="person", plural="persons", label="A member of the household", is_person=True)

Household = build_entity(
    key="household",
    plural="households",
    label="The persons who apply together",
    roles=[{"key": "member", "plural": "members", "label": "Member"}],
)
