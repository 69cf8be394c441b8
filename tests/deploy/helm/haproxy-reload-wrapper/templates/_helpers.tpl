{{- define "haproxy.name" -}}
{{ .Values.nameOverride | default "haproxy" }}
{{- end }}

{{- define "haproxy.fullname" -}}
{{ .Values.fullnameOverride | default .Release.Name | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "haproxy.selector" -}}
app.kubernetes.io/name: {{ include "haproxy.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "haproxy.labels" -}}
{{ include "haproxy.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "haproxy.image" -}}
{{- with .Values.image -}}
{{ .repository }}{{ with .tag }}:{{ . }}{{ end }}{{ with .digest }}@{{ . }}{{ end }}
{{- end }}
{{- end }}

{{- define "haproxy.configMap" -}}
{{ .Values.configuration.existingConfigMap | default (include "haproxy.fullname" .) }}
{{- end }}

{{- define "haproxy.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "haproxy.fullname" .) }}
{{- else -}}
{{ .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/* The data of the ConfigMap. */}}
{{- define "haproxy.data" -}}
{{- $data := dict "haproxy.cfg" .Values.configuration.text -}}
{{- toYaml (merge $data .Values.configuration.files) }}
{{- end }}

{{/* The wrapper's settings as arguments. */}}
{{- define "haproxy.settings" -}}
{{- range $flag, $value := .Values.settings }}
{{- if kindIs "bool" $value }}
{{- if $value }}
- --{{ $flag }}
{{- end }}
{{- else if kindIs "slice" $value }}
{{- range $value }}
- {{ printf "--%s=%v" $flag . | quote }}
{{- end }}
{{- else }}
- {{ printf "--%s=%v" $flag $value | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* A duration in whole seconds. */}}
{{- define "haproxy.seconds" -}}
{{- $total := 0 }}
{{- range regexFindAll "[0-9]+(ms|[smh])" . -1 }}
{{- $number := regexFind "[0-9]+" . | int }}
{{- $unit := regexFind "[a-z]+" . }}
{{- if eq $unit "s" }}{{ $total = add $total $number }}
{{- else if eq $unit "m" }}{{ $total = add $total (mul 60 $number) }}
{{- else if eq $unit "h" }}{{ $total = add $total (mul 3600 $number) }}
{{- else }}{{ $total = add $total (div (add $number 999) 1000) }}{{ end }}
{{- end }}
{{- $total }}
{{- end }}

{{/* Whatever the schema cannot see. */}}
{{- define "haproxy.validate" -}}
{{- $delay := index .Values.settings "drain-delay" | default "0s" | toString }}
{{- $wait := index .Values.settings "shutdown-wait" | default "" | toString }}
{{- $need := add 5 (include "haproxy.seconds" $delay | int) (include "haproxy.seconds" $wait | int) }}
{{- $grace := int .Values.terminationGracePeriodSeconds }}
{{- if le $grace (int $need) }}
{{- fail (printf "terminationGracePeriodSeconds: found %d, wanted more than %d: drain-delay, shutdown-wait and 5 s together" $grace (int $need)) }}
{{- end }}
{{- if and .Values.lastGood.existingClaim (or .Values.autoscaling.enabled (gt (int .Values.replicas) 1)) }}
{{- fail "lastGood.existingClaim: found more than one replica, wanted replicas: 1 and no autoscaling: pods cannot share what served last" }}
{{- end }}
{{- range $name, $port := .Values.ports }}
{{- if eq (int $port.containerPort) (int $.Values.statusPort) }}
{{- fail (printf "ports.%s.containerPort: found statusPort (%d), wanted another one" $name (int $port.containerPort)) }}
{{- end }}
{{- end }}
{{- range $name, $_ := merge (dict) .Values.configMaps .Values.secrets }}
{{- if has $name (list "configuration" "tmp" "last-good") }}
{{- fail (printf "found the volume %q in configMaps or secrets, wanted a name that the chart does not use" $name) }}
{{- end }}
{{- if and (hasKey $.Values.configMaps $name) (hasKey $.Values.secrets $name) }}
{{- fail (printf "found the volume %q in configMaps and in secrets, wanted two names" $name) }}
{{- end }}
{{- end }}
{{- end }}

{{/* Directories with what the configuration names. */}}
{{- define "haproxy.mounts" -}}
{{- range $name, $mount := .Values.configMaps }}
- { name: {{ $name }}, mountPath: {{ $mount.mountPath | quote }}, readOnly: true }
{{- end }}
{{- range $name, $mount := .Values.secrets }}
- { name: {{ $name }}, mountPath: {{ $mount.mountPath | quote }}, readOnly: true }
{{- end }}
{{- end }}

{{- define "haproxy.volumes" -}}
{{- range $name, $mount := .Values.configMaps }}
- name: {{ $name }}
  configMap:
    name: {{ $mount.name }}
    {{- if hasKey $mount "optional" }}
    optional: {{ $mount.optional }}
    {{- end }}
    {{- with $mount.items }}
    items: {{- toYaml . | nindent 6 }}
    {{- end }}
{{- end }}
{{- range $name, $mount := .Values.secrets }}
- name: {{ $name }}
  secret:
    secretName: {{ $mount.name }}
    defaultMode: 288
    {{- if hasKey $mount "optional" }}
    optional: {{ $mount.optional }}
    {{- end }}
    {{- with $mount.items }}
    items: {{- toYaml . | nindent 6 }}
    {{- end }}
{{- end }}
{{- end }}

{{/* An emptyDir of .medium and .sizeLimit. */}}
{{- define "haproxy.emptyDir" -}}
emptyDir:
  {{- with .medium }}
  medium: {{ . }}
  {{- end }}
  {{- with .sizeLimit }}
  sizeLimit: {{ . }}
  {{- end }}
  {{- if not (or .medium .sizeLimit) }} {}{{ end }}
{{- end }}

{{/* A probe of (list root probe path). */}}
{{- define "haproxy.probe" -}}
{{- $probe := index . 1 }}
{{- $hasRequest := or $probe.httpGet $probe.exec $probe.tcpSocket $probe.grpc }}
{{- if not $hasRequest }}
httpGet: { path: {{ index . 2 }}, port: status }
{{- end }}
{{ toYaml $probe }}
{{- end }}

{{/* What both the pods and the check's have. */}}
{{- define "haproxy.pod" -}}
automountServiceAccountToken: {{ .Values.automountServiceAccountToken }}
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
securityContext: {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What both containers have. */}}
{{- define "haproxy.container" -}}
name: haproxy
image: {{ include "haproxy.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
# `kubectl describe pod` then shows the last lines of the log: why the container ended.
terminationMessagePolicy: FallbackToLogsOnError
{{- with .Values.env }}
env: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.envFrom }}
envFrom: {{- toYaml . | nindent 2 }}
{{- end }}
resources: {{- toYaml .Values.resources | nindent 2 }}
securityContext: {{- toYaml .Values.securityContext | nindent 2 }}
{{- end }}
