"""One level-triggered reconcile per kind, and the keyed work-queue that calls it."""
