local suspended = {
  Suspended = true,
  NotInForce = true,
  ContractEnded = true,
}
local progressing = {
  Progressing = true,
  MediaAddressPending = true,
  NotEvaluated = true,
  Deleting = true,
}

local function waiting(message)
  return { status = "Progressing", message = message }
end

local annotations = obj.metadata.annotations or {}
if annotations["jitsi.rezosocial.com/paused"] == "true" then
  return { status = "Suspended", message = "The operator is paused for this tenant" }
end
if obj.status == nil or obj.status.conditions == nil then
  return waiting("Waiting for the operator")
end

local conditions = {}
for _, condition in ipairs(obj.status.conditions) do
  conditions[condition.type] = condition
end
local ready = conditions.Ready
if ready == nil or ready.observedGeneration ~= obj.metadata.generation or ready.reason == "Paused" then
  return waiting("Waiting for the operator to look at this version")
end
if ready.status == "True" then
  local current = conditions.UpToDate
  -- People can meet; what would cut their meetings waits for its moment, maybe for days.
  if current ~= nil and current.status == "False" then
    return { status = "Healthy", message = current.message }
  end
  if obj.status.observedGeneration ~= obj.metadata.generation then
    return waiting("This version is being applied")
  end
  return { status = "Healthy", message = ready.message }
end
if suspended[ready.reason] then
  return { status = "Suspended", message = ready.message }
end
if progressing[ready.reason] then
  return waiting(ready.message)
end
return { status = "Degraded", message = ready.reason .. ": " .. (ready.message or "") }
