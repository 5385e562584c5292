package mapping

import (
	"slices"
	"strings"
)

// longestLogin is how long a login name may be for the tools that show and store it (useradd(8), utmp(5)).
const longestLogin = 32

// systemLogins are the accounts that every system has (Linux Standard Base 5, section 21.2): who gets the name of one may be taken
// for it.
var systemLogins = []string{"root", "bin", "daemon", "nobody"}

// loginName passes a name that can be that of a login on UNIX, and refuses any other: it becomes part of paths, and of the lines of
// passwd(5) and group(5).
func loginName(_ *meter, args []any) (any, error) {
	name, err := textArgument(args[0])
	if err != nil || name == "" {
		return nil, err
	}
	why := ""
	switch {
	case len(name) > longestLogin:
		why = "it has more than 32 characters"
	case strings.ContainsFunc(name, func(c rune) bool { return !isLoginLetter(c) && !strings.ContainsRune(".-@", c) }):
		why = "only letters and digits of ASCII, dots, dashes, underscores and @ may stand in it"
	case !isLoginLetter(rune(name[0])):
		why = "it begins with neither a letter, nor a digit, nor an underscore"
	case strings.Trim(name, "0123456789") == "":
		why = "a name of digits alone is taken for a number"
	case slices.Contains(systemLogins, strings.ToLower(name)):
		why = "every system has an account of that name"
	}
	if why != "" {
		return nil, wrongValue("%.40q is no login name: %s", name, why)
	}
	return name, nil
}

func isLoginLetter(c rune) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}
