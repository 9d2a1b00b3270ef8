"""The demonstration: a control plane, the operator with its own rights, and two sample tenants."""
