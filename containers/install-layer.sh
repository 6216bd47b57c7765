#!/bin/sh
# install-layer.sh LAYER LOCK|WHEEL: packages as a tree under /layers/LAYER, the same bytes whenever and wherever it runs.
# Runs in the builder stages of every image. Nothing comes that the lock file does not name.
set -eu
tree="/layers/$1"
packages="$tree/opt/lab-lens/packages"
case "$2" in
*.txt) set -- --requirement "$2" ;;
*) set -- "$2" ;;
esac
mkdir -p "$packages"
pip --python /opt/lab-lens/venv/bin/python install --no-deps --no-cache-dir --no-compile --quiet \
	--disable-pip-version-check --root-user-action=ignore --find-links /build/wheels \
	${TORCH_INDEX_URL:+--extra-index-url "$TORCH_INDEX_URL"} --target "$packages" "$@"

# What only the packages' own tests, or a compiler, would use: about a tenth of the image.
rm -rf "$packages/torch/test" "$packages/torch/include" "$packages"/torch/bin/*test* "$packages/torch/bin/protoc"*
find "$packages" -type d -name tests -prune -exec rm -r {} +

# Compiled here: a task's container lives for seconds, and would compile all that it imports. The result does not depend
# on times. Packages hold a few files for newer Pythons, which no older one can compile or import; pip passes over them too.
python -m compileall -qq -j 0 --invalidation-mode unchecked-hash -s "$tree" -p / "$packages" || true

# Times do not depend on the commit, so a layer changes only when its packages do.
find "$tree" -exec touch --no-dereference --date=@315532800 {} +
