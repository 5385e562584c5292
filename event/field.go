package event

// FieldType says which values a field has.
type FieldType int

// The types of fields.
const (
	TypeString FieldType = iota // string
	TypeBool                    // bool
	TypeMillis                  // int64: milliseconds since 1970, -1 for never
	TypeUnits                   // []any of map[string]any{"id": string, "name": string, "primary": bool}
	TypeList                    // []any of string
)

// Field describes one field of an object.
type Field struct {
	// Name is the canonical name: the one that mapping files use after "user.", "ou." or "group.".
	Name string
	// Wire are the names that the field has in events, the preferred one first.
	Wire []string
	// Type says which values the field has.
	Type FieldType
	// Doc says what the field means, for the documentation and for editors.
	Doc string
}

// Fields returns the fields of a kind of object in a fixed order. Custom fields and fields that are not known come on
// top of them, as "custom.NAME" and "raw.NAME".
func Fields(kind Kind) []Field {
	switch kind {
	case KindUser:
		return userFields
	case KindUnit:
		return unitFields
	case KindGroup:
		return groupFields
	default:
		return nil
	}
}

// The canonical names that the product itself reads; mapping files read any.
const (
	FieldID                = "id"
	FieldUsername          = "username"
	FieldName              = "name"
	FieldParentID          = "parentId"
	FieldPrimaryUnit       = "primaryOuId"
	FieldUnits             = "ous"
	FieldStatus            = "status"
	FieldLockExpireTime    = "lockExpireTime"
	FieldAccountExpireTime = "accountExpireTime"
	FieldUpdateTime        = "updateTime"
	FieldPasswordSet       = "passwordSet"
)

// Values of the status field.
const (
	StatusEnabled  = "enabled"
	StatusDisabled = "disabled"
)

var userFields = []Field{
	{FieldID, []string{"userId"}, TypeString, "permanent id of the account in IDaaS; it never changes"},
	{FieldUsername, []string{"username", "userName"}, TypeString, "login name; it may change"},
	{"displayName", []string{"displayName"}, TypeString, "shown name, in any script"},
	{"externalId", []string{"userExternalId", "externalId"}, TypeString, "id in the system that the account comes from; the account's own id if it was made in IDaaS"},
	{"sourceType", []string{"userSourceType", "sourceType"}, TypeString, "where the account comes from: build_in, ding_talk, ad, ldap, we_com and others"},
	{"sourceId", []string{"userSourceId", "sourceId"}, TypeString, "id of the instance or tenant that the account comes from"},
	{"email", []string{"email"}, TypeString, "mail address"},
	{"emailVerified", []string{"emailVerified"}, TypeBool, "the mail address was verified"},
	{"phoneRegion", []string{"phoneRegion"}, TypeString, "country calling code without + or 00, such as 86"},
	{"phoneNumber", []string{"phoneNumber"}, TypeString, "phone number without the country code"},
	{"phoneVerified", []string{"phoneVerified", "phoneNumberVerified"}, TypeBool, "the phone number was verified"},
	{FieldStatus, []string{"status"}, TypeString, "enabled or disabled"},
	{FieldAccountExpireTime, []string{"accountExpireTime"}, TypeMillis, "when the account expires, in milliseconds since 1970; -1 for never"},
	{FieldLockExpireTime, []string{"lockExpireTime"}, TypeMillis, "when the lock of the account ends, in milliseconds since 1970; -1 if it is not locked"},
	{"registerTime", []string{"registerTime"}, TypeMillis, "when the account was registered, in milliseconds since 1970"},
	{"createTime", []string{"createTime"}, TypeMillis, "when the account was made, in milliseconds since 1970"},
	{FieldUpdateTime, []string{"updateTime", "lastUpdatedTime"}, TypeMillis, "when the account was last changed, in milliseconds since 1970"},
	{"description", []string{"description"}, TypeString, "free text"},
	{FieldPasswordSet, []string{"passwordSet"}, TypeBool, "the account has a password in IDaaS"},
	{FieldPrimaryUnit, []string{"primaryOrganizationalUnitId"}, TypeString, "id of the primary unit"},
	{FieldUnits, []string{"organizationalUnits", "userOrganizationalUnits"}, TypeUnits, "all units of the account, each with id, name and primary"},
	{"groups", []string{"groups"}, TypeList, "ids of the groups of the account, where an event carries them"},
}

var unitFields = []Field{
	{FieldID, []string{"organizationalUnitId"}, TypeString, "permanent id of the unit in IDaaS; it never changes"},
	{FieldName, []string{"organizationalUnitName", "name"}, TypeString, "name of the unit; it may change"},
	{FieldParentID, []string{"parentId"}, TypeString, "id of the unit above; ou_root for a top-level unit"},
	{"externalId", []string{"organizationalUnitExternalId", "externalId"}, TypeString, "id in the system that the unit comes from"},
	{"sourceType", []string{"organizationalUnitSourceType", "sourceType"}, TypeString, "where the unit comes from"},
	{"sourceId", []string{"organizationalUnitSourceId", "sourceId"}, TypeString, "id of the instance or tenant that the unit comes from"},
	{"createTime", []string{"createTime"}, TypeMillis, "when the unit was made, in milliseconds since 1970"},
	{FieldUpdateTime, []string{"updateTime", "lastUpdatedTime"}, TypeMillis, "when the unit was last changed, in milliseconds since 1970"},
	{"description", []string{"description"}, TypeString, "free text"},
}

var groupFields = []Field{
	{FieldID, []string{"groupId"}, TypeString, "permanent id of the group in IDaaS; it never changes"},
	{FieldName, []string{"groupName", "name"}, TypeString, "name of the group; it may change"},
	{"externalId", []string{"groupExternalId", "externalId"}, TypeString, "id in the system that the group comes from"},
	{"sourceType", []string{"groupSourceType", "sourceType"}, TypeString, "where the group comes from"},
	{"sourceId", []string{"groupSourceId", "sourceId"}, TypeString, "id of the instance or tenant that the group comes from"},
	{"createTime", []string{"createTime"}, TypeMillis, "when the group was made, in milliseconds since 1970"},
	{FieldUpdateTime, []string{"updateTime", "lastUpdatedTime"}, TypeMillis, "when the group was last changed, in milliseconds since 1970"},
	{"description", []string{"description"}, TypeString, "free text"},
}
