#!/bin/bash
# test_meanwhile.sh on a filesystem that knows whole seconds only.
BACKING=ext4-seconds exec "$(dirname "$0")/test_meanwhile.sh" "$@"
