#!/usr/bin/env bash
# Builds docker/Dockerfile as it is, and runs in it the main job, the command of README.md, and the studio, on a Debian
# machine that has no container engine: buildah builds in a chroot, on a base image made of Debian's own packages. Needs
# root, apt, and room on the disk. Usage: docker/ci-build.sh [cpu|cuda]
set -euo pipefail

target=${1:-cpu}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
needed=34 # GB, at the height of it: torch and its CUDA packages, several times over
free=$(($(df --output=avail -k "${TMPDIR:-/tmp}" | tail -n 1) / 1000000))
if [ "$free" -lt "$needed" ]; then
    echo "NOT BUILT: the container needs $needed GB of free disk, and here are $free. Nothing was learnt about it." >&2
    exit 75 # as sysexits.h has it: try again later
fi

work=$(mktemp -d)
export TMPDIR="$work" # where buildah keeps what pip has fetched, too
storage=(--storage-driver overlay --root "$work/storage" --runroot "$work/run")
clean() { buildah "${storage[@]}" rm --all >/dev/null 2>&1 || true; rm -rf "$work"; }
trap clean EXIT

if ! command -v buildah >/dev/null || ! command -v mmdebstrap >/dev/null; then
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends buildah mmdebstrap >/dev/null
fi

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
    --build-arg PYTHON_IMAGE=localhost/facesynth-base --target "$target" --file "$root/docker/Dockerfile" \
    --tag "localhost/facesynth:$target" "$root"

job=$(buildah "${storage[@]}" from --pull=never --signature-policy "$work/policy.json" "localhost/facesynth:$target")
# This buildah lays a container's own volume over what is mounted there; engines do it the other way round.
buildah "${storage[@]}" config --volume /data- "$job"
uid=12345
run() { buildah "${storage[@]}" run --isolation chroot --user "$uid:$uid" "$@"; }
run "$job" -- du --summarize --block-size=MB /opt/torch /opt/facesynth /opt/app /usr
if run "$job" -- sh -c 'command -v cc || command -v gcc || command -v g++ || command -v clang || command -v make' 2>/dev/null; then
    echo "a compiler is in the image" >&2
    exit 1
fi
# The packages were installed as the locks name them, without their own say: two of what they ask for are left out.
lacking=$(run "$job" -- python3 -m pip check | grep -E ' requires | has requirement ' |
    grep -vE ' requires (opencv-python|openvino-telemetry),' || true)
if [ -n "$lacking" ]; then
    echo "the locks do not fit together: run docker/lock.sh" >&2
    echo "$lacking" >&2
    exit 1
fi
run "$job" -- facesynth --help
run "$job" -- facesynth doctor

mkdir -m 777 "$work/data"
cp -r "$root/docs/examples/photos" "$work/data/in"
# The main job, and the command that docker/README.md opens with: a folder of the caller's in, files of the caller's out.
run --volume "$work/data:/data" "$job" -- facesynth run demo.yaml in -o painted
test -s "$work/data/painted/report.json"
run --volume "$work/data:/data" "$job" -- facesynth segment /data/in -o /data/out
test -s "$work/data/out/report.json"
test -z "$(find "$work/data/painted" "$work/data/out" ! -uid "$uid")"

# The studio, until it is healthy by the check of compose.yaml; the chroot has the host's network, so on a free port.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
health=$(sed -n 's/^ *- "\(import urllib.*\)"$/\1/p' "$root/docker/compose.yaml" | sed "s/\${FACESYNTH_PORT:-7860}/$port/")
test -n "$health"
# shellcheck disable=SC2016
run --env FACESYNTH_TOKEN=random --env FACESYNTH_OFFLINE=1 "$job" -- sh -c '
    facesynth serve --demo --host 0.0.0.0 --port "$1" >/tmp/address &
    for second in $(seq 120); do
        sleep 1
        kill -0 $! || exit 1
        python3 -c "$2" 2>/dev/null && echo "the studio is healthy after $second s" && healthy=1 && break
    done
    grep -q "#token=" /tmp/address || exit 1
    kill $! && wait $! && test "$healthy"' sh "$port" "$health"
