"""A Proxmox Backup Server for tests, written from its documentation: no line of it is Proxmox's.

It speaks the documented REST interface over TLS, keeps everything in memory, and takes its time
from a clock that is passed in. What it does not have is the upload protocol: the program
`proxmox-backup-client` of this package uploads by routes of its own, below /localpbs.
"""
