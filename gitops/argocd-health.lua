-- Health of a Function for Argo CD: the value of resource.customizations.health.serverless.kyma-project.io_Function in
-- the ConfigMap argocd-cm. It evaluates Ready and Stalled as kstatus does.
local health = {status = "Progressing", message = "Waiting for the first sync of the Function"}
if obj.metadata.deletionTimestamp ~= nil then
  health.message = "The Function is being deleted"
  return health
end
if obj.status == nil or obj.status.conditions == nil then
  return health
end
if obj.status.observedGeneration ~= obj.metadata.generation then
  return health
end
for _, condition in ipairs(obj.status.conditions) do
  if condition.type == "Stalled" and condition.status == "True" then
    return {status = "Degraded", message = condition.message}
  end
  if condition.type == "Ready" then
    health.message = condition.message
    if condition.status == "True" then
      health.status = "Healthy"
    end
  end
end
return health
