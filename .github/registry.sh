#!/usr/bin/env bash
# Bring the model registry of CI here, or send it back: REGISTRY=gs://bucket/prefix .github/registry.sh pull|push
#
# Versions are immutable and go first; the index goes last, and only if nobody replaced it since it was pulled: a
# registry in the bucket is readable and consistent at any instant, and of two writers one is told to start again.
set -euo pipefail

readonly HERE=model_registry
readonly GENERATION=.registry-generation
readonly INDEX=registry_index.json

generation_of_index() {
  local found errors
  errors=$(mktemp)
  if found=$(gcloud storage objects describe "$REGISTRY/$INDEX" --format='value(generation)' 2>"$errors"); then
    echo "$found"
  elif grep -q 'not found: 404' "$errors"; then
    echo 0 # What a bucket calls an object that does not exist.
  else
    cat "$errors" >&2
    return 1
  fi
}

pull() {
  local generation
  # Read before the files: a registry that changes in between is then found out by the push.
  generation=$(generation_of_index)
  mkdir -p "$HERE"
  if [[ $generation != 0 ]]; then
    gcloud storage rsync --recursive --exclude='^(.*/)?\.lock$' "$REGISTRY" "$HERE"
  fi
  echo "$generation" >"$GENERATION"
}

push() {
  local generation
  generation=$(cat "$GENERATION")
  gcloud storage rsync --recursive --exclude='^(.*/)?\.lock$|^registry_index\.json$' "$HERE" "$REGISTRY"
  gcloud storage cp --if-generation-match="$generation" "$HERE/$INDEX" "$REGISTRY/$INDEX"
  generation_of_index >"$GENERATION"
}

case "${1-}" in
  pull | push) "$1" ;;
  *)
    echo "usage: REGISTRY=gs://bucket/prefix $0 pull|push" >&2
    exit 2
    ;;
esac
