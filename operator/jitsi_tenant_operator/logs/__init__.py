"""Technical logs (clause 11.3): closed each day, archived, expired by date, and proved."""
