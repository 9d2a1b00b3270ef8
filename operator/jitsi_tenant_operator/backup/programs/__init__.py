"""The programs that Jobs run, each usable by hand: backup, restore, sweep, verify, drill."""
