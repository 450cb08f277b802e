package ledger

import "syscall"

// fdatasync writes the data of a file to disk, without the times of the file.
var fdatasync = syscall.Fdatasync
