for _, condition in ipairs((obj.status or {}).conditions or {}) do
  if condition.type == "Sent" then
    if condition.status == "True" then
      return { status = "Healthy", message = "It has left" }
    end
    -- Only a person can enter when a letter was handed in.
    if condition.reason == "ByOtherMeans" then
      return { status = "Suspended", message = condition.message }
    end
    if condition.status == "False" then
      return { status = "Degraded", message = condition.reason .. ": " .. (condition.message or "") }
    end
    return { status = "Progressing", message = condition.message }
  end
end
return { status = "Progressing", message = "Waiting for the operator" }
