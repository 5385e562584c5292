package workbench

// ReplaceOpened replaces a file as it was opened.
func (f File) ReplaceOpened(source string) error { return f.replace(source) }
