{{- define "labels" -}}
app.kubernetes.io/name: idaas-ldap
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "pod" -}}
metadata:
  labels:
    {{- include "labels" . | nindent 4 }}
  annotations:
    # Another configuration makes other pods; secrets, certificates and mappings are read again by the service itself.
    idaas-ldap/configuration: {{ sha256sum .Values.configuration | quote }}
spec:
  serviceAccountName: {{ .Release.Name }}
  automountServiceAccountToken: false
  # Variables that Kubernetes makes of the name of the service would be taken for keys of the configuration.
  enableServiceLinks: false
  # What it is at is finished before that: an LDAP operation takes ten seconds at most.
  terminationGracePeriodSeconds: 40
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    # Otherwise every start would give the group the right to read the store's key, which the service refuses.
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: { type: RuntimeDefault }
  containers:
    - name: idaas-ldap
      image: {{ printf "%s:%s" .Values.image.repository .Values.image.tag | quote }}
      args: [serve, --config, /etc/idaas-ldap/idaas-ldap.yaml]
      env:
        {{- if eq .Values.store "postgres" }}
        - { name: IDAAS_LDAP_STORE_URL_FILE, value: /etc/idaas-ldap/secrets/store.url }
        - { name: IDAAS_LDAP_STORE_KEY_FILE, value: /etc/idaas-ldap/secrets/store.key }
        {{- else }}
        - { name: IDAAS_LDAP_STORE_URL, value: "sqlite:/var/lib/idaas-ldap/idaas-ldap.db" }
        - { name: IDAAS_LDAP_STORE_KEY_FILE, value: /var/lib/idaas-ldap/store.key }
        {{- end }}
        - { name: IDAAS_LDAP_LOG_FORMAT, value: json }
      ports:
        - { name: callbacks, containerPort: 8443 }
      # The admin address is that of the pod alone, so it is asked from within: /livez, and /readyz.
      livenessProbe:
        exec: { command: [/usr/local/bin/idaas-ldap, health, --live, --config, /etc/idaas-ldap/idaas-ldap.yaml] }
        periodSeconds: 20
        timeoutSeconds: 10
        failureThreshold: 6
      readinessProbe:
        exec: { command: [/usr/local/bin/idaas-ldap, health, --config, /etc/idaas-ldap/idaas-ldap.yaml] }
        periodSeconds: 10
        timeoutSeconds: 10
      # A large store that is brought up to date takes its time.
      startupProbe:
        exec: { command: [/usr/local/bin/idaas-ldap, health, --live, --config, /etc/idaas-ldap/idaas-ldap.yaml] }
        periodSeconds: 5
        timeoutSeconds: 10
        failureThreshold: 120
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: { drop: [ALL] }
      resources:
        {{- toYaml .Values.resources | nindent 8 }}
      volumeMounts:
        - { name: configuration, mountPath: /etc/idaas-ldap, readOnly: true }
        {{- if eq .Values.store "sqlite" }}
        - { name: store, mountPath: /var/lib/idaas-ldap }
        {{- end }}
  volumes:
    # One volume for all files, in which what is renewed appears by itself.
    - name: configuration
      projected:
        defaultMode: 0440
        sources:
          - configMap:
              name: {{ .Release.Name }}
              items: [ { key: idaas-ldap.yaml, path: idaas-ldap.yaml } ]
          - configMap:
              name: {{ .Release.Name }}
              items:
                {{- range $name, $text := .Values.mappings }}
                - { key: {{ $name }}, path: mappings/{{ $name }} }
                {{- end }}
          - secret:
              name: {{ .Values.secrets }}
              items:
                - { key: bind.secret, path: secrets/bind.secret }
                - { key: encryption.secret, path: secrets/encryption.secret }
                {{- if eq .Values.store "postgres" }}
                - { key: store.url, path: secrets/store.url }
                - { key: store.key, path: secrets/store.key }
                {{- end }}
          - secret:
              name: {{ .Values.certificate }}
              items: [ { key: tls.crt, path: tls/tls.crt }, { key: tls.key, path: tls/tls.key } ]
{{- end }}
