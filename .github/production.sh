#!/usr/bin/env bash
# Say which version is in production: REGISTRY=LOCATION .github/production.sh prints its name, or nothing.
set -euo pipefail

# A registry in a bucket that was never written to is empty; a directory that does not exist is an error.
if [[ $REGISTRY == *://* || -d $REGISTRY ]]; then
  .venv/bin/lab-lens registry list --json --registry "$REGISTRY" | jq -r '.production // ""'
fi
