"""The contract as pure functions: what its documents say together, and what follows from it."""
