// Package record has the record of the orders that programs send through the guarded port: what is known of each
// [Order], as the port and Gateway's [News] tell it to a [Table], and the [Journal] that keeps it on disk.
package record
