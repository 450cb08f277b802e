package main

// ownFolder returns none: on Windows nobody can delete a file that is locked.
func ownFolder(string) string { return "" }
