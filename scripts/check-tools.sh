#!/bin/sh
# Says in one line what this machine lacks to build Parley.
set -eu

missing() {
	echo "Parley needs $1; this machine has $2. $3" >&2
	exit 1
}

command -v go >/dev/null 2>&1 || missing "Go 1.26 or newer" "none" "Install it from https://go.dev/dl/."
version=$(go env GOVERSION 2>/dev/null | sed 's/^go//')
case $version in
[2-9].* | 1.2[6-9]* | 1.[3-9][0-9]*) ;;
*) missing "Go 1.26 or newer" "Go ${version:-of an older version}" "Install it from https://go.dev/dl/." ;;
esac

command -v node >/dev/null 2>&1 || missing "Node.js 20 or newer" "none" "Install it from https://nodejs.org/."
version=$(node --version | sed 's/^v//')
[ "${version%%.*}" -ge 20 ] || missing "Node.js 20 or newer" "Node.js $version" "Install it from https://nodejs.org/."

command -v npm >/dev/null 2>&1 || missing "npm" "none" "It comes with Node.js; on Debian install the package npm."
