package idaastest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"idaas-ldap/event"
)

// read answers an operation.
func (a *API) read(operation, id string, r *http.Request) (any, *failure) {
	id, err := url.PathUnescape(id)
	if err != nil {
		return nil, &failure{http.StatusBadRequest, "InvalidParameter.Id", "the id is not encoded"}
	}
	a.Live.mu.Lock()
	defer a.Live.mu.Unlock()
	query := r.URL.Query()
	switch operation {
	case "scope":
		return map[string]any{"organizationalUnitIds": a.ScopeUnits, "groupIds": a.ScopeGroups}, nil
	case "units":
		parent := query.Get("parentId")
		switch {
		case parent == "":
			return nil, &failure{http.StatusBadRequest, "MissingParameter.ParentId", "parentId is missing"}
		case !a.sees(parent):
			return nil, outside()
		}
		return a.numbered(query, a.Live.below[parent], a.unit), nil
	case "users":
		unit := query.Get("organizationalUnitId")
		if !a.sees(unit) {
			return nil, outside()
		}
		return a.numbered(query, a.Live.inUnit[unit], a.user), nil
	case "groups":
		return a.byToken(query, slices.DeleteFunc(slices.Clone(a.Live.groups.order), func(id string) bool { return !a.seesGroup(id) }), a.group), nil
	case "members":
		if _, known := a.Live.groups.by[id]; !known || !a.seesGroup(id) {
			return nil, &failure{http.StatusNotFound, "ResourceNotFound.Group", "no such group"}
		}
		return a.byToken(query, a.Live.belong[id], func(user string) map[string]any {
			return map[string]any{"instanceId": a.Tenant.Instance, "userId": user}
		}), nil
	}
	return a.one(operation, id)
}

func outside() *failure {
	return &failure{http.StatusBadRequest, "OrganizationUnitIdNotInScopes", "the unit is not in the scope of the application"}
}

// one answers to a request for one object.
func (a *API) one(operation, id string) (any, *failure) {
	switch operation {
	case "unit":
		_, known := a.Live.units.by[id]
		switch {
		case (known || id == event.RootUnitID) && a.sees(id):
			return a.unit(id), nil
		case !known && a.UnitGone == http.StatusNotFound:
			return nil, &failure{http.StatusNotFound, "ResourceNotFound.OrganizationalUnit", "no such unit"}
		}
		return nil, outside()
	case "user":
		user, known := a.Live.users.by[id]
		switch {
		case !known, !a.sees(unitOf(user)) && a.Outside == http.StatusNotFound:
			return nil, &failure{http.StatusNotFound, "ResourceNotFound.User", "no such account"}
		case !a.sees(unitOf(user)) && a.Outside == http.StatusBadRequest:
			return nil, outside()
		}
		return a.wholeUser(id), nil
	}
	switch _, known := a.Live.groups.by[id]; {
	case !known, !a.seesGroup(id) && a.Outside == http.StatusNotFound:
		return nil, &failure{http.StatusNotFound, "ResourceNotFound.Group", "no such group"}
	case !a.seesGroup(id) && a.Outside == http.StatusBadRequest:
		return nil, outside()
	}
	return a.group(id), nil
}

// sees reports whether a unit, or one above it, is in the scope.
func (a *API) sees(unit string) bool {
	for {
		if slices.Contains(a.ScopeUnits, unit) {
			return true
		}
		u, known := a.Live.units.by[unit]
		if !known {
			return false
		}
		unit = parentOf(u)
	}
}

// seesGroup reports whether a group is in the scope: with the root, all are.
func (a *API) seesGroup(id string) bool {
	return slices.Contains(a.ScopeGroups, id) || slices.Contains(a.ScopeUnits, event.RootUnitID)
}

// size is how much a page holds.
func (a *API) size(asked string) int {
	n, err := strconv.Atoi(asked)
	if err != nil || n < 1 {
		n = 20
	}
	most := 100
	if a.PageSize > 0 {
		most = a.PageSize
	}
	return min(n, most)
}

// numbered is a page of a list by its number.
func (a *API) numbered(query url.Values, ids []string, show func(string) map[string]any) any {
	number, err := strconv.Atoi(query.Get("pageNumber"))
	if err != nil {
		number = 1
	}
	size := a.size(query.Get("pageSize"))
	return a.page(ids, (number-1)*size, size, show)
}

// byToken is a page of a list by the token of the one before.
func (a *API) byToken(query url.Values, ids []string, show func(string) map[string]any) any {
	from, _ := strconv.Atoi(query.Get("nextToken")) // without one it begins at the start
	size := a.size(query.Get("maxResults"))
	out := a.page(ids, from, size, show)
	out["maxResults"] = size
	if from+size < len(ids) {
		out["nextToken"] = strconv.Itoa(from + size)
	}
	return out
}

func (a *API) page(ids []string, from, size int, show func(string) map[string]any) map[string]any {
	data := []map[string]any{}
	for i := max(0, from); i < min(from+size, len(ids)); i++ {
		data = append(data, show(ids[i]))
	}
	return map[string]any{"totalCount": a.count(int64(len(ids))), "data": data}
}

// count is a number in the form that is set.
func (a *API) count(n int64) any {
	if a.Texts {
		return strconv.FormatInt(n, 10)
	}
	return n
}

func (a *API) moment(t time.Time) any { return a.count(t.UnixMilli()) }

func (a *API) unit(id string) map[string]any {
	if id == event.RootUnitID {
		return map[string]any{"instanceId": a.Tenant.Instance, "organizationalUnitId": id, "organizationalUnitName": "Root"}
	}
	u := a.Live.units.by[id]
	return a.spare(map[string]any{
		"instanceId": a.Tenant.Instance, "organizationalUnitId": id, "organizationalUnitName": u.Name, "parentId": parentOf(u), "description": u.Description,
		"organizationalUnitExternalId": id, "organizationalUnitSourceType": "build_in", "organizationalUnitSourceId": a.Tenant.Instance,
		"createTime": a.moment(a.Live.units.made[id]), "updateTime": a.moment(a.Live.units.at[id]),
	})
}

func (a *API) group(id string) map[string]any {
	g := a.Live.groups.by[id]
	return a.spare(map[string]any{
		"instanceId": a.Tenant.Instance, "groupId": id, "groupName": g.Name, "description": g.Description,
		"groupExternalId": id, "groupSourceType": "build_in", "groupSourceId": a.Tenant.Instance,
		"createTime": a.moment(a.Live.groups.made[id]), "updateTime": a.moment(a.Live.groups.at[id]),
	})
}

// user is an account as lists show it.
func (a *API) user(id string) map[string]any {
	u := a.Live.users.by[id]
	status := u.Status
	if status == "" {
		status = event.StatusEnabled
	}
	orNever := func(ms int64) any {
		if ms == 0 {
			ms = int64(event.Never)
		}
		return a.count(ms)
	}
	made := a.moment(a.Live.users.made[id])
	return a.spare(map[string]any{
		"instanceId": a.Tenant.Instance, "userId": id, "username": u.Username, "displayName": u.DisplayName, "passwordSet": true,
		"phoneRegion": u.PhoneRegion, "phoneNumber": u.PhoneNumber, "phoneNumberVerified": u.PhoneVerified, "email": u.Email, "emailVerified": u.Email != "",
		"userExternalId": id, "userSourceType": "build_in", "userSourceId": a.Tenant.Instance, "status": status,
		"accountExpireTime": orNever(u.AccountExpireTime), "lockExpireTime": orNever(u.LockExpireTime), "description": u.Description,
		"registerTime": made, "createTime": made, "updateTime": a.moment(a.Live.users.at[id]),
	})
}

// wholeUser is an account as it is shown alone.
func (a *API) wholeUser(id string) map[string]any {
	u, out := a.Live.users.by[id], a.user(id)
	unit := unitOf(u)
	out["primaryOrganizationalUnitId"] = unit
	out["organizationalUnits"] = []map[string]any{{"organizationalUnitId": unit, "primary": true}}
	groups := []map[string]any{}
	for _, group := range a.Live.groups.order {
		if slices.Contains(a.Live.belong[group], id) {
			groups = append(groups, map[string]any{"groupId": group, "groupName": a.Live.groups.by[group].Name})
		}
	}
	out["groups"] = groups
	custom := []map[string]any{}
	for name, value := range u.Custom {
		custom = append(custom, map[string]any{"fieldName": name, "fieldValue": value})
	}
	out["customFields"] = custom
	return out
}

// Null is the value of Empty for fields that are there and null.
type Null struct{}

// MarshalJSON writes null.
func (Null) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

// spare writes empty fields in the form that is set.
func (a *API) spare(fields map[string]any) map[string]any {
	for name, value := range fields {
		if value != "" {
			continue
		}
		if a.Empty == nil {
			delete(fields, name)
			continue
		}
		fields[name] = a.Empty
	}
	return fields
}
