#!/usr/bin/env bash
# Plays one story against the real function: its GitHub, `cargo lambda watch` with the function, and a delivery. Shows what was called and
# answered, and ends with the delivery's own success.
set -euo pipefail
story=$1 port=$2
folder=target/local
gate=${GATE:-target/debug/gate}

# What was left by another world would be taken for this one's.
mkdir -p "$folder"
rm -f "$folder/variables.env"
"$gate" github "$story" --folder "$folder" --listen 127.0.0.1:0 >"$folder/calls.txt" &
github=$!
trap 'kill $github ${watch:-} 2>/dev/null || true; wait' EXIT
until [ -s "$folder/variables.env" ]; do
    kill -0 "$github"
    sleep 0.1
done

# For both programs: of cargo lambda what is wrong, of the function its decisions. The runtime warns of a variable that cargo lambda always sets.
RUST_LOG=warn,environment_gate=info,lambda_runtime=error cargo lambda watch --quiet --ignore-changes --env-file "$folder/variables.env" \
    --invoke-address 127.0.0.1 --invoke-port "$port" &
watch=$!
# A request would be one for a function: there is none at `/`, and that is an error.
until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
    kill -0 "$watch"
    sleep 0.1
done

status=0
"$gate" deliver "$story" --folder "$folder" --url "http://127.0.0.1:$port/github/webhook" || status=$?
# Calls are written a moment after they are made, in their order: once this one is there, so are all before it.
github_port=$(sed -n 's/^GITHUB_API_URL=.*://p' "$folder/variables.env")
exec 3<>"/dev/tcp/127.0.0.1/$github_port"
printf 'GET /the-last-call HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n' >&3
until grep -q the-last-call "$folder/calls.txt"; do
    kill -0 "$github"
    sleep 0.1
done
grep -v the-last-call "$folder/calls.txt"
exit "$status"
