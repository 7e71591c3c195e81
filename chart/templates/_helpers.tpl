{{- /* Labels that select the hook's pods. They must never change. */ -}}
{{- define "hook.selector" -}}
app.kubernetes.io/name: {{ .Values.name }}
{{- end -}}

{{- define "hook.labels" -}}
{{- include "labels.ofObject" (dict "root" . "name" .Values.name "component" "hook") -}}
{{- end -}}

{{- /* commonAnnotations and those of one object, which win, or nothing: (dict "root" . "own" MAP). */ -}}
{{- define "annotations" -}}
{{- with merge (dict) (.own | default dict) .root.Values.commonAnnotations -}}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end -}}
{{- end -}}

{{- /* Labels and commonAnnotations of an object whose name is its own. */ -}}
{{- define "hook.common" -}}
labels:
  {{- include "hook.labels" . | nindent 2 }}
{{- with include "annotations" (dict "root" .) }}{{ . | nindent 0 }}{{ end }}
{{- end -}}

{{- define "hook.metadata" -}}
{{- include "hook.annotated" (dict "root" .) -}}
{{- end -}}

{{- /* Metadata with annotations of one object: (dict "root" . "own" MAP). */ -}}
{{- define "hook.annotated" -}}
name: {{ .root.Values.name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "hook.labels" .root | nindent 2 }}
{{- with include "annotations" . }}{{ . | nindent 0 }}{{ end }}
{{- end -}}

{{- /* Recommended labels of a pod: those that change only when its image does. They win over commonLabels. */ -}}
{{- define "labels.ofPod" -}}
{{- $own := dict "app.kubernetes.io/name" .name "app.kubernetes.io/instance" .root.Release.Name "app.kubernetes.io/component" .component "app.kubernetes.io/part-of" "buildless-functions" -}}
{{- $_ := set $own "app.kubernetes.io/version" .root.Chart.AppVersion -}}
{{- toYaml (merge $own (.more | default dict) .root.Values.commonLabels) -}}
{{- end -}}

{{- /* All recommended labels. `make manifests` drops the two that name Helm. */ -}}
{{- define "labels.ofObject" -}}
{{- $own := dict "app.kubernetes.io/managed-by" .root.Release.Service "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_") -}}
{{- toYaml (merge $own (include "labels.ofPod" . | fromYaml)) -}}
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

{{- /* Fails with the hook's message if defaultProfile is unknown, which no JSON schema can express. */ -}}
{{- define "hook.checkedProfile" -}}
{{- $names := list -}}
{{- range keys .Values.config.profiles | sortAlpha }}{{ $names = append $names (toJson .) }}{{ end -}}
{{- if not (hasKey .Values.config.profiles .Values.config.defaultProfile) -}}
{{- fail (printf "config.defaultProfile: Unsupported value: %s: supported values: %s" (toJson .Values.config.defaultProfile) ($names | join ", " | default "none")) -}}
{{- end -}}
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

{{- /*
"true" if the CRD has the conversion webhook. With cert-manager it always has: cainjector owns a field of the webhook, so
that Helm 4, which uses server-side apply, cannot remove it. The API server calls no webhook of a CRD with one version.
*/ -}}
{{- define "hook.hasWebhook" -}}
{{- if or .Values.conversion.enabled (eq .Values.tls.mode "certManager") }}true{{ end -}}
{{- end -}}

{{- /* spec.conversion of the CRD: the API server converts Functions through the hook. */ -}}
{{- define "hook.conversion" -}}
{{- $ca := .Values.tls.caBundle | default (include "hook.madeCertificate" . | fromJson).ca -}}
{{- if eq .Values.tls.mode "off" -}}
{{- fail "conversion.enabled: Invalid value: true: the API server calls webhooks over HTTPS only: set tls.mode" -}}
{{- end -}}
{{- if and (eq .Values.tls.mode "secret") (not $ca) -}}
{{- fail "tls.caBundle: Required value: with conversion.enabled and tls.mode secret, the API server reads no Secret" -}}
{{- end -}}
strategy: Webhook
webhook:
  conversionReviewVersions: [v1]
  clientConfig:
    service: {name: {{ .Values.name }}, namespace: {{ .Release.Namespace }}, port: 8080, path: /v1/convert}
    {{- with $ca }}
    caBundle: {{ b64enc . }}
    {{- end }}
{{- end -}}

{{- /* Metadata of an object that Helm creates for one of its hooks and then deletes: (dict "root" . "name" NAME "hook" HOOK). */ -}}
{{- define "job.metadata" -}}
name: {{ .name }}
{{- if not .cluster }}
namespace: {{ .root.Release.Namespace }}
{{- end }}
labels:
  {{- include "labels.ofObject" (dict "root" .root "name" .name "component" .hook) | nindent 2 }}
{{- with include "annotations" (dict "root" .root "own" (dict "helm.sh/hook" .hook "helm.sh/hook-weight" (.weight | default "-1") "helm.sh/hook-delete-policy" "before-hook-creation,hook-succeeded")) }}{{ . | nindent 0 }}{{ end }}
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
  {{- toYaml .root.Values.podSecurityContext | nindent 2 }}
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
    {{- toYaml .root.Values.containerSecurityContext | nindent 4 }}
{{- end -}}
