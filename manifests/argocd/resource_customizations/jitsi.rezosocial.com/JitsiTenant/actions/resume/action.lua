if obj.metadata.annotations ~= nil then
  obj.metadata.annotations["jitsi.rezosocial.com/paused"] = nil
end
return obj
