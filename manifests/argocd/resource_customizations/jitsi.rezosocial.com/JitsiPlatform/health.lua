for _, condition in ipairs((obj.status or {}).conditions or {}) do
  if condition.type == "SpecValid" and condition.observedGeneration == obj.metadata.generation then
    if condition.status == "True" then
      return { status = "Healthy", message = "It can be used" }
    end
    return { status = "Degraded", message = condition.reason .. ": " .. (condition.message or "") }
  end
end
return { status = "Progressing", message = "Waiting for the operator to look at this version" }
