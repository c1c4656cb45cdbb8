package store

import "io/fs"

// Migrations are the files that Migrate applies, for tests that take them back.
func Migrations() (fs.FS, error) { return fs.Sub(migrations, "migrations") }
