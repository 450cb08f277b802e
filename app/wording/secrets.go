package wording

import "fmt"

// SecretStored says where a secret was stored: in the keyring, or in the file at path because of why.
func SecretStored(path string, why error) string {
	if why == nil {
		return "Stored in the keyring of this computer."
	}
	return fmt.Sprintf("Stored in %s, which only you can read: %s.", path, OneLine(why.Error()))
}
