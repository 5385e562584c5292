package console

import (
	"context"

	"github.com/gin-gonic/gin"

	"idaas-ldap/store"
)

// audit returns what people did, the newest first.
func (c *Console) audit(ctx context.Context) ([]store.AuditRecord, error) {
	records, err := c.Store.Audit(ctx, maxAudit)
	return append([]store.AuditRecord{}, records...), err
}

func (c *Console) auditPage(ctx *gin.Context) {
	records, err := c.audit(ctx.Request.Context())
	c.show(ctx, "audit", records, err)
}

func (c *Console) auditAPI(ctx *gin.Context) {
	records, err := c.audit(ctx.Request.Context())
	c.answer(ctx, gin.H{"audit": records}, err)
}
