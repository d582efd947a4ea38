#!/usr/bin/env bash
# Builds docker/Dockerfile as it is, and runs the main job in it, on a Debian machine that has no container engine:
# buildah builds in a chroot, on a base image made of Debian's own packages. Needs root, apt, and room on the disk.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
needed=34 # GB, at the height of it: torch and its CUDA packages, several times over
free=$(($(df --output=avail -k "${TMPDIR:-/tmp}" | tail -n 1) / 1000000))
if [ "$free" -lt "$needed" ]; then
    echo "NOT BUILT: the container needs $needed GB of free disk, and here are $free. Nothing was learnt about it." >&2
    exit 75 # as sysexits.h has it: try again later
fi

work=$(mktemp -d)
storage=(--storage-driver overlay --root "$work/storage" --runroot "$work/run")
clean() { buildah "${storage[@]}" rm --all >/dev/null 2>&1 || true; rm -rf "$work"; }
trap clean EXIT

command -v buildah mmdebstrap >/dev/null || {
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends buildah mmdebstrap >/dev/null
}

mmdebstrap --quiet --variant=minbase --include=python3,python3-venv,ca-certificates bookworm "$work/rootfs.tar"
echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$work/policy.json"
base=$(buildah "${storage[@]}" from scratch)
buildah "${storage[@]}" add --quiet "$base" "$work/rootfs.tar" / >/dev/null
rm "$work/rootfs.tar"
buildah "${storage[@]}" commit --quiet --rm --signature-policy "$work/policy.json" "$base" localhost/facesynth-base >/dev/null

# The build reaches the package index as this machine does: by its certificates.
certificates=${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt}
printf '[global]\ncert = /etc/ssl/certs/of-the-host.crt\n' >"$work/pip.conf"
buildah "${storage[@]}" build --quiet --pull=never --isolation chroot --signature-policy "$work/policy.json" \
    --volume "$certificates:/etc/ssl/certs/of-the-host.crt:ro" --volume "$work/pip.conf:/etc/pip.conf:ro" \
    --build-arg PYTHON_IMAGE=localhost/facesynth-base --target cpu --file "$root/docker/Dockerfile" \
    --tag localhost/facesynth:cpu "$root"

job=$(buildah "${storage[@]}" from --pull=never --signature-policy "$work/policy.json" localhost/facesynth:cpu)
run() { buildah "${storage[@]}" run --isolation chroot --user 12345:12345 "$@"; }
run "$job" -- facesynth --help
run "$job" -- facesynth doctor
mkdir -m 777 "$work/out"
run --volume "$root/docs/examples/photos:/work/photos:ro" --volume "$work/out:/work/out" "$job" -- \
    facesynth run demo.yaml photos -o out
test -s "$work/out/report.json"
