{{- define "origin-gate.tagged" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "origin-gate.digest" -}}
{{ trimPrefix "sha256:" .Values.image.digest }}
{{- end }}

{{- /* The documents of a file of envoy/, as a list under `items`. */}}
{{- define "origin-gate.documents" -}}
items:
{{- range splitList "\n---\n" . }}
  - {{- . | fromYaml | toYaml | nindent 4 }}
{{- end }}
{{- end }}
