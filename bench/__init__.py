"""How fast and how large the operator is, each time beside a floor taken in the same run.

The floor is what anyone pays who does the same through the API server: a bare aiohttp client that
sends the same bodies, or reads the same objects. docs/benchmarks.md says how to read the figures.
"""
