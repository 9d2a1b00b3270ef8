"""The whole operator under observation: on a control plane of its own, with faults and a clock.

What tests of the operator share: what a person does to a cluster (`cluster`), the operator in this
process or as one of its own (`operating`, `process`), what must be there in the end (`expectation`)
and what the API server says was asked of it (`audit`).
"""
