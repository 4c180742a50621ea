#!/usr/bin/env bash
# Runs `gate check`, `gate policy check` and `gate policy test` on a policy, annotates errors that have a place, and writes the job's summary.
# Exits with 1 if one of them says no. Not here: how `gate` comes to the runner (download.sh).
#
# A pull request's author writes all that `gate` reads and so part of what it prints: nothing of it is a command to the runner, or markup in the summary.
set -euo pipefail

# The inputs of the action.
: "${GATE:?}" "${POLICY:?}" "${POLICIES?}" "${DENY_WARNINGS:?}" "${GITHUB_STEP_SUMMARY:?}"

# Characters of one command's output in the summary, which GitHub cuts off at 1 MiB (up to four bytes each, five as markup).
readonly SHOWN_MAX=50000

# Columns would be styled where a variable of the runner asks for it.
export NO_COLOR=1

# The text of an annotation.
message() {
    local text=${1//'%'/'%25'}
    text=${text//$'\r'/'%0D'}
    printf '%s' "${text//$'\n'/'%0A'}"
}

# The value of a property of an annotation, which ends at a comma or a colon.
property() {
    local text
    text=$(message "$1")
    text=${text//:/'%3A'}
    printf '%s' "${text//,/'%2C'}"
}

# annotate error|warning FILE LINE COLUMN TEXT; file, line and column may be empty. Two of the commands may find the same mistake.
declare -A annotated
annotate() {
    local command="::$1 "
    [[ -z $2 ]] || command+="file=$(property "$2")"
    [[ -z $3 ]] || command+=",line=$3"
    [[ -z $4 ]] || command+=",col=$4"
    command="${command% }::$(message "$5")"
    [[ -n ${annotated[$command]:-} ]] || echo "$command"
    annotated[$command]=1
}

# Annotates why `gate` refused to go on, at the place that it names.
annotate_refusal() {
    local problem=${1#"$POLICY: "}
    if [[ $problem =~ ^policy\ line\ ([0-9]+),\ (.+)$ ]]; then
        annotate error "$POLICY" "${BASH_REMATCH[1]}" '' "${BASH_REMATCH[2]}"
    elif [[ $problem =~ ^policy\ \`([^\`]+)\`,\ line\ ([0-9]+),\ column\ ([0-9]+):\ (.+)$ ]]; then
        annotate error "${POLICIES%/}/${BASH_REMATCH[1]}.rego" "${BASH_REMATCH[2]}" "${BASH_REMATCH[3]}" "${BASH_REMATCH[4]}"
    else
        annotate error '' '' '' "$1"
    fi
}

# Reads the output of `gate`, and annotates each error and warning in it.
annotate_all() {
    local line file='' row='' test=''
    while IFS= read -r line; do
        if [[ -n $test ]]; then
            annotate error "$file" "$row" '' "$test: ${line#  }"
            test=''
        elif [[ $line == "gate: "* ]]; then
            annotate_refusal "${line#gate: }"
        elif [[ $line =~ ^([^:]+\.rego):([0-9]+):([0-9]+):\ (.+)$ ]]; then
            annotate error "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" "${BASH_REMATCH[3]}" "${BASH_REMATCH[4]}"
        elif [[ $line =~ ^([^:]+\.rego):([0-9]+):$ ]]; then
            file=${BASH_REMATCH[1]} row=${BASH_REMATCH[2]}
        elif [[ -n $file && $line =~ ^(data\.[^ ]+):\ (FAIL|ERROR)" " ]]; then
            # What is wrong with the test is on the next line.
            test="${BASH_REMATCH[1]}: ${BASH_REMATCH[2]}"
        elif [[ $line =~ ^(error|warning):\ ([^:]+\.rego):([0-9]+):([0-9]+):\ (.+)$ ]]; then
            annotate "${BASH_REMATCH[@]:1:5}"
        elif [[ $line =~ ^(error|warning):\ policy\ \`([^\`]+)\`,\ line\ ([0-9]+),\ column\ ([0-9]+):\ (.+)$ ]]; then
            annotate "${BASH_REMATCH[1]}" "${POLICIES%/}/${BASH_REMATCH[2]}.rego" "${BASH_REMATCH[@]:3:3}"
        elif [[ $line =~ ^(error|warning):\ (.+)$ ]]; then
            annotate "${BASH_REMATCH[1]}" "$POLICY" '' '' "${BASH_REMATCH[2]}"
        fi
    done
}

# The output as it is, in which the runner looks for no commands.
show() {
    local token
    token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    printf '::stop-commands::%s\n%s\n::%s::\n' "$token" "$1" "$token"
}

# summarize MARK COMMAND OUTPUT
summarize() {
    local text="${3:0:SHOWN_MAX}"
    text=${text//&/'&amp;'}
    text=${text//</'&lt;'}
    text=${text//>/'&gt;'}
    printf '%s `%s`\n\n<pre>%s</pre>\n\n' "$1" "$2" "$text" >> "$GITHUB_STEP_SUMMARY"
}

# run NAME ARGUMENT...: `gate` with these arguments; NAME is what people see of them.
run() {
    local name=$1 output mark='✅'
    shift
    if ! output=$("$GATE" "$@" 2>&1); then
        mark='❌'
        failed=$((failed + 1))
    fi
    echo "$name"
    show "$output"
    annotate_all <<< "$output"
    summarize "$mark" "$name" "$output"
}

case $DENY_WARNINGS in
    true) warnings=(--deny-warnings) ;;
    false) warnings=() ;;
    *)
        echo "::error::deny-warnings: got something else, expected true or false"
        exit 1
        ;;
esac
failed=0
echo "## Environment Gate: the policy" >> "$GITHUB_STEP_SUMMARY"
if [[ -z $POLICIES ]]; then
    run "gate check" check "${warnings[@]}" -- "$POLICY"
else
    run "gate policy check" policy check "${warnings[@]}" -- "$POLICIES"
    run "gate check" check "${warnings[@]}" --policies="$POLICIES" -- "$POLICY"
    run "gate policy test" policy test --policy="$POLICY" -- "$POLICIES"
fi
if ((failed > 0)); then
    echo "**$failed of these said no.** The lines above say where, what was found and what was expected." >> "$GITHUB_STEP_SUMMARY"
    exit 1
fi
