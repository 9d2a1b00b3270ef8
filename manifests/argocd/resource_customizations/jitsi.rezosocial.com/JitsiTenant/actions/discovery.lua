local annotations = obj.metadata.annotations or {}
local paused = annotations["jitsi.rezosocial.com/paused"] == "true"

return {
  pause = { disabled = paused, displayName = "Pause the operator" },
  resume = { disabled = not paused, displayName = "Resume the operator" },
  restart = { disabled = paused, displayName = "Restart the pods" },
  reconcile = { disabled = paused, displayName = "Reconcile now" },
}
