package config

import (
	"net/netip"
	"reflect"
	"time"

	"idaas-ldap/internal/secret"
)

// Schema returns the JSON Schema (draft 7) of the configuration file, for the completion and the hover texts of editors.
// It knows keys, words and shapes; what fits together is only checked by [Load].
func Schema() map[string]any {
	root := schemaOf("", reflect.TypeFor[Config](), Defaults())
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["title"] = "Configuration of idaas-ldap"
	root["required"] = []string{"applications", "directories"}
	return root
}

// schemaOf returns the schema of a type at a path, with the values of a default.
func schemaOf(path string, t reflect.Type, defaults any) map[string]any {
	out := map[string]any{}
	if text := descriptions[path]; text != "" {
		out["description"] = text
	}
	switch {
	case t.Kind() == reflect.Struct && !isScalar(t):
		properties := map[string]any{}
		for i := range fields(t) {
			field := t.Field(i)
			name := field.Tag.Get("yaml")
			properties[name] = schemaOf(below(path, name), field.Type, reflect.ValueOf(defaults).Field(i).Interface())
		}
		out["type"], out["properties"], out["additionalProperties"] = "object", properties, false
		if required := requiredKeys[path]; required != nil {
			out["required"] = required
		}
	case t.Kind() == reflect.Slice:
		item := reflect.New(t.Elem()).Elem().Interface()
		switch t.Elem() {
		case reflect.TypeFor[Application]():
			item = DefaultApplication()
		case reflect.TypeFor[Directory]():
			item = DefaultDirectory()
		case reflect.TypeFor[NotificationReceiver]():
			item = DefaultReceiver()
		}
		out["type"], out["items"] = "array", schemaOf(path+"[]", t.Elem(), item)
	default:
		scalarSchema(out, path, t, defaults)
	}
	return out
}

// scalarSchema completes the schema of a single value.
func scalarSchema(out map[string]any, path string, t reflect.Type, value any) {
	out["type"] = "string"
	if words := choices[path]; words != nil {
		out["enum"] = words
	}
	switch {
	case t == reflect.TypeFor[time.Duration]():
		out["pattern"] = `^([0-9.]+(h|m|s|ms))+$`
		if d, _ := value.(time.Duration); d != 0 {
			out["default"] = d.String()
		}
		return
	case t == reflect.TypeFor[secret.Text](), t == reflect.TypeFor[netip.Prefix]():
		return
	case t.Kind() == reflect.Bool:
		out["type"] = "boolean"
	case t.Kind() == reflect.Int || t.Kind() == reflect.Int64:
		out["type"] = "integer"
	}
	if v := reflect.ValueOf(value); !v.IsZero() || t.Kind() == reflect.Bool {
		out["default"] = v.Interface()
	}
}

// choices are the words that some values are one of.
var choices = map[string][]string{
	"applications[].pull.at_start": {PullAfterOutage, PullAlways, PullNever},

	"directories[].type": {TypeAuto, TypeOpenLDAP, TypeActiveDirectory, Type389DS, TypeGeneric},
	"directories[].sasl": {SASLExternal},
	"log.level":          {"debug", "info", "warn", "error"},
	"log.format":         {"text", "json"},

	"notifications.language":                 {LanguageEnglish, LanguageChinese},
	"notifications.receivers[].webhook.form": {WebhookGeneric, WebhookDingTalk, WebhookFeishu, WebhookSlack},
}

// requiredKeys are the keys that have no default.
var requiredKeys = map[string][]string{
	"applications[]": {"id"},
	"directories[]":  {"name", "urls", "mapping"},

	"notifications.receivers[]": {"name"},
}

// descriptions say what each value means.
var descriptions = map[string]string{
	"receiver":                                "Where and how callbacks of IDaaS are taken in.",
	"receiver.listen":                         "The address and port.",
	"receiver.path":                           "The path of the URL that is answered; one for all applications.",
	"receiver.tls":                            "The certificate. Without it plain HTTP is spoken, for a proxy that speaks TLS.",
	"receiver.tls.cert_file":                  "The certificate with its chain, in PEM; read again when it changes.",
	"receiver.tls.key_file":                   "The key of the certificate, in PEM; read again when it changes.",
	"receiver.allow_from":                     "The networks that callers must be in; without it, anybody may call.",
	"receiver.allow_from[]":                   "A network such as 112.124.239.96/27, or an address.",
	"receiver.trusted_proxies":                "The networks whose X-Forwarded-For or Forwarded is believed.",
	"receiver.trusted_proxies[]":              "A network such as 10.0.0.0/8, or an address.",
	"receiver.answer_within":                  "How long an answer may wait for results; IDaaS gives up after 10 s.",
	"receiver.max_body_bytes":                 "The largest request that is read, in bytes.",
	"receiver.limits":                         "What those who call can hold of memory, connections and time.",
	"receiver.limits.body_bytes":              "How much memory all bodies that are being read or verified take together, in bytes.",
	"receiver.limits.connections":             "How many connections are kept open; never more than half of the files that the process may open.",
	"receiver.limits.connections_per_address": "How many of them by one address (IPv6: one network of 64 bits); trusted_proxies are exempt.",
	"receiver.limits.streams_per_connection":  "How many requests one connection of HTTP/2 may carry at a time.",
	"receiver.limits.header_within":           "How long the head of a request may take to come.",
	"receiver.limits.body_within":             "How long its body may take after that.",
	"receiver.limits.idle_within":             "How long a connection is kept without a request.",
	"receiver.limits.requests_per_second":     "How many requests one address may send a second, on any path.",
	"receiver.limits.burst":                   "How many of them at once.",
	"applications":                            "The applications of IDaaS that call.",
	"applications[]":                          "One application of IDaaS.",
	"applications[].id":                       "The id of the application: the aud of its tokens.",
	"applications[].instance_id":              "The IDaaS instance; tokens of another one are refused.",
	"applications[].jwks_url":                 "Where the public keys are that tokens are verified with. Either this or jwks_file.",
	"applications[].jwks_file":                "A file with those keys. Either this or jwks_url.",
	"applications[].encryption_keys":          "The AES keys that events are encrypted with, the newest first; without them, IDaaS does not encrypt.",
	"applications[].encryption_keys[]":        "A key of 64 hexadecimal digits. Prefer encryption_key_files.",
	"applications[].encryption_key_files":     "Files with the AES keys that events are encrypted with, the newest first.",
	"applications[].encryption_key_files[]":   "A file with a key of 64 hexadecimal digits and nothing else.",
	"applications[].pull":                     "How IDaaS's own API is asked for what was missed; without it, it is not.",
	"applications[].pull.endpoint":            "The API of the region, such as https://eiam-developerapi.cn-hangzhou.aliyuncs.com.",
	"applications[].pull.client_id":           "Who asks; without it, the id of the application.",
	"applications[].pull.client_secret":       "The secret of who asks. Prefer client_secret_file.",
	"applications[].pull.client_secret_file":  "A file with the secret and nothing else; read again when it changes.",
	"applications[].pull.every":               "How often everything is read, give or take a twentieth.",
	"applications[].pull.at_start":            "Whether everything is read at the start: after_outage where the service did not run for longer than IDaaS repeats a callback.",
	"applications[].pull.requests_per_second": "How many requests are sent in a second at most.",
	"store":                                         "Where events and what became of them are kept.",
	"store.url":                                     "The database: sqlite:PATH, such as sqlite:data/idaas-ldap.db, made if absent; or postgres://USER@HOST/DATABASE.",
	"store.url_file":                                "A file with the URL of a PostgreSQL database instead, as a password may be in it.",
	"store.key_file":                                "The key that encrypts passwords, and what is known of people but for names and DNs, in the store; made if absent. Keep a copy of it.",
	"store.retention":                               "How long settled events are kept, and repeats of them told.",
	"directories":                                   "The directories that are kept in step.",
	"directories[]":                                 "One directory.",
	"directories[].name":                            "What it is called in events, metrics and the log.",
	"directories[].type":                            "What sort of server it is; auto asks it.",
	"directories[].urls":                            "Servers of the same directory, in the order in which they are tried.",
	"directories[].urls[]":                          "A server, such as ldaps://ldap1.example.org.",
	"directories[].start_tls":                       "Protect ldap:// connections by StartTLS.",
	"directories[].allow_cleartext":                 "Permit ldap:// without TLS to another machine. Passwords then cross the network in the clear.",
	"directories[].tls":                             "Whom to trust, and our own certificate.",
	"directories[].tls.ca_file":                     "The certificates to trust, in PEM; without it those of the system.",
	"directories[].tls.cert_file":                   "Our own certificate, in PEM.",
	"directories[].tls.key_file":                    "The key of our own certificate, in PEM.",
	"directories[].bind_dn":                         "Who binds.",
	"directories[].bind_password":                   "The password of who binds. Prefer bind_password_file.",
	"directories[].bind_password_file":              "A file with the password and nothing else.",
	"directories[].sasl":                            "In the place of bind_dn: external takes the identity from the client certificate or the ldapi:// socket.",
	"directories[].mapping":                         "The mapping file.",
	"directories[].applications":                    "The ids of the applications whose events are for this directory; without it, all.",
	"directories[].applications[]":                  "The id of an application.",
	"directories[].password_sync":                   "Write passwords; false drops them before anything is stored.",
	"directories[].connections":                     "How many connections are kept open at most, to all its servers together.",
	"directories[].timeout":                         "How long one operation of the server may take.",
	"admin":                                         "Health and metrics.",
	"admin.listen":                                  "The address and port; a token, and tls or trusted_proxies, are needed unless it is a loopback address.",
	"admin.tls":                                     "The certificate. Without it plain HTTP is spoken.",
	"admin.tls.cert_file":                           "The certificate with its chain, in PEM; read again when it changes.",
	"admin.tls.key_file":                            "The key of the certificate, in PEM; read again when it changes.",
	"admin.trusted_proxies":                         "The networks of the proxies that speak TLS in front of it, whose X-Forwarded-For, X-Forwarded-Proto and Forwarded are believed; nobody else but this machine may connect then.",
	"admin.trusted_proxies[]":                       "A network such as 10.0.0.0/8, or an address.",
	"admin.hosts":                                   "Names under which it is asked, beside localhost and its addresses; any other Host header is refused.",
	"admin.hosts[]":                                 "A name such as idaas-ldap.example.org, without a port.",
	"admin.token":                                   "What is asked for on everything but /livez, as a bearer token or a password. Prefer token_file.",
	"admin.token_file":                              "A file with the token and nothing else.",
	"audit":                                         "A log of all writes to directories, in which a line that was changed or removed is found.",
	"audit.file":                                    "The file that is written to; without it there is no such log.",
	"audit.values":                                  "Record old and new values as well, but for passwords.",
	"audit.max_bytes":                               "The size from which on another file is begun.",
	"audit.keep":                                    "How many full files are kept; 0 for all.",
	"audit.syslog":                                  "Where its lines are forwarded to; without an address nowhere.",
	"audit.syslog.address":                          "A syslog server: tcp+tls://HOST:6514, tcp://HOST:601, udp://HOST:514 or unix:///dev/log.",
	"audit.syslog.facility":                         "The facility of RFC 5424, as a number; 13 is that of audit logs.",
	"audit.syslog.tls":                              "Whom to trust, and our own certificate, for tcp+tls.",
	"audit.syslog.tls.ca_file":                      "The certificates to trust, in PEM; without it those of the system. Read again at each connection.",
	"audit.syslog.tls.cert_file":                    "Our own certificate, in PEM. Read again at each connection.",
	"audit.syslog.tls.key_file":                     "The key of our own certificate, in PEM. Read again at each connection.",
	"notifications":                                 "Who is told what waits for people; nobody without receivers.",
	"notifications.every":                           "How often at most the same thing is told.",
	"notifications.names":                           "Name the first few people whom it concerns.",
	"notifications.language":                        "The language in which people are told: en for English, zh for Chinese.",
	"notifications.down_after":                      "How long a directory has to be down before that is told.",
	"notifications.failed":                          "How many events of a directory may fail before that is told.",
	"notifications.failed.count":                    "The number of events.",
	"notifications.failed.within":                   "The time within which they fail.",
	"notifications.receivers":                       "Who is told.",
	"notifications.receivers[]":                     "One receiver: a webhook or mail.",
	"notifications.receivers[].name":                "What it is called in metrics and the log.",
	"notifications.receivers[].webhook":             "A URL that messages are posted to.",
	"notifications.receivers[].webhook.form":        "What the messages look like.",
	"notifications.receivers[].webhook.url":         "The URL, which is a secret. Prefer url_file.",
	"notifications.receivers[].webhook.url_file":    "A file with the URL and nothing else; read again when it changes.",
	"notifications.receivers[].webhook.secret":      "What messages are signed with. Prefer secret_file.",
	"notifications.receivers[].webhook.secret_file": "A file with that secret and nothing else; read again when it changes.",
	"notifications.receivers[].webhook.ca_file":     "The certificates to trust, in PEM; without it those of the system.",
	"notifications.receivers[].mail":                "A mail server, and whom it brings messages to.",
	"notifications.receivers[].mail.server":         "smtps://HOST:465, or smtp://HOST:587 with STARTTLS.",
	"notifications.receivers[].mail.username":       "Who logs in; without it nobody does.",
	"notifications.receivers[].mail.password":       "The password of who logs in. Prefer password_file.",
	"notifications.receivers[].mail.password_file":  "A file with the password and nothing else; read again when it changes.",
	"notifications.receivers[].mail.from":           "The address that mails come from.",
	"notifications.receivers[].mail.to":             "The addresses that they go to.",
	"notifications.receivers[].mail.to[]":           "An address such as ops@example.org.",
	"notifications.receivers[].mail.ca_file":        "The certificates to trust, in PEM; without it those of the system.",
	"log":                                           "What is logged and how.",
	"log.level":                                     "The least important messages that are logged.",
	"log.format":                                    "One line of text or of JSON for each message.",
}
