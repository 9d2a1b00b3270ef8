"""Proxmox Backup Server: its REST interface, its client program, and a tenant's backups on it.

Written from the documented interface; see docs/pbs.md for what was run against a real server.
"""
