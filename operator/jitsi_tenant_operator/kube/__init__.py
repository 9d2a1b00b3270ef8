"""Kubernetes as the operator needs it: client, informers, apply and prune, Lease, Events."""
