"""The means test of social assistance, written a second time, as an OpenFisca tax and benefit system.

Nothing here knows the engine in `src/verdict`: the source is the text of the rules alone. `facts` reads
cases into columns, `packs` reads parameter sets into dated parameters, `system` puts the variables
together, and `verdicts` turns what they compute into the answer that a case expects.
"""
