package store

// OthersMayRead reports whether others than a user may read a file.
var OthersMayRead = othersMayRead
