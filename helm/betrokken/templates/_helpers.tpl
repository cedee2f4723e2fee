{{- define "betrokken.fullname" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 53 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 53 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "betrokken.databaseName" -}}
{{- printf "%s-db" (include "betrokken.fullname" .) -}}
{{- end -}}

{{- define "betrokken.selectorLabels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "betrokken.labels" -}}
{{ include "betrokken.selectorLabels" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "betrokken.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "betrokken.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{/* What the pod security standard "restricted" asks for. */}}
{{- define "betrokken.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "betrokken.reference" -}}
- name: {{ .variable }}
  valueFrom:
    secretKeyRef:
      name: {{ .name }}
      key: {{ .key }}
      {{- if .optional }}
      optional: true
      {{- end }}
{{- end -}}

{{/* Where each secret setting lies: in a Secret of its own, with the operator, or in that of the release. */}}
{{- define "betrokken.secretEnv" -}}
{{- $root := . }}
{{- $required := list "DATABASE_URL" "BETROKKEN_PSEUDONYM_SECRET" }}
{{- $optional := list "DATABASE_DIRECT_URL" "DATABASE_READ_URL" "BETROKKEN_PSEUDONYM_SECRET_PREVIOUS" "BETROKKEN_SMTP_URL" "BETROKKEN_POSTMARK_TOKEN" }}
{{- $elsewhere := dict }}
{{- $replicas := and .Values.cloudnativepg.enabled .Values.cloudnativepg.readFromReplicas (not (hasKey .Values.secrets "DATABASE_READ_URL")) }}
{{- if .Values.cloudnativepg.enabled }}
{{- $_ := set $elsewhere "DATABASE_URL" (dict "name" (printf "%s-app" (include "betrokken.databaseName" .)) "key" "uri") }}
{{- end }}
{{- range $variable, $place := .Values.secrets }}
{{- if hasKey $root.Values.env $variable }}
{{- fail (printf "%s stands in env and in secrets: leave one of them out" $variable) }}
{{- end }}
{{- $_ := set $elsewhere $variable $place }}
{{- end }}
{{- range $required }}
{{- if not (hasKey $elsewhere .) }}
{{- $secret := required "existingSecret is empty: name the Secret that holds DATABASE_URL and BETROKKEN_PSEUDONYM_SECRET" $root.Values.existingSecret }}
{{ include "betrokken.reference" (dict "variable" . "name" $secret "key" .) }}
{{- end }}
{{- end }}
{{- range $optional }}
{{- if and $root.Values.existingSecret (not (hasKey $elsewhere .)) (not (and $replicas (eq . "DATABASE_READ_URL"))) }}
{{ include "betrokken.reference" (dict "variable" . "name" $root.Values.existingSecret "key" . "optional" true) }}
{{- end }}
{{- end }}
{{- range $variable, $place := $elsewhere }}
{{ include "betrokken.reference" (dict "variable" $variable "name" $place.name "key" $place.key) }}
{{- end }}
{{- if $replicas }}
{{ include "betrokken.replicas" . }}
{{- end }}
{{- end -}}

{{/* The operator's Secret has the address of the primary alone, and a password of letters and digits. */}}
{{- define "betrokken.replicas" -}}
{{- if lt (int .Values.cloudnativepg.instances) 2 }}
{{- fail "cloudnativepg.readFromReplicas needs cloudnativepg.instances of 2 or more: the first is no replica" }}
{{- end }}
{{- $database := include "betrokken.databaseName" . }}
{{ include "betrokken.reference" (dict "variable" "REPLICA_PASSWORD" "name" (printf "%s-app" $database) "key" "password") }}
- name: DATABASE_READ_URL
  value: "postgresql://betrokken:$(REPLICA_PASSWORD)@{{ $database }}-ro:5432/betrokken"
{{- end -}}

{{/* Always in the pod, so that what comes by `envFrom` cannot be more than the grace period has room for. */}}
{{- define "betrokken.shutdownGrace" -}}
{{- default "5" .Values.env.BETROKKEN_SHUTDOWN_GRACE -}}
{{- end -}}

{{/* Name and value, unless `env` has another. */}}
{{- define "betrokken.ownEnv" -}}
{{- $own := dict "BETROKKEN_DATA_DIR" "/var/lib/betrokken" "BETROKKEN_WORKER_LISTEN" "0.0.0.0:8001" }}
{{- $_ := set $own "BETROKKEN_SHUTDOWN_GRACE" (include "betrokken.shutdownGrace" .) }}
{{- if .Values.worker.enabled }}
{{- $_ := set $own "BETROKKEN_WORKER_ENABLED" "false" }}
{{- end }}
{{- if .Values.ingress.enabled }}
{{- $scheme := ternary "https" "http" (not (empty .Values.ingress.tlsSecret)) }}
{{- $_ := set $own "BETROKKEN_PUBLIC_URL" (printf "%s://%s" $scheme .Values.ingress.host) }}
{{- end }}
{{- range $name, $value := merge (dict) .Values.env $own }}
{{- if not (hasKey $.Values.secrets $name) }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Those of the values, and of whom `env` says to call: a collector of traces, an identity provider. */}}
{{- define "betrokken.outsidePorts" -}}
{{- $ports := list }}
{{- range .Values.networkPolicy.outsidePorts }}
{{- $ports = append $ports (int .) }}
{{- end }}
{{- range list "BETROKKEN_OTLP_URL" "BETROKKEN_OIDC_ISSUER" }}
{{- with get $.Values.env . }}
{{- $url := urlParse . }}
{{- $given := regexFind ":[0-9]+$" $url.host | trimPrefix ":" }}
{{- $ports = append $ports (int (default (ternary "80" "443" (eq $url.scheme "http")) $given)) }}
{{- end }}
{{- end }}
{{- uniq $ports | toJson }}
{{- end -}}

{{/* What service, worker and migration have in common: image, settings, confinement. */}}
{{- define "betrokken.container" -}}
image: {{ printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  {{- include "betrokken.secretEnv" . | trim | nindent 2 }}
  {{- include "betrokken.ownEnv" . | trim | nindent 2 }}
{{- with .Values.envFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
volumeMounts:
  - name: tmp
    mountPath: /tmp
  {{- if .Values.data.enabled }}
  - name: data
    mountPath: /var/lib/betrokken
  {{- end }}
  {{- with .Values.volumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{- define "betrokken.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: {{ .Values.temporarySize }}
{{- if .Values.data.enabled }}
- name: data
  {{- if .Values.data.existingClaim }}
  persistentVolumeClaim:
    claimName: {{ .Values.data.existingClaim }}
  {{- else }}
  emptyDir:
    sizeLimit: {{ .Values.data.size }}
  {{- end }}
{{- end }}
{{- with .Values.volumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Before a pod starts, where no hook can run: the database is part of the release. */}}
{{- define "betrokken.migrationAsInit" -}}
{{- if eq (include "betrokken.migrates" .) "init" }}
initContainers:
  - name: migrate
    {{- include "betrokken.container" . | nindent 4 }}
    args: [migrate]
    resources:
      {{- toYaml .Values.migration.resources | nindent 6 }}
{{- end }}
{{- end -}}

{{- define "betrokken.migrates" -}}
{{- ternary "init" .Values.migration.as .Values.cloudnativepg.enabled -}}
{{- end -}}

{{- define "betrokken.preStop" -}}
{{- if . }}
lifecycle:
  preStop:
    exec:
      command: [sleep, {{ . | quote }}]
{{- end }}
{{- end -}}

{{/* Of one component, given as a dict of root and component. */}}
{{- define "betrokken.spread" -}}
{{- $root := .root }}
{{- $component := .component }}
{{- if $root.Values.topologySpread.enabled }}
topologySpreadConstraints:
  {{- range $root.Values.topologySpread.topologyKeys }}
  - topologyKey: {{ . }}
    maxSkew: {{ $root.Values.topologySpread.maxSkew }}
    whenUnsatisfiable: {{ $root.Values.topologySpread.whenUnsatisfiable }}
    labelSelector:
      matchLabels:
        {{- include "betrokken.selectorLabels" $root | nindent 8 }}
        app.kubernetes.io/component: {{ $component }}
  {{- end }}
{{- end }}
{{- end -}}

{{/* Of a Deployment: a dict of root, component, name and scaling, by which it has more pods. */}}
{{- define "betrokken.autoscaler" -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels:
    {{- include "betrokken.labels" .root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ .name }}
  minReplicas: {{ .scaling.minReplicas }}
  maxReplicas: {{ .scaling.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ .scaling.targetCPUUtilizationPercentage }}
    {{- with .scaling.targetMemoryUtilizationPercentage }}
    - type: Resource
      resource:
        name: memory
        target:
          type: Utilization
          averageUtilization: {{ . }}
    {{- end }}
    {{- with .scaling.targetJobsPerPod }}
    - type: External
      external:
        metric:
          name: betrokken_jobs_queued
          selector:
            matchLabels:
              namespace: {{ $.root.Release.Namespace }}
              state: due
        target:
          type: AverageValue
          averageValue: {{ . | quote }}
    {{- end }}
{{- end -}}

{{- define "betrokken.placement" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* A Deployment: of root, component, name, replicas (empty where something else counts them), values. */}}
{{- define "betrokken.pod" -}}
{{- $root := .root -}}
metadata:
  labels:
    {{- include "betrokken.labels" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .component }}
  {{- with $root.Values.podAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "betrokken.serviceAccountName" $root }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .grace }}
  securityContext:
    {{- include "betrokken.podSecurityContext" $root | nindent 4 }}
  {{- include "betrokken.migrationAsInit" $root | nindent 2 }}
  containers:
    - name: {{ .container }}
      {{- include "betrokken.container" $root | nindent 6 }}
      args: {{ toJson .args }}
      ports:
        - name: http
          containerPort: {{ .port }}
      resources:
        {{- toYaml .resources | nindent 8 }}
      {{- include "betrokken.preStop" .preStop | nindent 6 }}
      startupProbe:
        httpGet: {path: /health/live, port: http}
        periodSeconds: 2
        failureThreshold: {{ .startup }}
      livenessProbe:
        httpGet: {path: /health/live, port: http}
        timeoutSeconds: 5
      readinessProbe:
        httpGet: {path: /health/ready, port: http}
        periodSeconds: {{ .readiness }}
        timeoutSeconds: 5
  volumes:
    {{- include "betrokken.volumes" $root | nindent 4 }}
  {{- include "betrokken.spread" . | nindent 2 }}
  {{- include "betrokken.placement" $root | nindent 2 }}
{{- end -}}
