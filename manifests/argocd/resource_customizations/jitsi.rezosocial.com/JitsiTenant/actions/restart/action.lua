local os = require("os")

if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["jitsi.rezosocial.com/restarted-at"] = os.date("!%Y-%m-%dT%H:%M:%SZ")
return obj
