"""The benchmark of discovery: laws that stand in no public suite, beside the suites that do, as one kind of case.

- `laws`: laws of chemistry, biology, engineering, economics and astronomy with their units, and ranges as they are measured.
  `laws_development.csv` is for tuning. `laws_unseen.csv` is the other half: nobody reads or runs it before the engine is done.
- `suites`: a `Case` for each equation of a suite, which makes tables with noise and columns without effect: `development` and `unseen`
  for the halves of the laws, `feynman`, `dimensionless` and `nguyen`.

These formulas stay here: no function, constant or default of the package is chosen after them.
"""
