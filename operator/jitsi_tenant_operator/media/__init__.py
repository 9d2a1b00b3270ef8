"""Live Jitsi: what its components say of the meetings that go on."""
