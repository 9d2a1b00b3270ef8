"""Kubernetes operator that hosts Jitsi for other companies and keeps the contract behind it."""

__version__ = "0.1.0"
