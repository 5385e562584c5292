package store

import (
	"context"
	"fmt"
)

// RecordAudit stores what a person did.
func (s *database) RecordAudit(ctx context.Context, record AuditRecord) error {
	return s.write(ctx, func(t *tx) error { return t.audit(record) })
}

func (t *tx) audit(r AuditRecord) error {
	_, err := t.exec("INSERT INTO audit (at, who, what, about) VALUES (?, ?, ?, ?)", int64(r.At), r.Who, r.What, r.About)
	return err
}

// Audit lists what people did.
func (s *database) Audit(ctx context.Context, limit int) ([]AuditRecord, error) {
	var records []AuditRecord
	err := s.readers.view(ctx, func(session *session) error {
		return session.rows("SELECT at, who, what, about FROM audit ORDER BY id DESC LIMIT ?", []any{limited(limit)}, func(rows scanner) error {
			var r AuditRecord
			err := rows.Scan(&r.At, &r.Who, &r.What, &r.About)
			records = append(records, r)
			return failure(err)
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list what people did: %w", err)
	}
	return records, nil
}
