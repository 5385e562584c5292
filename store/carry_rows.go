package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// How many rows are handed over together, and how many bytes may be in them before that.
const (
	carriedRows  = 1000
	carriedBytes = 4 << 20
)

// copyAll puts the rows of one store in the place of those of another.
func (c Carrying) copyAll(ctx context.Context, source, target *session) error {
	var done, of int64
	for _, table := range carriedTables {
		var n int64
		if _, err := source.row("SELECT COUNT(*) FROM "+table.name+table.where, nil, &n); err != nil {
			return err
		}
		of += n
	}
	for _, table := range slices.Backward(carriedTables) {
		if table.name == "version" {
			continue // its row keeps others from writing
		}
		if _, err := target.exec("DELETE FROM " + table.name + table.where); err != nil {
			return err
		}
	}
	for _, table := range carriedTables {
		if err := table.carry(ctx, source, target, func(rows int) {
			if done += int64(rows); c.Told != nil {
				c.Told(done, of)
			}
		}); err != nil {
			return fmt.Errorf("the table %s: %w", table.name, err)
		}
	}
	return nil
}

// carry copies the rows of one table.
func (t carriedTable) carry(ctx context.Context, source, target *session, told func(rows int)) error {
	var rows [][]any
	bytes := 0
	hand := func(columns []string) error {
		if len(rows) == 0 {
			return nil
		}
		if err := t.fill(ctx, target, columns, rows); err != nil {
			return err
		}
		told(len(rows))
		rows, bytes = rows[:0], 0
		return nil
	}
	columns, err := t.read(ctx, source, func(columns []string, row []any) error {
		rows = append(rows, row)
		if bytes += sizeOf(row); len(rows) < carriedRows && bytes < carriedBytes {
			return nil
		}
		return hand(columns)
	})
	if err == nil {
		err = hand(columns)
	}
	if err != nil || t.numbered == "" {
		return err
	}
	last, err := source.lastNumber(source, t.name, t.numbered)
	if err != nil || last == 0 {
		return err
	}
	return target.numberFrom(target, t.name, t.numbered, last)
}

// fill adds rows to a table.
func (t carriedTable) fill(ctx context.Context, target *session, columns []string, rows [][]any) error {
	if t.name == "version" {
		_, err := target.exec("UPDATE version SET value = ?", rows[0]...)
		return err
	}
	if target.copyRows != nil {
		return target.copyRows(ctx, target.conn, t.name, columns, rows)
	}
	insert := "INSERT INTO " + t.name + " (" + strings.Join(columns, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(columns)-1) + ")"
	for _, row := range rows {
		if _, err := target.exec(insert, row...); err != nil {
			return err
		}
	}
	return nil
}

// read calls take for each row of a table, and returns the names of its columns.
func (t carriedTable) read(ctx context.Context, s *session, take func(columns []string, row []any) error) ([]string, error) {
	rows, err := s.conn.QueryContext(ctx, "SELECT * FROM "+t.name+t.where)
	if err != nil {
		return nil, failure(err)
	}
	defer rows.Close()
	types, err := rows.ColumnTypes()
	if err != nil {
		return nil, failure(err)
	}
	columns := make([]string, len(types))
	for i, column := range types {
		columns[i] = column.Name()
	}
	for rows.Next() {
		row, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, failure(err)
		}
		for i, value := range row {
			row[i] = s.plain(types[i].DatabaseTypeName(), value)
		}
		if err := take(columns, row); err != nil {
			return nil, err
		}
	}
	return columns, failure(rows.Err())
}

// plain returns a value as it was stored. SQLite has numbers for true and false. Its driver gives no slice for bytes of which there are none, and would store none as no value.
func (s *session) plain(kind string, value any) any {
	switch v := value.(type) {
	case []byte:
		if len(v) == 0 {
			return []byte{}
		}
	case string:
		if s.found != nil {
			s.found([]any{&v})
		}
		return v
	case int64:
		if kind == "BOOLEAN" {
			return v != 0
		}
	}
	return value
}

func sizeOf(row []any) int {
	size := 0
	for _, value := range row {
		switch v := value.(type) {
		case string:
			size += len(v)
		case []byte:
			size += len(v)
		}
	}
	return size
}

// digestAll counts the rows of each table and makes a digest of them.
func digestAll(ctx context.Context, s *session) ([]Carried, error) {
	tables := make([]Carried, len(carriedTables))
	for i, table := range carriedTables {
		var sum [sha256.Size / 8]uint64
		rows := int64(0)
		if _, err := table.read(ctx, s, func(_ []string, row []any) error {
			digest := sha256.Sum256(encoded(row))
			for i := range sum {
				sum[i] += binary.BigEndian.Uint64(digest[8*i:]) // so that the order does not matter
			}
			rows++
			return nil
		}); err != nil {
			return nil, fmt.Errorf("the table %s: %w", table.name, err)
		}
		tables[i] = Carried{Table: table.name, Rows: rows, Digest: fmt.Sprintf("%016x%016x%016x%016x", sum[0], sum[1], sum[2], sum[3])}
	}
	return tables, nil
}

// encoded writes the values of a row so that no two rows look alike.
func encoded(row []any) []byte {
	var out []byte
	for _, value := range row {
		switch v := value.(type) {
		case nil:
			out = append(out, 'n')
		case bool:
			out = fmt.Appendf(out, "b%t", v)
		case int64:
			out = fmt.Appendf(out, "i%d", v)
		case string:
			out = append(fmt.Appendf(out, "s%d:", len(v)), v...)
		case []byte:
			out = append(fmt.Appendf(out, "x%d:", len(v)), v...)
		default:
			out = fmt.Appendf(out, "%T%v", v, v)
		}
	}
	return out
}
