#!/bin/sh
# What the conformance kit calls, for s3cred: `s3cred.sh BINARY provide|cleanup`, with a CSI request
# on standard input.
set -eu
binary=$1
case $2 in
provide)
    exec "$binary" provide --request - --consumer sdk \
        --write-path "$KIT_WRITE_PATH" --state-path "$KIT_STATE_PATH"
    ;;
cleanup)
    exec "$binary" cleanup --request - --write-path "$KIT_WRITE_PATH" --state-path "$KIT_STATE_PATH"
    ;;
*)
    echo "usage: s3cred.sh BINARY provide|cleanup" >&2
    exit 2
    ;;
esac
