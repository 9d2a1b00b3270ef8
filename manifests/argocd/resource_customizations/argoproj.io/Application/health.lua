-- Waves of Applications go on when the one before is healthy, of which Argo CD itself says nothing.
local health = (obj.status or {}).health or {}
return { status = health.status or "Progressing", message = health.message or "" }
