package local

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// Credential is the user that a child runs as instead of root.
type Credential struct {
	uid, gid uint32
	name     string
}

// unprivileged chooses the user for Postgres, which refuses to be run by root: the owner of the data if there are
// some, else the user postgres if this machine has one, else nobody. It is nil for an ordinary user.
func unprivileged(data string) (*Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	if info, err := os.Stat(data); err == nil {
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Uid != 0 {
			return &Credential{uid: stat.Uid, gid: stat.Gid, name: userName(stat.Uid)}, nil
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		account, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(account.Uid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("look up user %s: %w", name, err)
		}
		gid, err := strconv.ParseUint(account.Gid, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("look up user %s: %w", name, err)
		}
		return &Credential{uid: uint32(uid), gid: uint32(gid), name: name}, nil
	}
	return nil, fmt.Errorf("as root Parley runs Postgres, which refuses root, as another user, and there is neither a user postgres nor a user nobody: create one, or set DATABASE_URL")
}

func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if account, err := user.LookupId(id); err == nil {
		return account.Username
	}
	return "with id " + id
}

// own gives a file or directory to the user.
func (c *Credential) own(path string) error {
	if c == nil {
		return nil
	}
	return os.Chown(path, int(c.uid), int(c.gid))
}

// checkReach makes sure that the user can get to a path. The data directory itself is opened when it is closed: it is
// ours; what lies above is not.
func (c *Credential) checkReach(path, dataDir, advice string) error {
	if c == nil {
		return nil
	}
	for dir := path; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if err != nil {
			return fmt.Errorf("look at %s: %w", dir, err)
		}
		if info.IsDir() && !c.canPass(info) {
			if dir != dataDir {
				return fmt.Errorf("%s is closed to the user %s, which Postgres runs as because it refuses root: %s", dir, c.name, advice)
			}
			if err := os.Chmod(dir, info.Mode().Perm()|0o011); err != nil {
				return fmt.Errorf("open the data directory to user %s: %w", c.name, err)
			}
		}
		if dir == filepath.Dir(dir) {
			return nil
		}
	}
}

func (c *Credential) canPass(info os.FileInfo) bool {
	mode := info.Mode().Perm()
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return mode&0o001 != 0
	}
	switch {
	case stat.Uid == c.uid:
		return mode&0o100 != 0
	case stat.Gid == c.gid:
		return mode&0o010 != 0
	}
	return mode&0o001 != 0
}
