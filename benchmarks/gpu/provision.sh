#!/bin/sh
# Puts ONNX Runtime's CUDA provider and NVIDIA's runtime libraries where onnxruntime-node finds them, from Python wheels of the
# same release. Needs python3 with pip, about 3 GB of disk, and NVIDIA's driver (for CUDA 13) on the machine that runs it.
#
#   benchmarks/gpu/provision.sh         then: . .tools/cuda/env.sh
set -eu

ORT=1.30.0
root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
cuda="$root/.tools/cuda"
node_ort="$root/node_modules/onnxruntime-node"

version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$node_ort/package.json")
[ "$version" = "$ORT" ] || { echo "onnxruntime-node is $version, this script is for $ORT: the provider must be of the same release" >&2; exit 1; }

mkdir -p "$cuda/wheels" "$cuda/lib"
python3 -m pip download --quiet --no-deps --dest "$cuda/wheels" "onnxruntime-gpu==$ORT"
# nvidia-cudnn-cu13 brings cuDNN 9; the others are CUDA 13's own libraries.
python3 -m pip download --quiet --no-deps --dest "$cuda/wheels" \
  nvidia-cuda-runtime nvidia-cublas nvidia-cufft nvidia-curand nvidia-cuda-nvrtc nvidia-nvjitlink nvidia-cudnn-cu13

for wheel in "$cuda"/wheels/*.whl; do
  python3 -m zipfile -e "$wheel" "$cuda/unpacked"
done
find "$cuda/unpacked" -name 'lib*.so*' ! -name 'libonnxruntime*' -exec mv -f {} "$cuda/lib/" \;
bin=$(dirname -- "$(find "$node_ort/bin" -path '*linux/x64/libonnxruntime.so*' -print -quit)")
for library in shared cuda; do
  cp -f "$cuda/unpacked/onnxruntime/capi/libonnxruntime_providers_$library.so" "$bin/"
done
rm -rf "$cuda/unpacked" "$cuda/wheels"

cat >"$cuda/env.sh" <<EOF
export LD_LIBRARY_PATH="$cuda/lib\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}"
EOF
echo "now: . $cuda/env.sh && tools/run node benchmarks/gpu/check.ts"
