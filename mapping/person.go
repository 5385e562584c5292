package mapping

import "strings"

// e164 writes a phone number in international form (ITU-T E.164): +, the country code and the number, 15 digits at most.
func e164(_ *meter, args []any) (any, error) {
	region, err := textArgument(args[0])
	if err != nil {
		return nil, err
	}
	number, err := textArgument(args[1])
	if err != nil {
		return nil, err
	}
	const shortest, longest = 7, 15
	number = strings.TrimSpace(number)
	code := strings.TrimLeft(digits(region), "0")
	local := digits(number)
	switch {
	case strings.HasPrefix(number, "+"):
		code = ""
	case strings.HasPrefix(number, "00"):
		code, local = "", local[2:]
	case code == "" || local == "":
		return nil, nil
	case code != "39": // In Italy the 0 is part of the number; elsewhere it is only dialled inside the country.
		local = strings.TrimPrefix(local, "0")
	}
	if all := code + local; len(all) >= shortest && len(all) <= longest {
		return "+" + all, nil
	}
	return nil, nil
}

func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, normalize(s))
}

// samAccountName follows MS-ADTS section 3.1.1.8.1.6 and the characters that the user tools of Windows refuse.
func samAccountName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r == 0x7f || strings.ContainsRune(`"/\[]:;|=,+*?<>@`, r) {
			return -1
		}
		return r
	}, ascii(s))
	const longest = 20
	return strings.TrimRight(s[:min(len(s), longest)], ".")
}
