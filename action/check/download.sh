#!/usr/bin/env bash
# Downloads `gate` from a release and verifies its SHA-256 before anything of it runs. The path goes to the step's output `gate`.
set -euo pipefail

# The inputs of the action, and the runner's own variables.
: "${VERSION?}" "${SHA256?}" "${REPOSITORY:?}" "${GITHUB_SERVER_URL:?}" "${RUNNER_OS:?}" "${RUNNER_ARCH:?}" "${RUNNER_TEMP:?}" "${GITHUB_OUTPUT:?}"

# Bytes of a release's zip; ours have less than ten million.
readonly ZIP_BYTES_MAX=100000000
# How long a download may take, in seconds, and how often it is tried again.
readonly SECONDS_MAX=120 RETRIES=4

stop() {
    echo "::error::$1"
    exit 1
}

[[ $VERSION =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || stop "version: got something else, expected a release such as 1.2.3, or the path of gate as the input gate"
[[ $SHA256 =~ ^[0-9a-f]{64}$ ]] || stop "sha256: got something else, expected the 64 hexadecimal digits of the release's checksums"
case $RUNNER_OS-$RUNNER_ARCH in
    Linux-X64) name=gate-$VERSION-x86_64.zip ;;
    Linux-ARM64) name=gate-$VERSION-arm64.zip ;;
    *) stop "got a runner of $RUNNER_OS and $RUNNER_ARCH, expected Linux on X64 or ARM64: a release has gate for those. Build it, and pass its path as the input gate" ;;
esac

folder=$(mktemp -d "$RUNNER_TEMP/gate.XXXXXX")
url="$GITHUB_SERVER_URL/$REPOSITORY/releases/download/v$VERSION/$name"
curl --fail --silent --show-error --location --retry "$RETRIES" --max-time "$SECONDS_MAX" --max-filesize "$ZIP_BYTES_MAX" --output "$folder/$name" "$url" ||
    stop "$name of release $VERSION could not be downloaded: if the repository is private, download it yourself, and pass the path of gate as the input gate"
got=$(sha256sum "$folder/$name")
[[ ${got%% *} == "$SHA256" ]] || stop "$name of release $VERSION: got the SHA-256 ${got%% *}, expected $SHA256"
unzip -q "$folder/$name" gate -d "$folder"
chmod +x "$folder/gate"
echo "gate=$folder/gate" >> "$GITHUB_OUTPUT"
