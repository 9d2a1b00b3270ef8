for _, condition in ipairs((obj.status or {}).conditions or {}) do
  if condition.type == "Complete" then
    if condition.status == "True" then
      return { status = "Healthy", message = "It is restored" }
    end
    if condition.status == "False" then
      return { status = "Degraded", message = condition.reason .. ": " .. (condition.message or "") }
    end
    return { status = "Progressing", message = condition.message }
  end
end
return { status = "Progressing", message = "Waiting for the operator" }
