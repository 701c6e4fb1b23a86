"""The tax and benefit system: inputs and rules together, for the words and slots of one case file."""

import inspect
from datetime import date

from openfisca_core.simulation_builder import SimulationBuilder
from openfisca_core.taxbenefitsystems import TaxBenefitSystem
from openfisca_core.variables import Variable

from . import assets, benefit, circle, expenditure, gaps, income, membership, overlay, packs, tekun
from .entities import Household, Person
from .exact import Exact, variable

RULES = (membership, income, assets, tekun, expenditure, circle, gaps, benefit, overlay)


class MeansTest(TaxBenefitSystem):
    """The rules of the means test over a set of parameter sets."""

    def __init__(self, parameter_sets, tables):
        super().__init__([Person, Household])
        self.tables = tables
        self.parameters = packs.tree(parameter_sets)
        for module in RULES:
            for rule in vars(module).values():
                if inspect.isclass(rule) and issubclass(rule, Variable) and rule not in (Variable, Exact):
                    self.add_variable(rule)
            for rule in getattr(module, "slot_rules", lambda _tables: ())(tables):
                self.add_variable(rule)

    def declare_inputs(self, batch):
        """Variables for the columns of a batch; they are the same for every batch of one file."""
        for entity, columns in ((Person, batch.persons), (Household, batch.households)):
            for name, values in columns.items():
                if name not in self.variables:
                    kind = {"b": bool, "M": date, "O": str}.get(values.dtype.kind, int)
                    self.add_variable(variable(name, entity, value_type=kind))


def simulate(system, batch):
    """A simulation of one batch, with its facts set."""
    system.declare_inputs(batch)
    builder = SimulationBuilder()
    builder.create_entities(system)
    builder.declare_person_entity("person", range(len(batch.household_of_person)))
    household = builder.declare_entity("household", range(len(batch.cases)))
    builder.join_with_persons(household, batch.household_of_person, [0] * len(batch.household_of_person))
    simulation = builder.build(system)
    day = batch.day.isoformat()
    for columns in (batch.persons, batch.households):
        for name, values in columns.items():
            simulation.set_input(name, day, values)
    return simulation
