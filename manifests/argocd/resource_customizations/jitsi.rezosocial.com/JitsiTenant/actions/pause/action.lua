if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["jitsi.rezosocial.com/paused"] = "true"
return obj
