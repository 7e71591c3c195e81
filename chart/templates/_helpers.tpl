{{- /* Labels that select the hook's pods. They must never change. */ -}}
{{- define "hook.selector" -}}
app.kubernetes.io/name: {{ .Values.name }}
{{- end -}}

{{- define "hook.labels" -}}
{{ include "hook.selector" . }}
app.kubernetes.io/part-of: buildless-functions
{{- end -}}

{{- define "hook.metadata" -}}
name: {{ .Values.name }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "hook.labels" . | nindent 2 }}
{{- end -}}

{{- define "hook.image" -}}
{{- with .Values.image.registry | default .Values.config.registry }}{{ . }}/{{ end -}}
{{ .Values.image.repository }}
{{- with .Values.image.digest }}@{{ . }}{{ else }}:{{ .Values.image.tag | default $.Chart.AppVersion }}{{ end -}}
{{- end -}}

{{- /* The settings as JSON. They override the hook's defaults, so an entry that the values lack has to be null. */ -}}
{{- define "hook.config" -}}
{{- $defaults := (.Files.Get "files/defaults.yaml" | fromYaml).config -}}
{{- include "hook.withNulls" (dict "defaults" $defaults "values" .Values.config) -}}
{{- end -}}

{{- define "hook.withNulls" -}}
{{- $all := deepCopy .values -}}
{{- range $key, $default := .defaults -}}
{{- if not (hasKey $.values $key) -}}
{{- $_ := set $all $key nil -}}
{{- else if and (kindIs "map" $default) (kindIs "map" (get $.values $key)) -}}
{{- $_ := set $all $key (include "hook.withNulls" (dict "defaults" $default "values" (get $.values $key)) | fromJson) -}}
{{- end -}}
{{- end -}}
{{- toJson $all -}}
{{- end -}}

{{- /* Changes with everything that a response depends on: pods reject requests for another revision. */ -}}
{{- define "hook.revision" -}}
{{- printf "%s %s" (include "hook.config" .) (include "hook.image" .) | sha256sum | trunc 16 -}}
{{- end -}}

{{- define "hook.tlsSecret" -}}
{{- .Values.tls.secretName | default (printf "%s-tls" .Values.name) -}}
{{- end -}}

{{- define "hook.host" -}}
{{ .Values.name }}.{{ .Release.Namespace }}.svc
{{- end -}}

{{- /* What Pod Security "restricted" requires, and a read-only root file system. */ -}}
{{- define "restricted.pod" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "restricted.container" -}}
allowPrivilegeEscalation: false
capabilities: {drop: [ALL]}
readOnlyRootFilesystem: true
{{- end -}}

{{- /*
The certificate of tls.mode "helm" as JSON: the one in the cluster, else a new one. It is stored in .Values, so that one
rendering uses one certificate. "{}" in other modes.
*/ -}}
{{- define "hook.madeCertificate" -}}
{{- if ne .Values.tls.mode "helm" -}}{}
{{- else -}}
{{- if not (hasKey .Values.tls "made") -}}
{{- $kept := (lookup "v1" "Secret" .Release.Namespace (include "hook.tlsSecret" .)).data | default dict -}}
{{- if and (hasKey $kept "ca.crt") (hasKey $kept "tls.crt") (hasKey $kept "tls.key") -}}
{{- $_ := set .Values.tls "made" (dict "ca" (index $kept "ca.crt" | b64dec) "certificate" (index $kept "tls.crt" | b64dec) "key" (index $kept "tls.key" | b64dec)) -}}
{{- else -}}
{{- $ca := genCA .Values.name 3650 -}}
{{- $leaf := genSignedCert (include "hook.host" .) nil (list (include "hook.host" .)) 3650 $ca -}}
{{- $_ := set .Values.tls "made" (dict "ca" $ca.Cert "certificate" $leaf.Cert "key" $leaf.Key) -}}
{{- end -}}
{{- end -}}
{{- toJson .Values.tls.made -}}
{{- end -}}
{{- end -}}

{{- /* Metadata of an object that Helm creates for one of its hooks and then deletes: (dict "root" . "name" NAME "hook" HOOK). */ -}}
{{- define "job.metadata" -}}
name: {{ .name }}
{{- if not .cluster }}
namespace: {{ .root.Release.Namespace }}
{{- end }}
labels: {app.kubernetes.io/name: {{ .name }}, app.kubernetes.io/part-of: buildless-functions}
annotations:
  helm.sh/hook: {{ .hook }}
  helm.sh/hook-weight: {{ .weight | default "-1" | quote }}
  helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end -}}

{{- /* A pod that runs files/jobs.py in the hook's image: (dict "root" . "name" NAME "args" LIST). */ -}}
{{- define "job.pod" -}}
serviceAccountName: {{ .name }}
automountServiceAccountToken: true # the script calls the API server
enableServiceLinks: false
restartPolicy: Never
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
{{- range . }}
- name: {{ . }}
{{- end }}
{{- end }}
securityContext:
  {{- include "restricted.pod" . | nindent 2 }}
containers:
- name: job
  image: {{ include "hook.image" .root }}
  imagePullPolicy: {{ .root.Values.image.pullPolicy }}
  command: [/opt/buildless/bin/python, -c, {{ .root.Files.Get "files/jobs.py" | toJson }}]
  args: {{ toJson .args }}
  resources:
    requests: {cpu: 20m, memory: 32Mi}
    limits: {memory: 128Mi}
  securityContext:
    {{- include "restricted.container" . | nindent 4 }}
{{- end -}}
