package app

import (
	"crypto/x509"
	"testing"
	"time"

	"idaas-ldap/store"
)

// What people are told is the same in Chinese, with the same numbers and names.
func TestNewsInChinese(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	ends := certificate{"receiver.tls.cert_file", "server.crt", &x509.Certificate{NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(10 * 24 * time.Hour)}}
	for got, want := range map[string]string{
		reasonsInChinese([]store.HeldSet{{Act: "delete", Count: 7}, {Code: "CONFLICT", Count: 2}}): "现有：因安全限额 delete 拦下 7 个；因 CONFLICT 拦下 2 个。",
		nearlyFullInChinese(300 << 20):                      "存储库的磁盘只剩 300 MiB。用完之后不再接收事件。",
		ends.troubleInChinese(now):                          "server.crt 中的证书于 2026-12-08 到期，还剩 10 天；请更换",
		ends.troubleInChinese(now.Add(20 * 24 * time.Hour)): "server.crt 中的证书现在无效：它从 2026-11-27 起到 2026-12-08 止有效",
	} {
		if got != want {
			t.Errorf("told %s, want %s", got, want)
		}
	}
}
