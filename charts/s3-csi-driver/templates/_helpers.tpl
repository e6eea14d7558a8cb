{{/* The name of every object, at most 52 characters, so that a suffix fits. */}}
{{- define "s3.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- default $full .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- end }}

{{- define "s3.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "s3.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "s3.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.customLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "s3.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ printf "%s@%s" $image.repository $image.digest }}
{{- else -}}
{{ printf "%s:%s" $image.repository (default .Chart.AppVersion $image.tag) }}
{{- end -}}
{{- end }}

{{- define "s3.nodeAccount" -}}
{{- default (printf "%s-node" (include "s3.fullname" .)) .Values.node.serviceAccount.name -}}
{{- end }}

{{- define "s3.mounterAccount" -}}
{{- default (printf "%s-mounter" (include "s3.fullname" .)) .Values.mounter.serviceAccount.name -}}
{{- end }}

{{- define "s3.pluginDir" -}}
{{ .Values.node.kubeletPath }}/plugins/{{ .Values.driverName }}
{{- end }}

{{- define "s3.tolerations" -}}
{{- if .tolerateAllTaints }}
- operator: Exists
{{- else }}
{{- if .defaultTolerations }}
- key: CriticalAddonsOnly
  operator: Exists
- operator: Exists
  effect: NoExecute
  tolerationSeconds: 300
{{- end }}
{{- with .startupTaint }}
- key: {{ . }}
  operator: Exists
{{- end }}
{{- with .tolerations }}
{{ toYaml . }}
{{- end }}
{{- end }}
{{- end }}

{{/* The sources of all chains as JSON: {"items": [{"level", "type", "settings"}]}. */}}
{{- define "s3.sources" -}}
{{- $credentials := .Values.credentials | default dict -}}
{{- $defaults := dict
  "driver" (list "irsa" "pod-identity" "secret-environment" "profile" "imds")
  "pod" (list "pod-token" "pod-identity")
  "secret" (list "secret-request") -}}
{{- $chains := $credentials.chains | default dict -}}
{{- $settings := $credentials.sources | default dict -}}
{{- $items := list -}}
{{- range $level := list "driver" "pod" "secret" -}}
{{- range $link := (get $chains $level) | default (get $defaults $level) -}}
{{- $name := ternary $link (get (ternary dict $link (kindIs "string" $link)) "name") (kindIs "string" $link) -}}
{{- $own := (get $settings $name) | default dict -}}
{{- $items = append $items (dict "level" $level "type" (default $name $own.type) "settings" $own) -}}
{{- end -}}
{{- end -}}
{{- dict "items" $items | toJson -}}
{{- end }}

{{/*
What the configured chains need of the Kubernetes API, as JSON: {"items": [{"verb", "group", "resource", "namespace", "name"}]}.
`s3cred doctor` has the same list; `cargo xtask e2e chart` compares the two.
*/}}
{{- define "s3.permissions" -}}
{{- $items := list -}}
{{- range $source := (include "s3.sources" . | fromJson).items -}}
{{- $settings := $source.settings -}}
{{- if eq $source.type "secret-watch" -}}
{{- range $verb := list "list" "watch" -}}
{{- $items = append $items (dict "verb" $verb "group" "" "resource" "secrets" "namespace" (default "" $settings.namespace) "name" $settings.name) -}}
{{- end -}}
{{- else if eq $source.type "pod-token" -}}
{{- if has "annotation" ($settings.roles | default (list "context" "mapping" "annotation")) -}}
{{- $items = append $items (dict "verb" "get" "group" "" "resource" "serviceaccounts" "namespace" "" "name" "") -}}
{{- if ne (toString (get $settings "watchAnnotations")) "false" -}}
{{- $items = append $items (dict "verb" "watch" "group" "" "resource" "serviceaccounts" "namespace" "" "name" "") -}}
{{- end -}}
{{- end -}}
{{- if $settings.requestTokens -}}
{{- $items = append $items (dict "verb" "create" "group" "" "resource" "serviceaccounts/token" "namespace" "" "name" "") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $link := ((.Values.credentials | default dict).chains | default dict).region -}}
{{- $name := ternary $link (get (ternary dict $link (kindIs "string" $link)) "name") (kindIs "string" $link) -}}
{{- if eq $name "node-label" -}}
{{- $items = append $items (dict "verb" "get" "group" "" "resource" "nodes" "namespace" "" "name" "") -}}
{{- end -}}
{{- end -}}
{{- dict "items" ($items | uniq) | toJson -}}
{{- end }}

{{/* The rules of one namespace; an empty one stands for the whole cluster. */}}
{{- define "s3.rules" -}}
{{- range .items -}}
- apiGroups: [{{ .group | quote }}]
  resources: [{{ .resource | quote }}]
  verbs: [{{ .verb | quote }}]
  {{- with .name }}
  resourceNames: [{{ . | quote }}]
  {{- end }}
{{ end -}}
{{- end }}

{{/* The audiences of the tokens that the kubelet hands over, as JSON: {"items": [...]}. */}}
{{- define "s3.audiences" -}}
{{- $audiences := .Values.csiDriver.extraTokenAudiences | default list -}}
{{- $agent := .Values.eksPodIdentityAgent.containerCredentialsFullURI -}}
{{- range $source := (include "s3.sources" . | fromJson).items -}}
{{- if eq $source.level "pod" -}}
{{- if eq $source.type "pod-token" -}}
{{- $audiences = append $audiences (default "sts.amazonaws.com" $source.settings.audience) -}}
{{- else if and (eq $source.type "pod-identity") (or $agent $source.settings.agentUri) -}}
{{- $audiences = append $audiences "pods.eks.amazonaws.com" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- dict "items" ($audiences | uniq) | toJson -}}
{{- end }}

{{/* The driver's environment: where its services are, and its own keys. */}}
{{- define "s3.environment" -}}
- name: CSI_NODE_NAME
  valueFrom: {fieldRef: {fieldPath: spec.nodeName}}
- name: RUST_LOG
  value: {{ .Values.node.logLevel | quote }}
{{- range $name, $value := dict
  "AWS_REGION" .Values.aws.region
  "AWS_ENDPOINT_URL_STS" .Values.aws.stsEndpoint
  "AWS_STS_REGIONAL_ENDPOINTS" .Values.aws.stsRegionalEndpoints
  "AWS_EC2_METADATA_SERVICE_ENDPOINT" .Values.aws.imdsEndpoint
  "AWS_USE_FIPS_ENDPOINT" (ternary "true" "" .Values.aws.useFips)
  "AWS_USE_DUALSTACK_ENDPOINT" (ternary "true" "" .Values.aws.useDualstack)
  "EKS_POD_IDENTITY_AGENT_CONTAINER_CREDENTIALS_FULL_URI" .Values.eksPodIdentityAgent.containerCredentialsFullURI
  "HTTPS_PROXY" .Values.proxy.httpsProxy
  "NO_PROXY" .Values.proxy.noProxy
  "AWS_CA_BUNDLE" (ternary "/etc/s3-csi/ca/ca.crt" "" (ne .Values.caBundle.name ""))
}}
{{- with $value }}
- name: {{ $name }}
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- with .Values.awsAccessSecret }}
{{- if .name }}
- name: AWS_ACCESS_KEY_ID
  valueFrom: {secretKeyRef: {name: {{ .name | quote }}, key: {{ .keyId | quote }}, optional: true}}
- name: AWS_SECRET_ACCESS_KEY
  valueFrom: {secretKeyRef: {name: {{ .name | quote }}, key: {{ .accessKey | quote }}, optional: true}}
- name: AWS_SESSION_TOKEN
  valueFrom: {secretKeyRef: {name: {{ .name | quote }}, key: {{ .sessionToken | quote }}, optional: true}}
{{- end }}
{{- end }}
{{- with .Values.node.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}
