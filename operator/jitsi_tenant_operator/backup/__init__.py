"""Backups (clause 6.3): what is kept how long, the stores, and the programs that Jobs run.

Knows nothing of Kubernetes: the programs read one file, and report through their exit status and
a short JSON.
"""
