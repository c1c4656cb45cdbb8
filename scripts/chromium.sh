#!/bin/sh
# Prints the path of a Chromium for the browser tests: the one in PARLEY_CHROMIUM, one that is installed, else it
# installs one: Debian's package as root, Playwright's own build otherwise.
set -eu
cd "$(dirname "$0")/../web/e2e"

find_installed() {
	for name in chromium chromium-browser google-chrome google-chrome-stable; do
		if command -v "$name"; then
			return 0
		fi
	done
	for app in "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" \
		"/Applications/Chromium.app/Contents/MacOS/Chromium"; do
		if [ -x "$app" ]; then
			echo "$app"
			return 0
		fi
	done
	return 1
}

if [ -n "${PARLEY_CHROMIUM:-}" ]; then
	[ -x "$PARLEY_CHROMIUM" ] || { echo "PARLEY_CHROMIUM is $PARLEY_CHROMIUM, which is not an executable" >&2; exit 1; }
	echo "$PARLEY_CHROMIUM"
	exit 0
fi
find_installed && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	echo "Installing Chromium for the browser tests (Debian package)…" >&2
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq >&2
	apt-get install -y -qq --no-install-recommends chromium fonts-liberation >&2
	find_installed && exit 0
fi

own=$(node -e 'console.log(require("@playwright/test").chromium.executablePath())')
if [ ! -x "$own" ]; then
	echo "Installing Chromium for the browser tests (Playwright's build)…" >&2
	npx playwright install chromium >&2
fi
echo "$own"
