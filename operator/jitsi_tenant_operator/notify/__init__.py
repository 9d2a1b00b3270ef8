"""Notices to clients (clause 15.4): what they say, how they leave, how receipt is acknowledged.

Knows nothing of Kubernetes: when a notice is due and what is recorded of it is decided elsewhere.
"""
